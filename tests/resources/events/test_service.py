"""Who may ask for what, and what is new since when."""

from collections.abc import Callable

import pytest

from soundstage.client.calls import CallError
from soundstage.kit import journal
from soundstage.resources.events import service
from soundstage.resources.events.model import Wanted
from soundstage.testing.world import World

Refused = Callable[..., tuple[str, str]]


def test_a_resource_is_named_by_its_arn_or_how_that_ends(world: World, studio_id: str) -> None:
    studio = world.operator.call("GetStudio", studioId=studio_id)["studio"]
    by_arn = world.operator.call("ListEvents", studioId=studio_id, resource=studio["arn"])
    by_end = world.operator.call("ListEvents", studioId=studio_id, resource=f"studio/{studio_id}")
    assert by_arn == by_end
    assert [event["type"] for event in by_arn["events"]] == [
        "studios.READY",
        "studios.CREATE_IN_PROGRESS",
    ]


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"resource": "arn:aws:s3:::bucket"}, "resource"),
        ({"startTime": "0001-01-01T00:00:00+23:59"}, "startTime"),
        ({"endTime": "yesterday"}, "endTime"),
        ({"startTime": "2030-01-01T00:00:00"}, "startTime"),
        ({"order": "SIDEWAYS"}, "order"),
        ({"nextToken": "x"}, "nextToken"),
        ({"maxResults": 101}, "maxResults"),
    ],
)
def test_bad_input_is_named(
    refused: Refused, studio_id: str, members: dict[str, object], said: str
) -> None:
    name, message = refused("ListEvents", studioId=studio_id, **members)
    assert name == "ValidationException"
    assert said in message


def test_the_installation_s_events_are_the_operator_s(world: World, studio_id: str) -> None:
    ada = world.client("ada")
    world.operator.call(
        "PutStudioMembers",
        studioId=studio_id,
        identityStoreId="d-1",
        members=[{"principalId": world.principal_id("ada"), "persona": "ADMINISTRATOR"}],
    )
    told = world.operator.call("ListEvents", studioId=studio_id, scope="INSTALLATION")
    kinds = {event["type"] for event in told["events"]}
    assert {"people.CREATED", "access_keys.CREATED"} <= kinds
    assert ada.call("ListEvents", studioId=studio_id)["events"]
    with pytest.raises(CallError) as caught:
        ada.call("ListEvents", studioId=studio_id, scope="INSTALLATION")
    assert caught.value.name == "AccessDeniedException"


def test_what_is_new_is_followed_from_now_or_from_an_event(world: World, studio_id: str) -> None:
    wanted = Wanted(studio_id=studio_id)
    with world.service.database.transaction() as transaction:
        entries, here = service.follow(transaction, wanted, None)
        assert entries == []
        for _ in range(150):
            journal.append(
                transaction, at=world.clock(), kind="k", subject="s", actor="a", studio_id=studio_id
            )
        first, there = service.follow(transaction, wanted, here)
        assert (len(first), there) == (100, first[-1].sequence)
        rest, end = service.follow(transaction, wanted, there)
        assert (len(rest), end) == (50, journal.last(transaction))
        # An id of another installation, or of one that was set up anew.
        assert service.follow(transaction, wanted, end + 1000) == ([], end)
