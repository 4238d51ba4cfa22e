"""A shape takes from a record what it has a place for."""

import msgspec

from soundstage.resources.shaping import shaped
from soundstage.wire.shapes import Shape


class Stored(msgspec.Struct, frozen=True):
    name: str
    secret: str


class Shown(Shape, frozen=True, kw_only=True):
    name: str
    arn: str
    note: str | None = None


def test_fields_of_the_same_name_are_shown_and_others_are_not() -> None:
    shown = shaped(Shown, Stored("a", "hidden"), arn="arn:a")
    assert shown == Shown(name="a", arn="arn:a")
    assert b"hidden" not in msgspec.json.encode(shown)


def test_what_is_given_wins() -> None:
    assert shaped(Shown, Stored("a", "b"), arn="x", name="other").name == "other"
