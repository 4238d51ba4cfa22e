"""Sentences about wrong inputs: the member in wire form, its limit, and what it got."""

from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from soundstage.wire import complaints
from soundstage.wire.shapes import SENSITIVE, Name64, Shape


class Kind(StrEnum):
    LINUX = "LINUX"
    WINDOWS = "WINDOWS"


class Root(Shape, frozen=True, kw_only=True):
    linux: Annotated[str, Meta(min_length=2, extra=SENSITIVE)] | None = None


class Stream(Shape, frozen=True, kw_only=True):
    ec2_instance_types: Annotated[list[Kind], Meta(min_length=1, max_length=2)]
    roots: Annotated[list[Root], Meta(extra=SENSITIVE)] | None = None
    mode: Literal["ENABLED", "DISABLED"] = "ENABLED"


class Input(Shape, frozen=True, kw_only=True):
    stream_configuration: Stream | None = None
    name: Name64 | None = None
    studio_name: Annotated[str, Meta(min_length=3, pattern=r"^[a-z0-9]*\Z")] | None = None
    size: Annotated[int, Meta(ge=100, le=16000)] | None = None
    tags: dict[str, str] | None = None


def said(document: Any) -> tuple[str, str | None]:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(document, Input)
    fault = complaints.explain(caught.value, Input, document)
    return fault.message, fault.context.get("member")


@pytest.mark.parametrize(
    ("document", "message", "member"),
    [
        (
            {"streamConfiguration": {"ec2InstanceTypes": ["LINUX", "OTHER"]}},
            "streamConfiguration.ec2InstanceTypes[1] must be one of LINUX, WINDOWS; got 'OTHER'.",
            "streamConfiguration.ec2InstanceTypes[1]",
        ),
        (
            {"streamConfiguration": {"ec2InstanceTypes": []}},
            "streamConfiguration.ec2InstanceTypes must be a list of length >= 1; got length 0.",
            "streamConfiguration.ec2InstanceTypes",
        ),
        (
            {"streamConfiguration": {"ec2InstanceTypes": ["LINUX"], "mode": "MAYBE"}},
            "streamConfiguration.mode must be one of DISABLED, ENABLED; got 'MAYBE'.",
            "streamConfiguration.mode",
        ),
        (
            {"streamConfiguration": {}},
            "streamConfiguration.ec2InstanceTypes is required.",
            "streamConfiguration.ec2InstanceTypes",
        ),
        (
            {"streamConfiguration": "x"},
            "streamConfiguration must be an object; got 'x'.",
            "streamConfiguration",
        ),
        ({"size": 99}, "size must be a whole number >= 100; got 99.", "size"),
        ({"size": "99"}, "size must be a whole number; got '99'.", "size"),
        ({"size": 1.5}, "size must be a whole number; got 1.5.", "size"),
        ({"size": False}, "size must be a whole number; got false.", "size"),
        ({"size": [1]}, "size must be a whole number; got a list.", "size"),
        (
            {"studioName": "A-B"},
            "studioName must be text matching ^[a-z0-9]*; got 'A-B'.",
            "studioName",
        ),
        (
            {"studioName": "ab"},
            "studioName must be text of length >= 3; got length 2.",
            "studioName",
        ),
        ({"tags": {"a": 1}}, "tags[...] must be text.", "tags[...]"),
        ({"tags": {1: "a"}}, "tags must be text.", "tags"),
        ([], "The input must be an object; got a list.", None),
    ],
)
def test_sentences(document: Any, message: str, member: str | None) -> None:
    assert said(document) == (message, member)


def test_sensitive_values_are_not_repeated() -> None:
    assert said({"name": 123456}) == ("name must be text.", "name")
    assert said({"name": "hunter2" * 10}) == (
        "name must be text of length <= 64; got length 70.",
        "name",
    )
    inside = {"streamConfiguration": {"ec2InstanceTypes": ["LINUX"], "roots": [{"linux": 123456}]}}
    assert said(inside) == (
        "streamConfiguration.roots[0].linux must be text.",
        "streamConfiguration.roots[0].linux",
    )


def test_long_values_are_cut() -> None:
    message, _ = said({"streamConfiguration": {"ec2InstanceTypes": ["x" * 5000]}})
    assert len(message) < 250
    assert "…" in message


def test_all_that_is_wrong_is_told_at_once() -> None:
    document = {
        "streamConfiguration": {"mode": "MAYBE", "roots": [{"linux": "x"}, {"linux": "y"}]},
        "size": 99,
        "tags": {"a": 1},
        "unknown": object(),
    }
    fault = complaints.explain_all(Input, document)
    assert fault is not None
    assert fault.complaints == [
        "streamConfiguration.ec2InstanceTypes is required.",
        "streamConfiguration.roots[0].linux must be text of length >= 2; got length 1.",
        "streamConfiguration.mode must be one of DISABLED, ENABLED; got 'MAYBE'.",
        "size must be a whole number >= 100; got 99.",
        "tags[...] must be text.",
    ]
    assert fault.message == fault.complaints[0]
    assert fault.context["member"] == "streamConfiguration.ec2InstanceTypes"
    assert complaints.explain_all(Input, {"size": 100}) is None


def test_the_first_of_all_is_what_one_alone_would_be() -> None:
    for document in ({"size": 99}, {"streamConfiguration": "x"}, {"name": 1}):
        fault = complaints.explain_all(Input, document)
        assert fault is not None
        assert fault.message == said(document)[0]
