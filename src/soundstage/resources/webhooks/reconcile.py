"""The two workers of webhooks: one puts new events on their way, the other sends them.

What is on its way is a row, so a kill between a change and its delivery delays it and loses
nothing. A receiver may get an event twice, by the same id; the order is as a rule that of the
events, and never to be counted on.
"""

import threading
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection
from standardwebhooks import Webhook as Signer

from soundstage.kit import ids, journal, lease
from soundstage.kit.journal import Entry
from soundstage.kit.outbound import BadDestinationError, Outbound, UnreachableError
from soundstage.resources.events import cloud
from soundstage.resources.events import service as events
from soundstage.resources.events.model import Wanted, id_of
from soundstage.resources.webhooks import service, store
from soundstage.resources.webhooks.model import (
    DEAD_KEPT_FOR,
    MOST_WAITING,
    Attempt,
    Delivery,
    DeliveryState,
    Next,
    Webhook,
    WebhookState,
    after,
    next_attempt_at,
    wants,
)

_LOOK_EVERY = timedelta(seconds=2)
_AT_ONCE = 4
"""Deliveries that are sent at the same time: a receiver that hangs must not hold up workstations,
whose steps are taken by the same threads.
"""
_BUSY_FOR = timedelta(seconds=1)
_GONE = "The receiver answered that it is gone (410)."


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What is new for a webhook."""

    webhook: Webhook
    entries: list[Entry]
    through: int
    has_dead: bool = False
    again_at: datetime | None = None


class WebhookWorker:
    """Looks through new events for each webhook, and makes a delivery of those that it wants."""

    name = "webhooks"
    table = store.table

    def load(self, transaction: Connection, row_id: str, now: datetime) -> News | None:
        """Read what is new, unless too much waits already."""
        del now
        webhook = store.webhooks.get(transaction, row_id)
        if webhook is None or webhook.state is WebhookState.DISABLED:
            return None
        counts = store.counts_of(transaction, row_id)
        has_dead = DeliveryState.DEAD in counts
        if sum(counts.values()) >= MOST_WAITING:
            return News(
                webhook=webhook, entries=[], through=webhook.last_sequence, has_dead=has_dead
            )
        wanted = Wanted(studio_id=webhook.studio_id)
        entries, through = events.follow(transaction, wanted, webhook.last_sequence)
        return News(webhook=webhook, entries=entries, through=through, has_dead=has_dead)

    def act(self, loaded: News, now: datetime) -> News:
        """Nothing outside takes part."""
        kinds = loaded.webhook.types
        chosen = [entry for entry in loaded.entries if wants(kinds, entry.kind)]
        # A full page has more behind it.
        again_at = now if len(loaded.entries) == events.AT_ONCE else now + _LOOK_EVERY
        return msgspec.structs.replace(loaded, entries=chosen, again_at=again_at)

    def due_at(self, outcome: News) -> datetime | None:
        """Soon: nobody tells it of events, which so cost nothing where there are no webhooks."""
        return outcome.again_at

    def is_decision(self, outcome: News) -> bool:
        """Deliveries that were made are built on."""
        return bool(outcome.entries)

    def apply(self, transaction: Connection, loaded: News, outcome: News, now: datetime) -> None:
        """Put what is new on its way, and remember up to where."""
        webhook = loaded.webhook
        made = [
            Delivery(
                id=ids.new_id(),
                webhook_id=webhook.id,
                sequence=entry.sequence,
                state=DeliveryState.PENDING,
                attempts=0,
                status_message="",
                created_at=now,
                updated_at=now,
            )
            for entry in outcome.entries
        ]
        store.add_all(transaction, made, now)
        if outcome.through != webhook.last_sequence:
            store.webhooks.update(transaction, webhook.id, {"last_sequence": outcome.through})
        if outcome.has_dead:
            store.forget_dead(transaction, webhook.id, now - DEAD_KEPT_FOR)

    def wake(self, transaction: Connection, changed: str, now: datetime) -> None:
        """Look at the changed webhook now."""
        lease.wake_row(transaction, self.table, changed, now)


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery, and what it needs."""

    delivery: Delivery
    webhook: Webhook
    entry: Entry | None


class DeliveryWorker:
    """Sends what is on its way."""

    name = "webhook_deliveries"
    table = store.deliveries_table

    def __init__(self, outbound: Outbound, address: str) -> None:
        self._outbound = outbound
        self._address = address
        self._slots = threading.BoundedSemaphore(_AT_ONCE)

    def load(self, transaction: Connection, row_id: str, now: datetime) -> Loaded | None:
        """Read the delivery, if it is to be sent."""
        del now
        delivery = store.deliveries.get(transaction, row_id)
        if delivery is None or delivery.state is DeliveryState.DEAD:
            return None
        webhook = store.webhooks.get(transaction, delivery.webhook_id)
        if webhook is None or webhook.state is WebhookState.DISABLED:
            return None
        entries = journal.read(transaction, after=delivery.sequence - 1, limit=1)
        is_there = bool(entries) and entries[0].sequence == delivery.sequence
        return Loaded(delivery=delivery, webhook=webhook, entry=entries[0] if is_there else None)

    def act(self, loaded: Loaded, now: datetime) -> Next:
        """Send it, unless enough are being sent."""
        if loaded.entry is None:
            message = "The event is too old to be kept."
            return Next(state=DeliveryState.DEAD, message=message)
        # Rows are looked at anew when the service starts; a restart must use up no attempt.
        again_at = next_attempt_at(loaded.delivery)
        if again_at is not None and loaded.delivery.updated_at <= now < again_at:
            return _put_off(again_at)
        if not self._slots.acquire(blocking=False):
            return _put_off(now + _BUSY_FOR)
        try:
            return after(loaded.delivery, self._send(loaded.webhook, loaded.entry, now), now)
        finally:
            self._slots.release()

    def due_at(self, outcome: Next) -> datetime | None:
        """When to try again."""
        return outcome.again_at

    def is_decision(self, outcome: Next) -> bool:
        """What is forgotten must not be sent again for want of a note of it; all else may."""
        return outcome.is_delivered or outcome.is_gone or outcome.again_at is None

    def apply(self, transaction: Connection, loaded: Loaded, outcome: Next, now: datetime) -> None:
        """Forget what was delivered, and remember of the rest what came of it."""
        if outcome.is_delivered:
            store.deliveries.delete(transaction, loaded.delivery.id)
            store.webhooks.update(transaction, loaded.webhook.id, {"delivered_at": now})
            return
        if outcome.is_put_off:
            return
        store.deliveries.update(
            transaction,
            loaded.delivery.id,
            {
                "state": outcome.state,
                "attempts": outcome.attempts,
                "status_message": outcome.message,
                "updated_at": now,
            },
        )
        if outcome.is_gone:
            service.disable(transaction, loaded.webhook, now, why=_GONE)

    def wake(self, transaction: Connection, changed: str, now: datetime) -> None:
        """Look at the changed delivery now."""
        lease.wake_row(transaction, self.table, changed, now)

    def _send(self, webhook: Webhook, entry: Entry, now: datetime) -> Attempt:
        body = cloud.write(entry, self._address)
        event_id = id_of(entry.sequence)
        headers = {
            "Content-Type": cloud.CONTENT_TYPE,
            "webhook-id": event_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Signer(webhook.secret).sign(event_id, now, body.decode()),
        }
        try:
            return Attempt(status=self._outbound.post(webhook.url, headers, body))
        except (BadDestinationError, UnreachableError) as error:
            return Attempt(error=str(error))


def _put_off(again_at: datetime) -> Next:
    """Try nothing now, and leave what is known of the delivery as it is."""
    return Next(again_at=again_at, is_put_off=True)
