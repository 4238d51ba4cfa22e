"""The service model from rows: names, limits, marks, locations and texts, in a small table."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from soundstage.wire.faults import FAULTS
from soundstage.wire.operation import Grant, Operation, Permission
from soundstage.wire.service_model import Waiter, documents, encoded
from soundstage.wire.shapes import SENSITIVE, ClientToken, Empty, MaxResults, OneOf, Shape, Tags

Document = dict[str, Any]


class Mood(StrEnum):
    """How it feels."""

    CALM = "CALM"
    WILD = "WILD"


class Corner(Shape, frozen=True, kw_only=True):
    """A place <in> a prop & around it."""

    secret: Annotated[str, Meta(max_length=9, extra=SENSITIVE)]
    depth: Annotated[int, Meta(ge=0, le=5)] | None = None
    side: Literal["LEFT", "RIGHT"] | None = None
    hidden: Annotated[list[str], Meta(extra=SENSITIVE)] | None = None


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
    image: bytes
    weight: float | None = None


class PutPropInput(Shape, frozen=True, kw_only=True):
    """Which prop, and how."""

    name: Annotated[str, Meta(min_length=2, max_length=8, pattern=r"^[a-z]*\Z")]
    stage_id: str
    choice: PropChoice | None = None
    client_token: ClientToken | None = None
    friends: Annotated[list[str], Meta(max_length=3)] | None = None
    others: list[str] | None = None


class PropOutput(Shape, frozen=True, kw_only=True):
    prop: PropShape


class ListPropsInput(Shape, frozen=True, kw_only=True):
    stage_id: str
    max_results: MaxResults | None = None
    moods: list[Mood] | None = None
    name: Annotated[str, Meta(max_length=20)] | None = None
    next_token: str | None = None


class ListPropsOutput(Shape, frozen=True, kw_only=True):
    props: list[PropShape]
    next_token: str | None = None


def put_prop(request: object, given: PutPropInput) -> PropOutput:
    """Put a prop
    on the stage.
    """
    raise AssertionError(request, given)


def row(name: str, method: str, path: str, **members: Any) -> Operation:
    never = Permission(administrator=Grant.NEVER, user=Grant.NEVER)
    return Operation(
        name=name, method=method, path=path, permission=never, handler=put_prop, **members
    )


ROWS = [
    row("PutProp", "POST", "/stages/{stageId}/props", input=PutPropInput, output=PropOutput),
    row(
        "ListProps",
        "GET",
        "/stages/{stageId}/props",
        input=ListPropsInput,
        output=ListPropsOutput,
        paginates="props",
    ),
    row(
        "DropProps",
        "DELETE",
        "/stages/{stageId}/props",
        input=ListPropsInput,
        output=Empty,
        status=204,
    ),
]
WAITERS = (
    Waiter("PropPut", "PutProp", "prop.state", 2, 60, "READY", ("FAILED", "LOST")),
    Waiter("LightReady", "GetLight", "light.state", 1, 2, "READY", ()),
)


@pytest.fixture
def service() -> Document:
    made: Document = documents(ROWS, WAITERS)["service-2.json"]
    return made


@pytest.fixture
def shapes(service: Document) -> Document:
    found: Document = service["shapes"]
    return found


def test_an_operation_says_where_it_is_and_what_it_may_answer(service: Document) -> None:
    operation = service["operations"]["PutProp"]
    assert operation["http"] == {
        "method": "POST",
        "requestUri": "/2020-08-01/stages/{stageId}/props",
        "responseCode": 200,
    }
    assert operation["input"] == {"shape": "PutPropRequest"}
    assert operation["output"] == {"shape": "PutPropResponse"}
    assert operation["documentation"] == "<p>Put a prop on the stage.</p>"
    assert [error["shape"] for error in operation["errors"]] == [fault.name for fault in FAULTS]
    assert service["operations"]["DropProps"]["http"]["responseCode"] == 204


def test_members_travel_as_the_row_says(shapes: Document) -> None:
    given = shapes["PutPropRequest"]["members"]
    assert given["stageId"] == {"shape": "String", "location": "uri", "locationName": "stageId"}
    assert given["clientToken"] == {
        "shape": "ClientToken",
        "location": "header",
        "locationName": "X-Amz-Client-Token",
        "idempotencyToken": True,
    }
    assert given["choice"] == {"shape": "PropChoice"}
    asked = shapes["ListPropsRequest"]["members"]["moods"]
    assert asked == {"shape": "MoodList", "location": "querystring", "locationName": "moods"}


def test_required_is_what_an_input_needs_and_nothing_of_an_answer(shapes: Document) -> None:
    assert shapes["PutPropRequest"]["required"] == ["name", "stageId"]
    assert shapes["Corner"]["required"] == ["secret"]
    for answer in ("Prop", "PutPropResponse", "ListPropsResponse", "DropPropsResponse"):
        assert "required" not in shapes[answer]


def test_types_limits_and_marks(shapes: Document) -> None:
    assert {name: shapes[name] for name in ("Secret", "Depth", "Side", "Timestamp")} == {
        "Secret": {"type": "string", "max": 9, "min": 0, "sensitive": True},
        "Depth": {"type": "integer", "box": True, "min": 0, "max": 5},
        "Side": {"type": "string", "enum": ["LEFT", "RIGHT"]},
        "Timestamp": {"type": "timestamp", "timestampFormat": "iso8601"},
    }
    assert shapes["Mood"] == {
        "type": "string",
        "enum": ["CALM", "WILD"],
        "documentation": "<p>How it feels.</p>",
    }
    assert shapes["PropChoice"]["union"] is True
    assert shapes["Tags"]["key"] == shapes["Tags"]["value"] == {"shape": "String"}
    assert shapes["Prop"]["members"]["isLoud"] == {"shape": "Boolean"}
    assert shapes[shapes["Prop"]["members"]["image"]["shape"]] == {"type": "blob"}
    assert shapes["Prop"]["members"]["weight"] == {"shape": "Double"}


def test_lists_are_named_for_what_they_hold_or_who_bounds_them(shapes: Document) -> None:
    assert shapes["CornerList"] == {"type": "list", "member": {"shape": "Corner"}}
    given = shapes["PutPropRequest"]["members"]
    assert (given["friends"], given["others"]) == ({"shape": "Friends"}, {"shape": "StringList"})
    assert (shapes["Friends"]["max"], shapes["Friends"]["min"]) == (3, 0)
    hidden = shapes["Corner"]["members"]["hidden"]["shape"]
    assert shapes[hidden]["sensitive"] is True
    assert "sensitive" not in shapes["StringList"]


def test_two_of_one_name_are_told_apart_by_their_owners(shapes: Document) -> None:
    bounded = shapes["PutPropRequest"]["members"]["name"]["shape"]
    other = shapes["ListPropsRequest"]["members"]["name"]["shape"]
    assert {bounded, other} == {"Name", "PutPropRequestName"}
    assert shapes[bounded] == {"type": "string", "max": 8, "min": 2, "pattern": "^[a-z]*$"}
    assert shapes[other] == {"type": "string", "max": 20, "min": 0}


def test_two_structures_of_one_name_are_refused() -> None:
    class Corner(Shape, frozen=True, kw_only=True):
        wall: str

    class OddInput(Shape, frozen=True, kw_only=True):
        corner: Corner

    odd = row("Odd", "POST", "/odd", input=OddInput, output=PropOutput)
    with pytest.raises(ValueError, match="want to be called Corner"):
        documents([odd], ())


def test_a_type_that_sdks_do_not_have_is_refused() -> None:
    class OddInput(Shape, frozen=True, kw_only=True):
        anything: bytearray

    odd = row("Odd", "POST", "/odd", input=OddInput, output=Empty)
    with pytest.raises(TypeError, match=r"OddRequest\.anything: SDKs have no type for Byte"):
        documents([odd], ())


def test_texts_are_html(shapes: Document) -> None:
    assert shapes["Corner"]["documentation"] == (
        "<p>A place &lt;in&gt; a prop &amp; around it.</p>"
    )


def test_an_error_says_whose_fault_it_is_and_whether_to_try_again(shapes: Document) -> None:
    told = {
        name: (
            shapes[name]["error"],
            shapes[name].get("fault", False),
            shapes[name].get("retryable"),
        )
        for name in ("ValidationException", "ThrottlingException", "InternalServerErrorException")
    }
    again = {"throttling": False}
    assert told == {
        "ValidationException": ({"httpStatusCode": 400, "senderFault": True}, False, None),
        "ThrottlingException": ({"httpStatusCode": 429, "senderFault": True}, False, again),
        "InternalServerErrorException": ({"httpStatusCode": 500}, True, again),
    }
    assert set(shapes["ValidationException"]["members"]) == {"code", "context", "message"}


def test_pages_and_waiters_of_operations_that_are_there() -> None:
    made = documents(ROWS, WAITERS)
    assert made["paginators-1.json"]["pagination"] == {
        "ListProps": {
            "input_token": "nextToken",
            "output_token": "nextToken",
            "limit_key": "maxResults",
            "result_key": "props",
        }
    }
    assert made["waiters-2.json"]["waiters"].keys() == {"PropPut"}
    waiter = made["waiters-2.json"]["waiters"]["PropPut"]
    assert (waiter["operation"], waiter["delay"], waiter["maxAttempts"]) == ("PutProp", 2, 60)
    assert [(one["state"], one["expected"]) for one in waiter["acceptors"]] == [
        ("success", "READY"),
        ("failure", "FAILED"),
        ("failure", "LOST"),
    ]
    assert {one["argument"] for one in waiter["acceptors"]} == {"prop.state"}


def test_another_version_changes_the_metadata_alone() -> None:
    usual, other = documents(ROWS, WAITERS), documents(ROWS, WAITERS, "2020-01-01")
    changed = other["service-2.json"].pop("metadata")
    kept = usual["service-2.json"].pop("metadata")
    assert (kept["apiVersion"], kept["uid"]) == ("2020-08-01", "nimble-2020-08-01")
    assert {**kept, "apiVersion": "2020-01-01", "uid": "nimble-2020-01-01"} == changed
    assert usual == other


def test_the_same_table_gives_the_same_bytes_in_any_order() -> None:
    one = [encoded(document) for document in documents(ROWS, WAITERS).values()]
    other = [encoded(document) for document in documents(ROWS[::-1], WAITERS).values()]
    assert one == other
    assert msgspec.json.decode(one[0])["generatedBy"] == "soundstage"
