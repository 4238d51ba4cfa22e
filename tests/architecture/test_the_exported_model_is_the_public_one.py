"""What SDKs are given of the service is, shape by shape, what the last public SDK had of it.

Both models are walked from every operation that we have. Limits and marks are compared in inputs,
where SDKs use them; answers are compared by names, types, enumerations and unions. Every difference
is one line of the failure, unless it is listed here with its reason.
"""

import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from soundstage.resources.operations import OPERATIONS
from soundstage.resources.waiters import WAITERS
from soundstage.testing.additions import ADDED_OPERATIONS, is_added
from soundstage.testing.clients import ensure_boto3, model_of_boto3
from soundstage.wire.service_model import documents

ROOT = Path(__file__).parents[2]
Document = dict[str, Any]

SURE_ANSWERS = "we say of no answer what it is sure to hold; no SDK for Python reads it"
DOCUMENTED: dict[str, str] = {
    "CreateLaunchProfile input streamConfiguration: called StreamConfiguration, not "
    "StreamConfigurationCreate": "one structure, for the two of the old model that are alike",
    "UpdateLaunchProfile input streamConfiguration: called StreamConfiguration, not "
    "StreamConfigurationCreate": "as above",
    "CreateStreamingSessionStream input expirationInSeconds: min 0, not 60": (
        "older SDKs send 0 for absent"
    ),
    "GetStreamingSessionBackup: errors ServiceQuotaExceededException": (
        "every operation may answer every error"
    ),
    "ListStreamingSessionBackups: errors ServiceQuotaExceededException": "as above",
    "DeleteStudio output: required ['studio']": SURE_ANSWERS,
    "GetStudio output: required ['studio']": SURE_ANSWERS,
    "ListStudios output: required ['studios']": SURE_ANSWERS,
    "StartStudioSSOConfigurationRepair output: required ['studio']": SURE_ANSWERS,
    "UpdateStudio output: required ['studio']": SURE_ANSWERS,
}
"""Where the models differ on purpose, and why. Descriptive traits that change no request and no
answer are not compared: `documentation`, `idempotent` of operations, `box` of numbers."""


class Comparison:
    """Walks our model and theirs together; a difference is a sentence."""

    def __init__(self, ours: Document, theirs: Document) -> None:
        self.ours, self.theirs = ours, theirs

    def operation(self, name: str) -> Iterator[str]:
        if name not in self.theirs["operations"]:
            yield f"{name}: the public model has no such operation"
            return
        mine, old = self.ours["operations"][name], self.theirs["operations"][name]
        yield from _unequal(name, "name", mine["name"], old["name"])
        yield from _unequal(name, "http", mine["http"], old["http"])
        for side in ("input", "output"):
            yield from self.shape(
                f"{name} {side}", mine[side]["shape"], old[side]["shape"], side == "input"
            )
        errors = [{error["shape"] for error in row["errors"]} for row in (mine, old)]
        if errors[0] ^ errors[1]:
            yield f"{name}: errors {', '.join(sorted(errors[0] ^ errors[1]))}"
        for error in sorted(errors[0] & errors[1]):
            yield from self.error(error)

    def error(self, name: str) -> Iterator[str]:
        mine, old = self.ours["shapes"][name], self.theirs["shapes"][name]
        for trait in ("error", "exception", "fault", "retryable"):
            yield from _unequal(name, trait, mine.get(trait), old.get(trait))
        yield from self.shape(name, name, name, False)

    def shape(self, where: str, name: str, old_name: str, is_input: bool) -> Iterator[str]:
        mine, old = self.ours["shapes"][name], self.theirs["shapes"][old_name]
        if mine["type"] != old["type"]:
            yield f"{where}: {mine['type']}, not {old['type']}"
            return
        if (mine["type"] == "structure" or "enum" in old) and name != old_name:
            yield f"{where}: called {name}, not {old_name}"
        if set(mine.get("enum", ())) != set(old.get("enum", ())):
            yield f"{where}: other values"
        yield from _unequal(where, "union", mine.get("union"), old.get("union"))
        yield from _unequal(
            where, "timestampFormat", mine.get("timestampFormat"), old.get("timestampFormat")
        )
        if sorted(mine.get("required", ())) != sorted(old.get("required", ())):
            only = sorted(set(mine.get("required", ())) ^ set(old.get("required", ())))
            yield f"{where}: required {only}"
        if is_input:
            for trait in ("min", "max", "pattern", "sensitive"):
                yield from _unequal(where, trait, mine.get(trait), old.get(trait))
        yield from self.parts(where, mine, old, is_input)

    def parts(self, where: str, mine: Document, old: Document, is_input: bool) -> Iterator[str]:
        for part in ("member", "key", "value"):
            if part in old:
                inner = f"{where} {part}"
                yield from self.shape(inner, mine[part]["shape"], old[part]["shape"], is_input)
        members, olds = mine.get("members", {}), old.get("members", {})
        for name in sorted(members.keys() ^ olds.keys()):
            if name in members and is_added(f"{where} {name}"):
                continue
            yield f"{where} {name}: {'only here' if name in members else 'missing'}"
        for name in sorted(members.keys() & olds.keys()):
            inner = f"{where} {name}"
            for trait in ("location", "locationName", "idempotencyToken"):
                yield from _unequal(inner, trait, members[name].get(trait), olds[name].get(trait))
            yield from self.shape(inner, members[name]["shape"], olds[name]["shape"], is_input)


def _unequal(where: str, what: str, mine: Any, old: Any) -> Iterator[str]:
    if mine != old:
        yield f"{where}: {what} {mine}, not {old}"


def differences(ours: Document, theirs: Document) -> list[str]:
    comparison = Comparison(ours, theirs)
    modelled = [name for name in ours["operations"] if name not in ADDED_OPERATIONS]
    lines = [line for name in modelled for line in comparison.operation(name)]
    return list(dict.fromkeys(lines))


@pytest.fixture(scope="module")
def python() -> Path:
    return ensure_boto3(ROOT)


@pytest.fixture(scope="module")
def theirs(python: Path) -> Document:
    return model_of_boto3(python)


@pytest.fixture(scope="module")
def made() -> dict[str, Document]:
    return documents(OPERATIONS, WAITERS)


def test_every_operation_is_exported_as_the_public_model_had_it(
    made: dict[str, Document], theirs: Document
) -> None:
    ours = made["service-2.json"]
    assert ours["operations"].keys() == {row.name for row in OPERATIONS}
    found = differences(ours, theirs)
    odd = [line for line in found if line not in DOCUMENTED]
    assert not odd, f"{len(odd)} differences from the public model:\n" + "\n".join(odd)


def test_the_documented_differences_are_still_there(
    made: dict[str, Document], theirs: Document
) -> None:
    found = differences(made["service-2.json"], theirs)
    gone = [
        line
        for line in DOCUMENTED
        if re.split(r"[ :]", line)[0] in made["service-2.json"]["operations"] and line not in found
    ]
    assert gone == []


def test_the_metadata_is_the_public_one(made: dict[str, Document], theirs: Document) -> None:
    assert made["service-2.json"]["metadata"] == theirs["metadata"]


def test_paginators_and_waiters_are_the_public_ones(
    made: dict[str, Document], python: Path
) -> None:
    names = {row.name for row in OPERATIONS} - ADDED_OPERATIONS.keys()
    pages = model_of_boto3(python, "paginators-1")["pagination"]
    told = made["paginators-1.json"]["pagination"].items()
    assert {name: page for name, page in told if name in names} == {
        name: page for name, page in pages.items() if name in names
    }
    ours = made["waiters-2.json"]
    theirs = model_of_boto3(python, "waiters-2")
    assert ours["version"] == theirs["version"]
    assert len(WAITERS) == len(theirs["waiters"]) == 12
    assert _without_text(ours["waiters"]) == _without_text(
        {name: row for name, row in theirs["waiters"].items() if row["operation"] in names}
    )


def _without_text(waiters: Document) -> Document:
    return {
        name: {key: value for key, value in waiter.items() if key != "description"}
        for name, waiter in waiters.items()
    }


def test_no_text_is_the_public_model_s(made: dict[str, Document], theirs: Document) -> None:
    """The texts are our own; a paragraph of theirs would be a copy."""
    ours = set(_texts(made["service-2.json"]))
    assert len(ours) > 40
    assert ours & set(_texts(theirs)) == set()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("documentation"), str):
            yield value["documentation"]
        for item in value.values():
            yield from _texts(item)


def test_differences_are_seen(made: dict[str, Document], theirs: Document) -> None:
    spoilt: Document = deepcopy(made["service-2.json"])
    shapes = spoilt["shapes"]
    shapes["CreateStudioRequest"]["required"].remove("studioName")
    shapes["CreateStudioRequest"]["members"]["clientToken"].pop("idempotencyToken")
    shapes["GetStudioRequest"]["members"]["more"] = {"shape": "String"}
    shapes["StudioState"]["enum"].remove("READY")
    shapes["ThrottlingException"].pop("retryable")
    shapes["StudioName"]["max"] = 65
    shapes["Timestamp"]["type"] = "string"
    found = differences(spoilt, theirs)
    for line in (
        "CreateStudio input: required ['studioName']",
        "CreateStudio input clientToken: idempotencyToken None, not True",
        "GetStudio input more: only here",
        "GetStudio output studio state: other values",
        "ThrottlingException: retryable None, not {'throttling': False}",
        "CreateStudio input studioName: max 65, not 64",
        "GetStudio output studio createdAt: string, not timestamp",
    ):
        assert line in found
