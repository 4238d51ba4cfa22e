"""Tests mirror modules: `src/soundstage/a/b.py` is tested by `tests/a/test_b.py`."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "soundstage"
TESTS = ROOT / "tests"

WITHOUT_MIRROR: dict[str, str] = {
    "engines/interface.py": "a contract, to which tests/contracts holds every engine",
    "migrations": "Alembic runs them in every test that has a database",
    "testing": "it is what the other tests are made with",
    "gateway/upstreams.py": "a contract; all that runs is an exception keeping its reason",
}
"""Kept short: modules and folders that are only worth testing through others."""

NOT_MIRRORS = {
    "architecture": "rules about all modules",
    "browser": "a real browser in front of a real gateway",
    "clients": "SDKs and other clients of the public API",
    "contracts": "one suite for all that implement an interface",
    "documentation": "the pages: what they say is done, and the site is made of them",
    "generated": "requests and lives that a machine thinks of",
    "isolation": "one workstation tries to reach another, the service and the host",
    "kernel": "what only a whole kernel of today can show, in a machine of its own",
    "stories": "walks through the whole product",
    "whole": "the main job with nothing made up: SDK, browser, desktop, backups, kills",
}
"""Folders of tests that have no module of their own."""


def modules() -> list[Path]:
    return sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


def is_excepted(module: Path) -> bool:
    return any(str(place) in WITHOUT_MIRROR for place in (module, *module.parents))


def has_something_to_run(source: str) -> bool:
    """Reports whether any function does more than be declared; shapes need no test."""
    functions = (
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return any(not all(map(_is_declaration, function.body)) for function in functions)


def _is_declaration(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Pass):
        return True
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def test_every_module_with_something_to_run_has_a_mirror() -> None:
    missing = [
        str(module)
        for module in modules()
        if not is_excepted(module)
        and has_something_to_run((PACKAGE / module).read_text(encoding="utf-8"))
        and not (TESTS / module.with_name(f"test_{module.name}")).exists()
    ]
    assert not missing, f"{len(missing)} modules without a test file of their own: {missing}"


def test_every_test_file_mirrors_a_module() -> None:
    astray = [
        str(path.relative_to(TESTS))
        for path in TESTS.rglob("test_*.py")
        if path.relative_to(TESTS).parts[0] not in NOT_MIRRORS
        and not (
            PACKAGE / path.relative_to(TESTS).with_name(path.name.removeprefix("test_"))
        ).exists()
    ]
    assert not astray


def test_the_list_of_exceptions_is_current() -> None:
    gone = [name for name in WITHOUT_MIRROR if not (PACKAGE / name).exists()]
    mirrored = [
        name
        for name in WITHOUT_MIRROR
        if (TESTS / Path(name).with_name(f"test_{Path(name).name}")).exists()
    ]
    assert (gone, mirrored) == ([], [])


def test_shapes_are_told_from_code() -> None:
    assert not has_something_to_run(
        'class A:\n    x: int\n    def f(self) -> int:\n        "doc"\n'
    )
    assert has_something_to_run("def f() -> int:\n    return 1\n")


def test_packages_hold_no_code() -> None:
    busy = [
        str(module)
        for module in modules()
        if module.name == "__init__.py"
        and has_something_to_run((PACKAGE / module).read_text(encoding="utf-8"))
    ]
    assert not busy
