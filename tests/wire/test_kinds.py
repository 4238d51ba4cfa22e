"""Types without their trimmings, required members, and docstrings as paragraphs."""

from functools import partial
from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import Meta
from msgspec import inspect as types

from soundstage.wire.kinds import bare, is_required, may_be_null, member_texts, paragraphs
from soundstage.wire.shapes import SENSITIVE, Shape

Secret = Annotated[str, Meta(extra=SENSITIVE)]


class Lamp(Shape, frozen=True, kw_only=True):
    """A lamp
    on a stand.

      It may be <lit>.
    """

    key: Secret
    """What it is called,
    in short.
    """
    note: Annotated[Secret | None, Meta(title="A note")] = None
    moods: list[Literal["CALM"]] = msgspec.field(default_factory=list)
    level: int | None = None


KINDS = {field.encode_name: field for field in types.type_info(Lamp).fields}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("member", "kind", "sensitive", "null", "required"),
    [
        ("key", types.StrType, True, False, True),
        ("note", types.StrType, True, True, False),
        ("moods", types.ListType, False, False, False),
        ("level", types.IntType, False, True, False),
    ],
)
def test_members(member: str, kind: type, sensitive: bool, null: bool, required: bool) -> None:
    field = KINDS[member]
    found, is_sensitive = bare(field.type)
    assert isinstance(found, kind)
    assert (is_sensitive, may_be_null(field.type), is_required(field)) == (
        sensitive,
        null,
        required,
    )


def test_docstrings_lose_their_line_breaks() -> None:
    assert paragraphs(Lamp) == ["A lamp on a stand.", "It may be <lit>."]
    assert paragraphs(test_docstrings_lose_their_line_breaks) == []


def test_a_partial_function_has_the_text_of_the_whole_one() -> None:
    assert paragraphs(partial(paragraphs)) == paragraphs(paragraphs)


def test_a_member_has_the_text_under_it() -> None:
    class Inside(Shape, frozen=True, kw_only=True):
        on: bool
        """Whether it shines."""

    assert member_texts(Lamp) == {"key": "What it is called, in short."}
    assert member_texts(Inside) == {"on": "Whether it shines."}
    with pytest.raises(TypeError, match="is no class"):
        member_texts(member_texts)
