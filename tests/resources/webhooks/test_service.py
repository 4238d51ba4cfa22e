"""Webhooks are made within bounds, changed, removed; the trail tells of it without addresses."""

from collections.abc import Callable
from typing import Any

import pytest

from soundstage.resources.webhooks import service
from soundstage.testing.receiver import Receiver
from soundstage.testing.world import World

Refused = Callable[..., tuple[str, str]]


def create(world: World, studio_id: str, url: str, **members: Any) -> dict[str, Any]:
    made: dict[str, Any] = world.operator.call(
        "CreateWebhook", studioId=studio_id, url=url, **members
    )
    return made


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"url": "ftp://a.example"}, "url: It must begin with http"),
        ({"url": "http://u:p@a.example"}, "url: It must hold no user"),
        ({"url": ""}, "url"),
        ({"url": "http://10.0.0.7/x"}, "url: Its host is 10.0.0.7, which is not public."),
        ({"url": "https://a.example", "types": ["sessions"]}, "types"),
        ({"url": "https://a.example", "types": ["a.b"] * 33}, "types"),
    ],
)
def test_bad_input_is_named(
    refused: Refused, studio_id: str, members: dict[str, Any], said: str
) -> None:
    name, message = refused("CreateWebhook", studioId=studio_id, **members)
    assert name == "ValidationException"
    assert said in message


def test_another_address_is_checked_as_the_first(
    world: World, studio_id: str, refused: Refused
) -> None:
    made = create(world, studio_id, "https://a.example")["webhook"]
    where = {"studioId": studio_id, "webhookId": made["webhookId"]}
    name, message = refused("UpdateWebhook", **where, url="http://[fd00::1]/")
    assert (name, message[:4]) == ("ValidationException", "url:")
    found = world.operator.call("GetWebhook", **where)["webhook"]
    assert found["url"] == "https://a.example"


def test_a_studio_has_so_many(world: World, studio_id: str, refused: Refused) -> None:
    for number in range(3):
        create(world, studio_id, f"https://a.example/{number}")
    name, message = refused("CreateWebhook", studioId=studio_id, url="https://a.example/4")
    assert name == "ServiceQuotaExceededException"
    assert "webhooks" in message


def test_the_trail_tells_of_changes_and_of_no_address(world: World, studio_id: str) -> None:
    made = create(world, studio_id, "https://a.example/token")["webhook"]
    where = {"studioId": studio_id, "webhookId": made["webhookId"]}
    changed = world.operator.call("UpdateWebhook", **where, state="DISABLED", types=["sessions.*"])
    assert changed["webhook"]["state"] == "DISABLED"
    assert changed["webhook"]["statusMessage"] == "Nothing is sent until it is enabled."
    assert changed["webhook"]["url"] == "https://a.example/token"
    world.operator.call("DeleteWebhook", **where)
    resource = f"webhook/{made['webhookId']}"
    events = world.operator.call("ListEvents", studioId=studio_id, resource=resource)["events"]
    assert [event["type"] for event in events] == [
        "webhooks.DELETED",
        "webhooks.UPDATED",
        "webhooks.CREATED",
    ]
    assert "token" not in str(events)
    assert list(world.operator.pages("ListWebhooks", studioId=studio_id)) == []


def test_what_is_on_its_way_is_counted(world: World, studio_id: str, receiver: Receiver) -> None:
    with world.service.database.transaction(write=False) as transaction:
        assert service.totals(transaction) == {"PENDING": 0, "DEAD": 0}
    receiver.answers = [500]
    create(world, studio_id, receiver.url)
    world.settle()
    with world.service.database.transaction(write=False) as transaction:
        assert service.totals(transaction)["PENDING"] == 1
