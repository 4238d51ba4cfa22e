"""Rules that a reviewer would otherwise have to remember, checked over the whole repository."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "soundstage"

MAY_COMMIT = {
    "kit/database.py": "its transaction block is the only committer",
    "kit/turns.py": "that block's commit, where several share one",
}
MAY_READ_THE_ENVIRONMENT = {
    "kit/config.py": "it is where settings come from",
    "kit/environment.py": "it is where SDKs and commands are told whom to call",
    "kit/settings/service.py": "where a person's data is kept is a variable of the system's",
    "engines/desktop": "these programs run inside a workstation, set up by variables",
    "engines/repository/programs.py": "it hands PATH on to the programs that it starts",
    "testing": "it starts whole services and servers, and hands them what they need",
}
FORBIDDEN_WORDS = {"manager", "helper", "helpers", "util", "utils", "common", "base", "misc"}

Finder = Callable[[ast.AST], bool]


def tracked(*patterns: str) -> list[Path]:
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def places(finder: Finder, allowed: dict[str, str]) -> list[str]:
    """Name the lines of our source where the finder says yes, outside the allowed places."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        if any(name == place or name.startswith(f"{place}/") for place in allowed):
            continue
        found += [
            f"{name}:{node.lineno}"
            for node in ast.walk(ast.parse(text_of(path)))
            if finder(node) and isinstance(node, ast.expr | ast.stmt)
        ]
    return found


def commits(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "commit"
    )


def reads_the_environment(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.value.id == "os" and node.attr in {"environ", "environb", "getenv"}
    names = {alias.name for alias in node.names} if isinstance(node, ast.ImportFrom) else set()
    return bool(names & {"environ", "environb", "getenv"})


@pytest.mark.parametrize(
    ("finder", "breach"),
    [
        (commits, "connection.commit()"),
        (reads_the_environment, "import os\nhome = os.environ['HOME']"),
        (reads_the_environment, "from os import getenv"),
    ],
)
def test_a_breach_is_seen(finder: Finder, breach: str) -> None:
    assert any(finder(node) for node in ast.walk(ast.parse(breach)))


def test_only_the_transaction_block_commits() -> None:
    assert places(commits, MAY_COMMIT) == []


def test_only_the_settings_read_the_environment() -> None:
    assert places(reads_the_environment, MAY_READ_THE_ENVIRONMENT) == []


def test_modules_are_named_for_what_they_hold() -> None:
    named = [
        path.relative_to(ROOT).as_posix()
        for path in SOURCE.rglob("*")
        if FORBIDDEN_WORDS & set(path.stem.lower().split("_"))
    ]
    assert named == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        path.relative_to(ROOT).as_posix()
        for folder in ("src", "tests", "bench")
        for path in (ROOT / folder).rglob("*.py")
        if not ast.get_docstring(ast.parse(text_of(path)))
    ]
    assert silent == []


# ---- what is committed ---------------------------------------------------------------------------


def test_requirements_name_no_address() -> None:
    """Where packages come from is the machine's business; the hashes say which they are."""
    address = re.compile(r"https?://|file:|--(extra-)?index-url|--find-links|@ ")
    named = [
        f"{path.name}: {line}"
        for path in tracked("requirements/*", "*.lock", "*lock.json", "*lock.yaml")
        for line in text_of(path).splitlines()
        if address.search(line)
    ]
    assert named == []


def test_no_file_names_where_this_checkout_lies() -> None:
    named = [path.name for path in tracked() if f"{ROOT}/" in text_of(path)]
    assert named == []


def pins(name: str) -> dict[str, str]:
    found = re.findall(
        r"^([\w.-]+)==(\S+)", text_of(ROOT / "requirements" / name), flags=re.MULTILINE
    )
    return {canonical(package): version for package, version in found}


def canonical(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


def test_every_dependency_is_pinned_as_asked() -> None:
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))
    asked = {
        "service.txt": project["project"]["dependencies"] + project["dependency-groups"]["build"],
        "dev.txt": project["dependency-groups"]["dev"],
        "tracing.txt": project["project"]["optional-dependencies"]["tracing"],
    }
    wrong = [
        f"{name}: {wanted}"
        for name, wanteds in asked.items()
        for wanted in map(Requirement, wanteds)
        if (version := pins(name).get(canonical(wanted.name))) is None
        or version not in wanted.specifier
    ]
    assert wrong == [], "run `make lock`"


def test_the_promised_pythons_are_the_same_everywhere() -> None:
    """What checks types, what setup looks for and what is asked of pip begin with the oldest."""
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(project["project"]["classifiers"]))
    oldest = named[0]
    setup = text_of(ROOT / "scripts" / "setup")
    assert project["project"]["requires-python"] == f">={oldest}"
    assert project["tool"]["mypy"]["python_version"] == oldest
    assert f"sys.version_info < ({oldest.replace('.', ', ')})" in setup
    assert " ".join(f"python{version}" for version in reversed(named)) + "; do" in setup
    assert f"--python-version {oldest} " in text_of(ROOT / "scripts" / "lock")


@pytest.mark.parametrize(
    ("one", "other"),
    [("service.txt", "dev.txt"), ("service.txt", "tracing.txt"), ("tracing.txt", "dev.txt")],
)
def test_environments_that_meet_pin_the_same_versions(one: str, other: str) -> None:
    first, second = pins(one), pins(other)
    both = first.keys() & second.keys()
    assert {name: first[name] for name in both} == {name: second[name] for name in both}


# ---- documents -----------------------------------------------------------------------------------


def links(text: str) -> Iterator[str]:
    """The targets of a page's links and pictures that lie in this repository."""
    for target in re.findall(r"\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)|src=\"([^\"]+)\"", text):
        address = "".join(target)
        if not re.match(r"[a-z]+:|#", address):
            yield address.split("#")[0]


def test_links_are_found() -> None:
    page = 'A [b](c.md#d) and ![e](f/g.png "h"), [i](https://example.org), [j](#k), <img src="l">.'
    assert list(links(page)) == ["c.md", "f/g.png", "l"]


def test_every_link_leads_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in tracked("*.md")
        for target in links(text_of(page))
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_every_page_is_reached_from_the_table_of_contents() -> None:
    contents = ROOT / "docs" / "README.md"
    seen: set[Path] = set()
    ahead = [contents]
    while ahead:
        page = ahead.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        ahead += [(page.parent / target).resolve() for target in links(text_of(page))]
    lost = sorted(set(tracked("docs/*.md")) - seen)
    assert [str(page.relative_to(ROOT)) for page in lost] == []


def test_reference_pages_are_current() -> None:
    """Settings and lifecycles are written from the code."""
    checked = subprocess.run(
        [sys.executable, ROOT / "scripts" / "reference", "--check"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_change_notes_have_a_kind() -> None:
    kinds = {"added", "changed", "fixed", "removed", "security"}
    odd = [
        note.name
        for note in tracked("changes/*")
        if note.name != "README.md"
        and (note.suffix != ".md" or note.stem.rpartition(".")[2] not in kinds)
    ]
    assert odd == []


def asks_by_id(node: ast.AST) -> bool:
    """Reports whether an engine is asked about a workstation by the id of its session."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
        return False
    asked, name = ast.unparse(node.func.value), ast.unparse(node.args[0])
    is_engine = asked.rpartition(".")[2] in {
        "engine",
        "_engine",
        "_browsing",
        "browsing",
        "scripts",
    }
    return is_engine and name.endswith(("session_id", "session.id"))


def test_an_engine_is_asked_by_the_workstation_s_own_name() -> None:
    """A session may have moved: `ref` of a session or a backup says what the engine knows."""
    assert places(asks_by_id, {"testing": "it stands for workstations that never moved"}) == []
