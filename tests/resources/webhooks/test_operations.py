"""Webhooks on the wire: the secret is told once, dead letters are seen and sent again."""

from datetime import datetime, timedelta

import pytest

from soundstage.client.calls import CallError
from soundstage.testing.receiver import Receiver
from soundstage.testing.world import World


def test_the_secret_is_told_once(world: World, studio_id: str) -> None:
    made = world.operator.call(
        "CreateWebhook", studioId=studio_id, url="https://a.example", types=["sessions.*"]
    )
    assert made["secret"].startswith("whsec_")
    where = {"studioId": studio_id, "webhookId": made["webhook"]["webhookId"]}
    read = world.operator.call("GetWebhook", **where)
    assert read["webhook"] == made["webhook"]
    assert "secret" not in read
    assert read["webhook"]["types"] == ["sessions.*"]
    (listed,) = world.operator.pages("ListWebhooks", studioId=studio_id)
    assert listed["webhookId"] == where["webhookId"]


def test_dead_letters_are_seen_and_sent_again(
    world: World, studio_id: str, receiver: Receiver
) -> None:
    made = world.operator.call("CreateWebhook", studioId=studio_id, url=receiver.url)
    where = {"studioId": studio_id, "webhookId": made["webhook"]["webhookId"]}
    receiver.answers = [503] * 9
    world.advance(timedelta(days=1))
    assert len(receiver.letters) == 9
    (dead,) = world.operator.pages("ListWebhookDeliveries", **where, state="DEAD")
    assert (dead["attempts"], dead["statusMessage"]) == (9, "It answered 503.")
    assert world.operator.call("GetWebhook", **where)["webhook"]["dead"] == 1
    assert world.operator.call("RedeliverWebhook", **where) == {"redelivered": 1}
    world.settle()
    assert len(receiver.letters) == 10
    assert {letter.headers["webhook-id"] for letter in receiver.letters} == {dead["eventId"]}
    webhook = world.operator.call("GetWebhook", **where)["webhook"]
    # The calls above are changes too, and were told.
    assert webhook["dead"] == 0
    assert webhook["deliveredAt"]


def test_a_receiver_that_takes_nothing_is_told_of_long_before_it_is_given_up(
    world: World, studio_id: str, receiver: Receiver
) -> None:
    made = world.operator.call("CreateWebhook", studioId=studio_id, url=receiver.url)
    where = {"studioId": studio_id, "webhookId": made["webhook"]["webhookId"]}
    receiver.answers = [503, 503]
    world.advance(timedelta(seconds=4))
    webhook = world.operator.call("GetWebhook", **where)["webhook"]
    assert (webhook["pending"], webhook["failing"]) == (1, 1)
    assert webhook["statusMessage"] == "It answered 503."
    (waiting,) = world.operator.pages("ListWebhookDeliveries", **where)
    again, tried = (
        datetime.fromisoformat(waiting[name]) for name in ("nextAttemptAt", "updatedAt")
    )
    assert again - tried == timedelta(seconds=5)
    world.advance(timedelta(minutes=1))
    webhook = world.operator.call("GetWebhook", **where)["webhook"]
    assert (webhook["failing"], webhook["statusMessage"]) == (0, "Events are sent.")


def test_another_studio_s_webhook_is_none(world: World, studio_id: str) -> None:
    made = world.operator.call("CreateWebhook", studioId=studio_id, url="https://a.example")
    other = world.studio("other")["studioId"]
    where = {"studioId": other, "webhookId": made["webhook"]["webhookId"]}
    for operation in ("GetWebhook", "DeleteWebhook", "RedeliverWebhook", "ListWebhookDeliveries"):
        with pytest.raises(CallError) as caught:
            world.operator.call(operation, **where)
        assert caught.value.name == "ResourceNotFoundException"
