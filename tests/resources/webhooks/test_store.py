"""Webhooks are sealed where they may be secrets, and what is on its way is counted and revived."""

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace
from sqlalchemy import Connection

from soundstage.resources.webhooks import store
from soundstage.resources.webhooks.model import (
    Delivery,
    DeliveryState,
    Failing,
    Webhook,
    WebhookState,
)

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def webhook(studio_id: str) -> Webhook:
    return Webhook(
        id="w",
        studio_id=studio_id,
        url="https://elsewhere.example/token",
        secret="whsec_x",
        types=["sessions.*"],
        state=WebhookState.ENABLED,
        status_message="",
        last_sequence=7,
        delivered_at=None,
        created_by="ada",
        created_at=NOW,
        updated_at=NOW,
    )


def delivery(number: int, state: DeliveryState, at: datetime = NOW) -> Delivery:
    return Delivery(
        id=f"d{number}",
        webhook_id="w",
        sequence=number,
        state=state,
        attempts=9 if state is DeliveryState.DEAD else 0,
        status_message="",
        created_at=at,
        updated_at=at,
    )


def test_the_address_and_the_secret_are_sealed(transaction: Connection, studio_id: str) -> None:
    made = webhook(studio_id)
    store.webhooks.insert(transaction, made)
    assert store.webhooks.get(transaction, "w") == made
    url, secret = transaction.exec_driver_sql("SELECT url, secret FROM webhooks").one()
    assert "elsewhere" not in url
    assert "whsec" not in secret


def test_the_dead_are_counted_revived_and_forgotten(
    transaction: Connection, studio_id: str
) -> None:
    store.webhooks.insert(transaction, webhook(studio_id))
    old = NOW - timedelta(days=31)
    dead = DeliveryState.DEAD
    made = [delivery(1, DeliveryState.PENDING), delivery(2, dead), delivery(3, dead, old)]
    store.add_all(transaction, made, NOW)
    assert store.counts(transaction) == {"w": {"PENDING": 1, "DEAD": 2}}
    store.forget_dead(transaction, "w", NOW - timedelta(days=30))
    assert store.counts_of(transaction, "w") == {"PENDING": 1, "DEAD": 1}
    assert store.revive(transaction, "w", NOW) == 1
    assert store.revive(transaction, "w", NOW) == 0
    assert store.counts_of(transaction, "w") == {"PENDING": 2}
    store.webhooks.delete(transaction, "w")
    assert store.counts(transaction) == {}


def test_what_was_tried_in_vain_is_found_with_the_last_answer(
    transaction: Connection, studio_id: str
) -> None:
    store.webhooks.insert(transaction, webhook(studio_id))
    pending = DeliveryState.PENDING
    store.add_all(transaction, [delivery(1, pending), delivery(2, DeliveryState.DEAD)], NOW)
    assert store.failing_of(transaction, "w") is None
    for number, said in ((3, "first"), (4, "last")):
        at = NOW + timedelta(seconds=number)
        tried = replace(delivery(number, pending, at), attempts=1, status_message=said)
        store.deliveries.insert(transaction, tried)
    assert store.failing_of(transaction, "w") == Failing(count=2, message="last")
    assert store.revive(transaction, "w", NOW) == 3
    assert store.failing_of(transaction, "w") is None
    assert store.counts_of(transaction, "w") == {"PENDING": 4}


def test_who_is_switched_off_waits_for_nothing(transaction: Connection, studio_id: str) -> None:
    store.webhooks.insert(transaction, webhook(studio_id))
    assert store.oldest_waiting(transaction) is None
    late, dead = NOW + timedelta(hours=1), NOW - timedelta(days=1)
    pending = DeliveryState.PENDING
    made = [delivery(1, pending, late), delivery(2, pending), delivery(3, DeliveryState.DEAD, dead)]
    store.add_all(transaction, made, NOW)
    assert store.oldest_waiting(transaction) == NOW
    store.webhooks.update(transaction, "w", {"state": WebhookState.DISABLED})
    assert store.oldest_waiting(transaction) is None


def test_what_rested_is_resumed(transaction: Connection, studio_id: str) -> None:
    store.webhooks.insert(transaction, webhook(studio_id))
    store.deliveries.insert(transaction, delivery(1, DeliveryState.PENDING), due_at=None)
    store.resume(transaction, "w", NOW)
    due = transaction.exec_driver_sql("SELECT due_at FROM webhook_deliveries").scalar_one()
    assert due is not None
