"""Shapes on the wire: camelCase, nothing that is not set, whole seconds."""

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from soundstage.wire import shapes
from soundstage.wire.shapes import Description, Empty, OneOf, ResourceId, Shape


class Inner(Shape, frozen=True, kw_only=True):
    created_at: datetime | None = None


class Outer(Shape, frozen=True, kw_only=True):
    ec2_instance_type: str | None = None
    volume_size_in_gib: int | None = None
    inner: Inner | None = None
    many: list[Inner] | None = None
    by_name: dict[str, str] | None = None


class Choice(OneOf, frozen=True, kw_only=True):
    one: str | None = None
    other: Inner | None = None


MOMENT = datetime(2026, 1, 27, 22, 18, 59, 999999, tzinfo=timezone(timedelta(hours=1)))


def test_names_are_the_wire_s_and_unset_members_are_left_out() -> None:
    assert shapes.encode(Outer(ec2_instance_type="g4dn.xlarge")) == (
        b'{"ec2InstanceType":"g4dn.xlarge"}'
    )
    assert shapes.encode(Outer()) == b"{}"
    assert shapes.encode(Empty()) == b"{}"


def test_moments_are_utc_and_whole_seconds_at_any_depth() -> None:
    said = "2026-01-27T21:18:59Z"
    assert shapes.timestamp(MOMENT) == said
    inner = Inner(created_at=MOMENT)
    assert shapes.to_document(Outer(inner=inner, many=[inner])) == {
        "inner": {"createdAt": said},
        "many": [{"createdAt": said}],
    }


def test_empty_maps_are_sent() -> None:
    assert shapes.to_document(Outer(by_name={})) == {"byName": {}}


def test_unknown_members_are_ignored() -> None:
    assert msgspec.convert({"unknown": 1, "ec2InstanceType": "a"}, Outer) == Outer(
        ec2_instance_type="a"
    )


def test_one_of_holds_one_or_none() -> None:
    assert msgspec.convert({}, Choice).is_empty
    assert not Choice(one="").is_empty
    for given in ({"one": "a", "other": {}}, {"one": "", "other": {"createdAt": None}}):
        with pytest.raises(msgspec.ValidationError, match="at most one"):
            msgspec.convert(given, Choice)
    with pytest.raises(ValueError, match="at most one"):
        Choice(one="a", other=Inner(created_at=datetime.now(UTC)))


@pytest.mark.parametrize("text", ["", "A-_9", "a" * 22])
def test_ids_may_be(text: str) -> None:
    assert msgspec.convert(text, ResourceId) == text


@pytest.mark.parametrize("text", ["a" * 23, "a\n", "a/b", "a b", "ä"])
def test_ids_may_not_be(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text, ResourceId)


def test_limits_count_characters() -> None:
    assert msgspec.convert("ä" * 256, Description)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert("a" * 257, Description)
