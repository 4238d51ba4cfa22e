"""Every list that comes in pages, through the front door: whole, in order, each thing once; and a
token is good for its own list and caller alone, for ever.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from soundstage.client.calls import CallError, Client
from soundstage.resources import listing
from soundstage.resources.eulas.model import CATALOGUE
from soundstage.resources.members.service import IDENTITY_STORE_ID
from soundstage.resources.operations import OPERATIONS
from soundstage.testing.world import PERSISTENT, World

ROLES = {"adminRoleArn": "arn:aws:iam::1:role/a", "userRoleArn": "arn:aws:iam::1:role/u"}
IDS = {
    "ListEulaAcceptances": "eulaId",
    "ListEulas": "eulaId",
    "ListLaunchProfileMembers": "principalId",
    "ListLaunchProfiles": "launchProfileId",
    "ListStreamingImages": "streamingImageId",
    "ListStreamingSessionBackups": "backupId",
    "ListStreamingSessions": "sessionId",
    "ListStudioComponents": "studioComponentId",
    "ListStudioMembers": "principalId",
    "ListStudios": "studioId",
}
"""The paginated lists of the public API, and what tells their items apart."""


class Lists:
    """Two studios with two of everything, and short words to list it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.here, self.there = (self._studio(name) for name in ("here", "there"))

    def _studio(self, name: str) -> dict[str, str]:
        world, call = self.world, self.world.operator.call
        made = call("CreateStudio", **ROLES, studioName=name, displayName=name)["studio"]
        where = {"studioId": made["studioId"]}
        world.settle()
        profiles = [world.profile(where["studioId"], **PERSISTENT) for _ in range(2)]
        ids = {**where, "launchProfileId": profiles[0]["launchProfileId"]}
        people = [world.principal_id(name) for name in ("ann", "ben")]
        for operation, persona, place in [
            ("PutStudioMembers", "ADMINISTRATOR", where),
            ("PutLaunchProfileMembers", "USER", ids),
        ]:
            persons = [{"principalId": each, "persona": persona} for each in people]
            call(operation, **place, identityStoreId=IDENTITY_STORE_ID, members=persons)
        call("AcceptEulas", **where, eulaIds=sorted(CATALOGUE))
        for _ in range(2):
            session = call("CreateStreamingSession", **ids)["session"]
            world.advance(timedelta(seconds=30))
            call("StopStreamingSession", **where, sessionId=session["sessionId"])
            world.advance(timedelta(seconds=30))
        return ids

    def page(
        self,
        operation: str,
        token: str | None = None,
        *,
        by: Client | None = None,
        ids: dict[str, str] | None = None,
        **filters: Any,
    ) -> tuple[list[str], str | None]:
        """Read a page: the ids of its items, and the next one's token."""
        row = next(row for row in OPERATIONS if row.name == operation)
        assert row.paginates is not None
        labels = {label: (ids or self.here)[label] for label in row.labels}
        client = by or self.world.operator
        answer = client.call(operation, **labels, **filters, nextToken=token)
        return [item[IDS[operation]] for item in answer[row.paginates]], answer.get("nextToken")

    def second(self, operation: str) -> str:
        """Give the token of the second page."""
        _, token = self.page(operation)
        assert token is not None
        return token


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("pages") / "home")
    yield made
    made.close()


@pytest.fixture(scope="module")
def whole(world: World) -> Lists:
    return Lists(world)


@pytest.fixture
def lists(whole: Lists, monkeypatch: pytest.MonkeyPatch) -> Lists:
    """Give them in pages of one item, which only some operations can be asked for."""
    for function in (listing.page, listing.page_of):
        assert function.__kwdefaults__ is not None
        monkeypatch.setitem(function.__kwdefaults__, "size", 1)
    monkeypatch.setattr(Lists, "page", _in_ones(Lists.page))
    return whole


def _in_ones(page: Any) -> Any:
    taking = {row.name for row in OPERATIONS if "max_results" in row.input.__struct_fields__}

    def one(self: Lists, operation: str, token: str | None = None, **how: Any) -> Any:
        if operation in taking:
            how.setdefault("maxResults", 1)
        return page(self, operation, token, **how)

    return one


def refused(lists: Lists, operation: str, token: str, **how: Any) -> bool:
    with pytest.raises(CallError) as caught:
        lists.page(operation, token, **how)
    return caught.value.name == "ValidationException" and "nextToken" in str(caught.value)


def test_they_are_the_lists_that_come_in_pages() -> None:
    public = {row.name for row in OPERATIONS if row.paginates} & IDS.keys()
    assert public == IDS.keys()


@pytest.mark.parametrize("operation", IDS)
def test_pages_of_one_give_the_whole_list_in_its_order(
    whole: Lists, request: pytest.FixtureRequest, operation: str
) -> None:
    everything, end = whole.page(operation)
    assert end is None
    assert len(everything) == len(set(everything)) >= 2
    lists: Lists = request.getfixturevalue("lists")
    shown: list[str] = []
    token: str | None = None
    while True:
        found, token = lists.page(operation, token)
        assert len(found) == 1
        shown += found
        if token is None:
            break
    assert shown == everything


@pytest.mark.parametrize("operation", IDS)
def test_a_token_is_good_for_its_own_list_and_caller_alone(lists: Lists, operation: str) -> None:
    token = lists.second(operation)
    if operation not in {"ListStudios", "ListStudioComponents"}:  # Those are the operator's.
        administrator = lists.world.client("ann")
        assert lists.page(operation, by=administrator)[0]
        assert refused(lists, operation, token, by=administrator)
    for other in IDS.keys() - {operation}:
        assert refused(lists, other, token)
    if operation not in {"ListStudios", "ListEulas"}:
        assert refused(lists, operation, token, ids=lists.there)
    for position in {0, len(token) // 2, len(token) - 2}:
        changed = "A" if token[position] != "A" else "B"
        assert refused(lists, operation, token[:position] + changed + token[position + 1 :])
    for wrong in (token[:-1], f"{token}A", token.upper(), "made up"):
        assert refused(lists, operation, wrong)


@pytest.mark.parametrize(
    ("operation", "filters"),
    [
        ("ListLaunchProfiles", {"states": ["READY"]}),
        ("ListStudioComponents", {"types": ["CUSTOM"]}),
        ("ListStreamingSessions", {"ownedBy": "somebody"}),
        ("ListStreamingSessionBackups", {"ownedBy": "somebody"}),
        ("ListStreamingImages", {"owner": "somebody"}),
        ("ListEulas", {"eulaIds": sorted(CATALOGUE)[:2]}),
        ("ListEulaAcceptances", {"eulaIds": sorted(CATALOGUE)[:2]}),
    ],
)
def test_a_token_is_good_with_its_own_filters_alone(
    lists: Lists, operation: str, filters: dict[str, Any]
) -> None:
    assert refused(lists, operation, lists.second(operation), **filters)


@pytest.mark.parametrize("operation", ["ListStudios", "ListStudioMembers", "ListEulas"])
def test_a_token_outlives_the_process_and_does_not_run_out(lists: Lists, operation: str) -> None:
    token = lists.second(operation)
    following = lists.page(operation, token)
    lists.world.clock.set(lists.world.clock() + timedelta(days=400))
    lists.world.restart()
    assert lists.page(operation, token) == following
