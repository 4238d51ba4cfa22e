"""Events reach a real receiver, signed; whatever happens between a change and its delivery delays
it and loses nothing.
"""

import dataclasses
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from standardwebhooks import Webhook

from soundstage.kit import journal
from soundstage.resources.webhooks import reconcile
from soundstage.testing.receiver import Receiver
from soundstage.testing.world import World

SOON = timedelta(seconds=3)


@pytest.fixture
def where(world: World, studio_id: str, receiver: Receiver) -> dict[str, Any]:
    """Make a webhook, and let it hear of its own making."""
    made = world.operator.call("CreateWebhook", studioId=studio_id, url=receiver.url)
    world.advance(SOON)
    (letter,) = receiver.letters
    assert msgspec.json.decode(letter.body)["type"] == "soundstage.webhooks.CREATED"
    receiver.letters.clear()
    return {
        "studioId": studio_id,
        "webhookId": made["webhook"]["webhookId"],
        "secret": made["secret"],
    }


def told(receiver: Receiver) -> list[str]:
    documents = [msgspec.json.decode(letter.body) for letter in receiver.letters]
    return [document["type"].removeprefix("soundstage.") for document in documents]


def rename(world: World, where: dict[str, Any], name: str = "New") -> None:
    world.operator.call("UpdateStudio", studioId=where["studioId"], displayName=name)


RENAMED = ["studios.UPDATE_IN_PROGRESS", "studios.READY"]


def test_events_arrive_signed_as_standard_webhooks(
    world: World, where: dict[str, Any], receiver: Receiver
) -> None:
    rename(world, where)
    world.advance(SOON)
    assert sorted(told(receiver)) == sorted(RENAMED)
    letter = receiver.letters[0]
    assert letter.headers["content-type"] == "application/cloudevents+json"
    assert letter.headers["webhook-id"] == msgspec.json.decode(letter.body)["id"]
    sent = int(letter.headers["webhook-timestamp"])
    assert abs(sent - world.clock().timestamp()) <= SOON.total_seconds()
    signed = Webhook(where["secret"]).sign(
        letter.headers["webhook-id"],
        world.clock().fromtimestamp(sent, world.clock().tzinfo),
        letter.body.decode(),
    )
    assert letter.headers["webhook-signature"] == signed


def test_only_what_is_wanted_is_sent(
    world: World, where: dict[str, Any], receiver: Receiver
) -> None:
    ids = {name: where[name] for name in ("studioId", "webhookId")}
    world.operator.call("UpdateWebhook", **ids, types=["studios.READY"])
    rename(world, where)
    world.advance(SOON)
    assert told(receiver) == ["studios.READY"]


def test_a_kill_between_the_change_and_its_delivery_loses_nothing(
    world: World, where: dict[str, Any], receiver: Receiver
) -> None:
    rename(world, where)
    world.restart()
    world.advance(SOON)
    assert sorted(told(receiver)) == sorted(RENAMED)


def test_what_was_sent_and_not_noted_is_sent_again_by_the_same_id(
    world: World, where: dict[str, Any], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failed(*_: object) -> None:
        raise OSError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(reconcile.DeliveryWorker, "apply", failed)
        rename(world, where)
        world.advance(SOON)
    first = {letter.headers["webhook-id"] for letter in receiver.letters}
    assert first
    world.restart()
    world.advance(2 * SOON)
    assert first <= {letter.headers["webhook-id"] for letter in receiver.letters}
    assert set(told(receiver)) == set(RENAMED)
    assert len(receiver.letters) > len(RENAMED)


def test_who_is_down_is_tried_again(
    world: World, where: dict[str, Any], receiver: Receiver
) -> None:
    receiver.answers = [500, 500]
    rename(world, where)
    world.advance(SOON)
    assert len(receiver.letters) == 2
    world.advance(timedelta(seconds=6))
    assert sorted(told(receiver)) == sorted(RENAMED * 2)


def test_a_restart_uses_up_no_attempt(
    world: World, where: dict[str, Any], receiver: Receiver
) -> None:
    receiver.answers = [500] * 20
    rename(world, where)
    world.advance(timedelta(minutes=3))
    seen = len(receiver.letters)
    for _ in range(3):
        world.restart()
        world.advance(SOON)
    assert len(receiver.letters) == seen
    world.advance(timedelta(minutes=10))
    assert len(receiver.letters) == seen + len(RENAMED)


def test_who_is_gone_is_told_nothing_more_until_enabled(
    world: World, where: dict[str, Any], receiver: Receiver
) -> None:
    ids = {name: where[name] for name in ("studioId", "webhookId")}
    receiver.answers = [410, 410]
    rename(world, where)
    world.advance(timedelta(minutes=5))
    seen = len(receiver.letters)
    assert 1 <= seen <= 2
    webhook = world.operator.call("GetWebhook", **ids)["webhook"]
    assert webhook["state"] == "DISABLED"
    assert "410" in webhook["statusMessage"]
    rename(world, where, "Newer")
    world.advance(timedelta(minutes=5))
    assert len(receiver.letters) == seen
    receiver.letters.clear()
    receiver.answers.clear()
    world.operator.call("UpdateWebhook", **ids, state="ENABLED")
    world.advance(SOON)
    # All that rested, what was done meanwhile, and that it is enabled again.
    assert set(told(receiver)) == {*RENAMED, "webhooks.DISABLED", "webhooks.UPDATED"}
    assert len(receiver.letters) == 6


def test_an_event_that_is_too_old_to_be_kept_is_given_up(
    world: World, where: dict[str, Any], receiver: Receiver
) -> None:
    ids = {name: where[name] for name in ("studioId", "webhookId")}
    receiver.answers = [500, 500]
    rename(world, where)
    world.advance(SOON)
    with world.service.database.transaction() as transaction:
        transaction.exec_driver_sql("DROP TRIGGER events_are_kept")
        transaction.execute(journal.journal.delete())
    world.advance(timedelta(minutes=1))
    dead = list(world.operator.pages("ListWebhookDeliveries", **ids, state="DEAD"))
    assert {each["statusMessage"] for each in dead} == {"The event is too old to be kept."}
    assert len(dead) == 2


def test_nothing_that_only_this_machine_reaches_is_reached(
    world: World, studio_id: str, receiver: Receiver
) -> None:
    made = world.operator.call("CreateWebhook", studioId=studio_id, url=receiver.url)
    # It was allowed when the webhook was made.
    world.settings = dataclasses.replace(world.settings, webhook_networks=[])
    world.restart()
    world.advance(SOON)
    ids = {"studioId": studio_id, "webhookId": made["webhook"]["webhookId"]}
    (waiting,) = world.operator.pages("ListWebhookDeliveries", **ids)
    assert "127.0.0.1, which is not public" in waiting["statusMessage"]
    assert receiver.letters == []
