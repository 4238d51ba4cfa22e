"""Reading inputs: where each member comes from, and what is refused."""

from typing import Annotated, Any

import pytest
from msgspec import Meta

from soundstage.wire.binding import Asked, Binding, Parts
from soundstage.wire.faults import ValidationError
from soundstage.wire.operation import Grant, Operation, Permission
from soundstage.wire.shapes import ClientToken, Empty, MaxResults, OneOf, Shape, Tags


class ListIn(Shape, frozen=True, kw_only=True):
    studio_id: str
    max_results: MaxResults | None = None
    states: Annotated[list[str], Meta(max_length=3)] | None = None
    owned_by: str | None = None
    session_ids: str | None = None


class Union(OneOf, frozen=True, kw_only=True):
    one: str | None = None
    other: str | None = None


class CreateIn(Shape, frozen=True, kw_only=True):
    client_token: ClientToken | None = None
    studio_id: str
    name: str
    count: Annotated[int, Meta(ge=1, le=5)] | None = None
    launch_profile_id: str | None = None
    owned_by: str | None = None
    configuration: Union | None = None
    tags: Tags | None = None


class RemoveIn(Shape, frozen=True, kw_only=True):
    studio_id: str
    tag_keys: list[str]


def binding(method: str, given: type[Shape], path: str = "/studios/{studioId}") -> Binding:
    return Binding(
        Operation(
            name="Something",
            method=method,
            path=path,
            input=given,
            output=Empty,
            permission=Permission(administrator=Grant.NEVER, user=Grant.NEVER),
            handler=print,
        )
    )


LIST = binding("GET", ListIn)
CREATE = binding("POST", CreateIn)
LABELS = {"studioId": "s"}


def parts(body: bytes = b"", *query: tuple[str, str], token: str | None = None) -> Parts:
    return Parts(labels=LABELS, query=query, client_token=token, body=body)


def listed(*query: tuple[str, str]) -> Any:
    return LIST.decode(parts(b"", *query))


def complaint(door: Binding, given: Parts) -> str:
    with pytest.raises(ValidationError) as caught:
        door.decode(given)
    return caught.value.message


def test_a_query_s_members() -> None:
    given = listed(("maxResults", "7"), ("states", "A"), ("states", "B"), ("ownedBy", "5"))
    assert given == ListIn(studio_id="s", max_results=7, states=["A", "B"], owned_by="5")
    assert listed() == ListIn(studio_id="s")
    assert listed(("unknown", "x"), ("states", "A")) == ListIn(studio_id="s", states=["A"])


@pytest.mark.parametrize(
    "query",
    [
        [("sessionIds", "a,b")],
        [("sessionIds", "a"), ("sessionIds", "b")],
    ],
)
def test_session_ids_come_with_commas_or_repeated(query: list[tuple[str, str]]) -> None:
    assert listed(*query).session_ids == "a,b"


def test_another_member_given_twice_is_refused() -> None:
    said = complaint(LIST, parts(b"", ("ownedBy", "a"), ("ownedBy", "b")))
    assert said == "ownedBy was given more than once."


@pytest.mark.parametrize(
    "value",
    ["0", "101", "-1", "x", "", "1.0", "\N{ARABIC-INDIC DIGIT SEVEN}", "1" * 30, "1e2", "+1"],
)
def test_a_number_in_a_query_has_its_limits(value: str) -> None:
    assert complaint(LIST, parts(b"", ("maxResults", value))).startswith("maxResults must be")


def test_a_list_in_a_query_has_its_limits() -> None:
    said = complaint(LIST, parts(b"", *[("states", "A")] * 4))
    assert said == "states must be a list of length <= 3; got length 4."


def test_the_path_and_the_token_can_t_be_set_elsewhere() -> None:
    given: Any = CREATE.decode(
        parts(b'{"name": "n", "studioId": "other", "clientToken": "body"}', token="header")
    )
    assert (given.studio_id, given.client_token) == ("s", "header")
    assert listed(("studioId", "other")).studio_id == "s"
    without: Any = CREATE.decode(parts(b'{"name": "n", "clientToken": "body"}'))
    assert without.client_token is None


def test_delete_reads_its_query() -> None:
    given = binding("DELETE", RemoveIn).decode(parts(b"", ("tagKeys", "a"), ("tagKeys", "b c")))
    assert given == RemoveIn(studio_id="s", tag_keys=["a", "b c"])
    assert complaint(binding("DELETE", RemoveIn), parts()) == "tagKeys is required."


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b'{"unknown": {"a": [1]}}'])
def test_a_body_may_say_nothing(body: bytes) -> None:
    assert complaint(CREATE, parts(body)) == "name is required."


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "The body is not JSON"),
        (b"\t", "The body is not JSON"),
        (b"\x0c", "The body is not JSON"),
        (b"\xef\xbb\xbf{}", "The body is not JSON"),
        (b'{"name": "\\ud800"}', "The body is not JSON"),
        (b'{"\\udfff": "a"}', "The body is not JSON"),
        (b'{"name": "\xff"}', "The body is not JSON"),
        (b'{"name": NaN}', "The body is not JSON"),
        (b'{"name": "a"} x', "The body is not JSON"),
        (b"[]", "The body must be a JSON object."),
        (b'"text"', "The body must be a JSON object."),
        (b"1", "The body must be a JSON object."),
        (b"[" * 100000, "The body is n"),
        (b'{"a":' * 100000, "The body is n"),
        (b'{"name": 5}', "name must be text; got 5."),
        (b'{"name": null}', "name must be text; got null."),
        (b'{"name": "n", "count": "5"}', "count must be a whole number; got '5'."),
        (b'{"name": "n", "count": true}', "count must be a whole number; got true."),
        (b'{"name": "n", "count": 0}', "count must be a whole number >= 1; got 0."),
        (b'{"name": "n", "count": 6}', "count must be a whole number <= 5; got 6."),
        (b'{"name": "n", "count": 5.0}', "count must be a whole number; got 5.0."),
        (
            b'{"name": "n", "count": 99999999999999999999999}',
            "count must be a whole number <= 5; got 99999999999999999999999.",
        ),
        (b'{"name": "n", "count": 1%s}' % (b"0" * 5000), "The body is not JSON"),
        (b'{"name": "n", "count": 1e400}', "The body is not JSON"),
        (b'{"name": "n", "tags": {"a": 1}}', "tags[...] must be text"),
        (b'{"name": "n", "tags": []}', "tags must be an object; got a list."),
        (
            b'{"name": "n", "configuration": {"one": "a", "other": "b"}}',
            "configuration is not valid: at most one member may be set",
        ),
        (b'{"name": "a\\u0000b"}', "name must not hold the character NUL."),
        (b'{"name": "n", "tags": {"a": "\\u0000"}}', "tags.a must not hold the character NUL."),
        (b'{"name": "n", "tags": {"\\u0000": "a"}}', "A member's name"),
    ],
)
def test_a_body_that_can_t_be_meant(body: bytes, said: str) -> None:
    message = complaint(CREATE, parts(body))
    assert said.replace("A member's name", "tags") in message


def test_of_a_member_said_twice_the_last_counts() -> None:
    given: Any = CREATE.decode(parts(b'{"name": "first", "name": "last"}'))
    assert given.name == "last"


def test_deep_nesting_below_the_parser_s_limit_is_no_crash() -> None:
    for depth in (100, 500, 900, 990, 1100):
        body = b'{"name": "a\\u0000", "x": ' + b"[" * depth + b"]" * depth + b"}"
        assert complaint(CREATE, parts(body))


def test_text_that_looks_like_an_escape_is_only_text() -> None:
    given: Any = CREATE.decode(parts(rb'{"name": "a\\u0000b"}'))
    assert given.name == "a\\u0000b"


def test_a_nul_in_the_address_is_refused() -> None:
    given = Parts(labels={"studioId": "a\0"})
    assert complaint(LIST, given) == "studioId must not hold the character NUL."
    said = complaint(LIST, parts(b"", ("states", "a\0")))
    assert said == "states[0] must not hold the character NUL."


@pytest.mark.parametrize("token", ["", "x" * 65])
def test_a_token_has_its_limits(token: str) -> None:
    assert complaint(CREATE, parts(b'{"name": "n"}', token=token)).startswith("clientToken must be")


def test_an_empty_union_is_accepted() -> None:
    given: Any = CREATE.decode(parts(b'{"name": "n", "configuration": {}}'))
    assert given.configuration == Union()


def test_peeking_reads_what_permissions_need() -> None:
    asked = CREATE.peek(parts(b'{"launchProfileId": "p", "ownedBy": "ann", "name": 5}'))
    assert asked == Asked(labels=LABELS, launch_profile_id="p", owned_by="ann")
    assert LIST.peek(parts(b"", ("ownedBy", "ann"), ("principalId", "x"))) == Asked(
        labels=LABELS, owned_by="ann"
    )
    assert asked.studio_id == "s"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"ownedBy": 5}', b'{"ownedBy": null}', b'{"ownedBy": "a\\u0000"}']
)
def test_peeking_never_complains(body: bytes) -> None:
    assert CREATE.peek(parts(body)) == Asked(labels=LABELS)


def test_peeking_prefers_the_path() -> None:
    door = binding("PATCH", CreateIn, "/studios/{studioId}/{launchProfileId}")
    given = Parts(
        labels={"studioId": "s", "launchProfileId": "path"}, body=b'{"launchProfileId": "body"}'
    )
    assert door.peek(given).launch_profile_id == "path"


def test_a_row_must_take_its_labels() -> None:
    with pytest.raises(ValueError, match="sessionId"):
        binding("GET", ListIn, "/studios/{studioId}/{sessionId}")
