"""Shapes as JSON Schema: open and closed, and patterns as ECMAScript reads them."""

from typing import Annotated, Any

import pytest
from msgspec import Meta
from msgspec import inspect as types

from soundstage.wire.json_schema import Schemas, ecma
from soundstage.wire.shapes import OneOf, Shape


class Bulb(OneOf, frozen=True, kw_only=True):
    """What shines."""

    watts: Annotated[int, Meta(ge=1)] | None = None
    lumens: int | None = None


class Lamp(Shape, frozen=True, kw_only=True):
    """A lamp."""

    name: Annotated[str, Meta(max_length=8)]
    bulb: Bulb | None = None


def schema_of(schemas: Schemas) -> dict[str, Any]:
    assert schemas.of(types.type_info(Lamp)) == {"$ref": "#/in/Lamp"}
    return schemas.named["Lamp"]


def test_shapes_refer_to_each_other_where_they_are_kept() -> None:
    schemas = Schemas("#/in/")
    assert schema_of(schemas) == {
        "type": "object",
        "description": "A lamp.",
        "properties": {
            "name": {"type": "string", "maxLength": 8},
            "bulb": {"$ref": "#/in/Bulb"},
        },
        "required": ["name"],
    }
    assert schemas.named["Bulb"]["not"]["anyOf"][0]["required"] == ["watts", "lumens"]


def test_a_closed_one_knows_its_members_and_what_may_stand_for_a_text() -> None:
    schemas = Schemas("#/in/", is_closed=True, text=lambda schema: {"anyOf": [schema, True]})
    found = schema_of(schemas)
    assert found["additionalProperties"] is False
    assert found["properties"]["name"] == {"anyOf": [{"type": "string", "maxLength": 8}, True]}


@pytest.mark.parametrize(
    ("python", "script"),
    [
        (r"^[a-z0-9]*\Z", "^[a-z0-9]*$"),
        (r"^[a-zA-Z0-9-_]*\Z", r"^[a-zA-Z0-9\-_]*$"),
        (r"^[a-z_-]+\Z", "^[a-z_-]+$"),
        (r"^[-a-z]\Z", "^[-a-z]$"),
        (r"^2021\-03\-31\Z", "^2021-03-31$"),
        (r"^(\%HOMEPATH\%)[\\/]\-\Z", r"^(%HOMEPATH%)[\\/]-$"),
        (r"^[\-\]]\$\Z", r"^[\-\]]\$$"),
    ],
)
def test_patterns_are_written_for_another_language(python: str, script: str) -> None:
    assert ecma(python) == script
