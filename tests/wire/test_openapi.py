"""The OpenAPI document from rows: places, limits, null, errors and patterns, in a small table."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta
from openapi_spec_validator import validate

from soundstage.wire.openapi import document
from soundstage.wire.operation import Grant, Operation, Permission
from soundstage.wire.shapes import ClientToken, Empty, MaxResults, OneOf, Shape, Tags

Document = dict[str, Any]


class Mood(StrEnum):
    """How it feels."""

    WILD = "WILD"
    CALM = "CALM"


class Corner(Shape, frozen=True, kw_only=True):
    """A place in a prop."""

    depth: Annotated[int, Meta(ge=0, le=5)] | None = None
    side: Literal["LEFT", "RIGHT"] | None = None


class PropChoice(OneOf, frozen=True, kw_only=True):
    """One of two."""

    corner: Corner | None = None
    mood: Mood | None = None


class PropShape(Shape, frozen=True, kw_only=True):
    """A prop on the wire."""

    made_at: datetime
    corners: list[Corner]
    is_loud: bool
    tags: Tags
    weight: float | None = None


class PutPropInput(Shape, frozen=True, kw_only=True):
    """Which prop, and how."""

    name: Annotated[str, Meta(min_length=2, max_length=8, pattern=r"^[a-z]*\Z")]
    stage_id: str
    choice: PropChoice | None = None
    client_token: ClientToken | None = None
    friends: Annotated[list[str], Meta(max_length=3)] | None = None


class PropOutput(Shape, frozen=True, kw_only=True):
    """One prop."""

    prop: PropShape


class ListPropsInput(Shape, frozen=True, kw_only=True):
    stage_id: str
    moods: list[Mood]
    max_results: MaxResults | None = None


class TouchPropInput(Shape, frozen=True, kw_only=True):
    stage_id: str
    mood: Mood | None = None


class ClearPropsInput(Shape, frozen=True, kw_only=True):
    stage_id: str
    client_token: ClientToken | None = None


def put_prop(request: object, given: PutPropInput) -> PropOutput:
    """Put a prop
    on the stage.

    It stays there.
    """
    raise AssertionError(request, given)


def row(name: str, method: str, path: str, **members: Any) -> Operation:
    never = Permission(administrator=Grant.NEVER, user=Grant.NEVER)
    return Operation(
        name=name, method=method, path=path, permission=never, handler=put_prop, **members
    )


PROPS = "/stages/{stageId}/props"
ROWS = [
    row("PutProp", "POST", PROPS, input=PutPropInput, output=PropOutput),
    row("ListProps", "GET", PROPS, input=ListPropsInput, output=PropOutput),
    row("TouchProp", "PATCH", PROPS, input=TouchPropInput, output=PropOutput),
    row("ClearProps", "PUT", PROPS, input=ClearPropsInput, output=Empty, status=204),
]
REFUSALS = {"BadSignature": 403, "TooLarge": 413}


@pytest.fixture(scope="module")
def made() -> Document:
    return document({"props": ROWS}, REFUSALS)


@pytest.fixture(scope="module")
def props(made: Document) -> Document:
    found: Document = made["paths"]["/2020-08-01/stages/{stageId}/props"]
    return found


@pytest.fixture(scope="module")
def schemas(made: Document) -> Document:
    found: Document = made["components"]["schemas"]
    return found


def test_it_is_valid(made: Document) -> None:
    validate(made)


def test_an_operation_tells_its_name_noun_and_purpose(props: Document) -> None:
    operation = props["post"]
    assert (operation["operationId"], operation["tags"]) == ("PutProp", ["props"])
    assert operation["summary"] == "Put a prop on the stage."
    assert operation["description"] == "It stays there."


def test_members_travel_as_the_row_says(props: Document, schemas: Document) -> None:
    label = {
        "name": "stageId",
        "in": "path",
        "schema": {"type": "string", "minLength": 1},
        "required": True,
    }
    assert props["post"]["parameters"] == [
        label,
        {
            "name": "X-Amz-Client-Token",
            "in": "header",
            "schema": {"type": "string", "minLength": 1, "maxLength": 64},
        },
    ]
    moods = {"type": "array", "items": {"$ref": "#/components/schemas/Mood"}}
    assert props["get"]["parameters"] == [
        label,
        {"name": "moods", "in": "query", "schema": moods, "required": True},
        {
            "name": "maxResults",
            "in": "query",
            "schema": {"type": "integer", "minimum": 1, "maximum": 100},
        },
    ]
    assert set(schemas["PutPropRequest"]["properties"]) == {"name", "choice", "friends"}
    assert "requestBody" not in props["get"]
    assert "requestBody" not in props["put"]


def test_a_body_is_required_when_a_member_of_it_is(props: Document, schemas: Document) -> None:
    assert props["post"]["requestBody"]["required"] is True
    assert schemas["PutPropRequest"]["required"] == ["name"]
    assert props["patch"]["requestBody"]["required"] is False
    assert schemas["TouchPropRequest"]["type"] == ["object", "null"]


def test_types_and_limits(schemas: Document) -> None:
    given = schemas["PutPropRequest"]["properties"]
    assert given["name"] == {
        "type": "string",
        "minLength": 2,
        "maxLength": 8,
        "pattern": "^[a-z]*$",
    }
    assert given["friends"] == {
        "type": ["array", "null"],
        "items": {"type": "string"},
        "maxItems": 3,
    }
    assert schemas["Mood"] == {
        "type": "string",
        "enum": ["WILD", "CALM"],
        "description": "How it feels.",
    }
    said = {"not": {"type": "null"}}
    both = {"required": ["corner", "mood"], "properties": {"corner": said, "mood": said}}
    assert schemas["PropChoice"]["not"] == {"anyOf": [both]}
    assert schemas["Prop"]["properties"] == {
        "madeAt": {"type": "string", "format": "date-time"},
        "corners": {"type": "array", "items": {"$ref": "#/components/schemas/Corner"}},
        "isLoud": {"type": "boolean"},
        "tags": {"type": "object", "additionalProperties": {"type": "string"}},
        "weight": {"type": "number"},
    }


def test_null_may_be_said_in_a_request_only(schemas: Document) -> None:
    null = {"type": "null"}
    given = schemas["PutPropRequest"]["properties"]
    assert given["choice"] == {"anyOf": [{"$ref": "#/components/schemas/PropChoice"}, null]}
    # It travels both ways, so it is written as requests may have it.
    sides = {"type": "string", "enum": ["LEFT", "RIGHT"]}
    assert schemas["Corner"]["properties"] == {
        "depth": {"type": ["integer", "null"], "minimum": 0, "maximum": 5},
        "side": {"anyOf": [sides, null]},
    }
    assert schemas["Prop"]["required"] == ["madeAt", "corners", "isLoud", "tags"]


def test_an_answer_without_content(props: Document, schemas: Document) -> None:
    assert "content" not in props["put"]["responses"]["204"]
    assert "ClearPropsResponse" not in schemas


def test_errors_have_their_names_in_the_header(made: Document, props: Document) -> None:
    assert set(props["get"]["responses"]) == {
        *("200", "400", "402", "403", "404", "409", "413", "429", "500")
    }
    answers = made["components"]["responses"]
    denied = answers["AccessDeniedException"]["headers"]["x-amzn-ErrorType"]
    assert denied["schema"]["enum"] == ["AccessDeniedException", "BadSignature"]
    assert answers["TooLarge"]["headers"]["x-amzn-ErrorType"]["schema"]["enum"] == ["TooLarge"]
    assert "Retry-After" in answers["ThrottlingException"]["headers"]
    assert "Retry-After" not in answers["ConflictException"]["headers"]
    shape = made["components"]["schemas"]["ConflictException"]
    assert set(shape["properties"]) == {"code", "context", "message"}


def test_requests_are_signed(made: Document) -> None:
    (scheme,) = made["security"]
    (name,) = scheme
    found = made["components"]["securitySchemes"][name]
    assert (found["type"], found["in"], found["name"]) == ("apiKey", "header", "Authorization")
    assert "Signature Version 4" in found["description"]


def test_two_structures_of_one_name_are_refused() -> None:
    class Corner(Shape, frozen=True, kw_only=True):
        wall: str

    class OddInput(Shape, frozen=True, kw_only=True):
        corner: Corner

    odd = row("Odd", "POST", "/odd", input=OddInput, output=PropOutput)
    with pytest.raises(ValueError, match="want to be called Corner"):
        document({"odd": [odd]})


def test_a_type_that_json_does_not_have_is_refused() -> None:
    class OddInput(Shape, frozen=True, kw_only=True):
        anything: bytearray

    odd = row("Odd", "POST", "/odd", input=OddInput, output=Empty)
    with pytest.raises(TypeError, match="no type for ByteArrayType"):
        document({"odd": [odd]})
