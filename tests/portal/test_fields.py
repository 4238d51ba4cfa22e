"""Limits come from the shapes, and documents are put together by path."""

import re
from typing import Any

import pytest

from soundstage.portal.fields import Limits, browser_pattern, limits_of, put, read, take
from soundstage.resources.operations import OPERATIONS

INPUTS = {row.name: row.input for row in OPERATIONS}
RULES = "streamConfiguration"


@pytest.mark.parametrize(
    ("operation", "path", "limits"),
    [
        ("CreateLaunchProfile", "name", Limits(kind="text", is_required=True, least=1, most=64)),
        ("CreateLaunchProfile", "description", Limits(kind="text", most=256)),
        (
            "CreateLaunchProfile",
            f"{RULES}.maxSessionLengthInMinutes",
            Limits(kind="number", least=1, most=43200),
        ),
        (
            "CreateLaunchProfile",
            f"{RULES}.clipboardMode",
            Limits(kind="choice", is_required=True, values=["ENABLED", "DISABLED"]),
        ),
        ("CreateLaunchProfile", f"{RULES}.sessionDownload", Limits(kind="group")),
        (
            "CreateStudioComponent",
            "initializationScripts[].script",
            Limits(kind="text", least=1, most=5120),
        ),
    ],
)
def test_limits_are_read_from_the_shapes(operation: str, path: str, limits: Limits) -> None:
    assert limits_of(INPUTS[operation], path) == limits


def test_lists_know_their_values_and_how_many_there_may_be() -> None:
    found = limits_of(INPUTS["CreateLaunchProfile"], f"{RULES}.ec2InstanceTypes")
    assert (found.kind, found.least, found.most, found.is_required) == ("choices", 1, 30, True)
    assert "g4dn.xlarge" in found.values
    with pytest.raises(KeyError):
        limits_of(INPUTS["CreateLaunchProfile"], "nothing")


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        (r"^ami-[0-9A-z]+\Z", r"ami-[0-9A-z]+"),
        (r"^[A-Za-z0-9-_]*\Z", r"[A-Za-z0-9\-_]*"),
        (r"^(/|[/]?([A-Za-z0-9_-]+/)*)\Z", r"(/|[\/]?([A-Za-z0-9_\-]+/)*)"),
        (r"^[^/\n\s\\]+\Z", r"[^\/\n\s\\]+"),
    ],
)
def test_patterns_are_written_as_browsers_read_them(pattern: str, told: str) -> None:
    assert browser_pattern(pattern) == told
    for text in ("ami-0", "a_b-c", "/x/y", "x y", ""):
        assert bool(re.fullmatch(told, text)) == bool(re.match(pattern, text))


def test_members_are_put_and_taken_by_path() -> None:
    document: dict[str, Any] = {"a": {"b": 1, "c": 2}}
    put(document, "a.b", None)
    put(document, "d.e", "x")
    assert document == {"a": {"c": 2}, "d": {"e": "x"}}
    put(document, "d.e", None)
    assert document == {"a": {"c": 2}}
    assert (take(document, "a.c"), take(document, "a.c.x"), take(document, "z.y")) == (
        2,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("number", " 12 ", 12),
        ("number", "twelve", "twelve"),
        ("number", "٣", "٣"),
        ("text", "1", "1"),
    ],
)
def test_what_is_no_number_stays_text(kind: str, text: str, value: object) -> None:
    assert read(Limits(kind=kind), text) == value
