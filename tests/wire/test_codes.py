"""The reasons of refusals, by which programs tell them apart."""

import ast
from pathlib import Path

import soundstage
from soundstage import resources
from soundstage.wire.codes import Code

SOURCES = Path(soundstage.__file__).parent
RESOURCES = Path(resources.__file__).parent
FAULTS = {"ValidationError", "AccessDeniedError", "ConflictError", "QuotaExceededError"}
SENT_BY_NO_PAGE = {
    "access keys, people and their logins: the command line": {"members", "logins", "identities"},
    "tags: programs": {"tags"},
}
"""Nouns whose refusals no button and no form can cause, and who meets them."""
OTHERS = {
    "memberships.py": "longer than the portal writes it",
    "launch_profiles/service.py: platform": "what a program says of itself when it joins",
    "launch_profiles/service.py: launchPurpose": "the same",
    "launch_profiles/service.py: launchProfileProtocolVersions": "the same",
    "launch_profiles/service.py: The launch profile": "the same",
    "sessions/service.py: volumeRetentionMode": "the portal leaves the mode as it is",
    "studios/service.py: studioEncryptionConfiguration": "the portal asks for no key",
    "studios/service.py: studioId": "the command line repairs sign-on",
    "hosts/service.py: at": "the portal sends minutes",
    "streams/operations.py: expirationInSeconds": "the portal says nothing of it",
}
"""Single ones, by file and by how their sentence begins, each with the reason."""


def refusals() -> list[tuple[str, str, bool]]:
    """Every fault that a noun raises: where, how its sentence begins, and whether it has a code."""
    found = []
    for path in sorted(RESOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            if node.func.id in FAULTS:
                is_coded = any(each.arg == "code" for each in node.keywords)
                name = path.relative_to(RESOURCES).as_posix()
                found.append((name, _begins(node), is_coded))
    return found


def _begins(call: ast.Call) -> str:
    first = call.args[0]
    part = first.values[0] if isinstance(first, ast.JoinedStr) else first
    return str(part.value) if isinstance(part, ast.Constant) else ""


def test_what_a_page_can_be_refused_has_a_code() -> None:
    nouns = set().union(*SENT_BY_NO_PAGE.values())
    bare = [
        f"{name}: {begins}"
        for name, begins, is_coded in refusals()
        if not is_coded and name.partition("/")[0] not in nouns
    ]
    assert [each for each in bare if not each.startswith(tuple(OTHERS))] == []
    # None of the exceptions is left over.
    assert [each for each in OTHERS if not any(one.startswith(each) for one in bare)] == []


ON_ANY = {"member", "resourceId", "principalId"}
"""What a context says of whom and what a request names, with any code."""


def contexts() -> list[tuple[Code, set[str]]]:
    """The members that faults with a code are raised with, where they are written out."""
    found = []
    for path in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            given = {each.arg: each.value for each in getattr(node, "keywords", ())}
            code, context = given.get("code"), given.get("context")
            if isinstance(code, ast.Attribute) and isinstance(context, ast.Dict | None):
                keys = [] if context is None else context.keys
                names = {str(each.value) for each in keys if isinstance(each, ast.Constant)}
                found.append((code.attr, names))
    return [(Code[code], members) for code, members in found if code in Code.__members__]


def test_a_text_names_what_the_context_has() -> None:
    # What a state is about is put together by `of_state`, and of members by `complaints`.
    told = [each for each in contexts() if each[0] is not Code.STATE]
    assert len(told) > 30
    assert [
        (code, members) for code, members in told if members - ON_ANY != set(code.context)
    ] == []


def test_a_code_reads_as_it_is_named() -> None:
    assert [each for each in Code if each.value != each.name] == []
    assert len(refusals()) > 60
