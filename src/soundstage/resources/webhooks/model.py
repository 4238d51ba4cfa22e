"""What a webhook and a delivery are, and what follows from an attempt. No I/O."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

MOST_TYPES = 32
MOST_WAITING = 10_000
"""Deliveries of one webhook; further events wait in the trail until there is room."""
DEAD_KEPT_FOR = timedelta(days=30)
_PAUSES = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=12),
)
"""After each attempt that failed; after the last of them there is one more, and no other."""
_GONE = 410


class WebhookState(StrEnum):
    """Whether events are sent."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"
    """By somebody, or by its receiver, who answered that it is gone."""


class DeliveryState(StrEnum):
    """What became of an event that is not delivered yet; one that is, is forgotten."""

    PENDING = "PENDING"
    DEAD = "DEAD"
    """Tried for most of a day; it is sent again only when somebody says so."""


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """An address that is told of events."""

    id: str
    studio_id: str
    url: str
    secret: str
    """What deliveries are signed with, as Standard Webhooks writes it."""
    types: list[str]
    """Which events; empty: all."""
    state: WebhookState
    status_message: str
    last_sequence: int
    """Up to which event it is known what must be delivered."""
    delivered_at: datetime | None
    """When a delivery last went well."""
    created_by: str
    created_at: datetime
    updated_at: datetime


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event on its way to one webhook."""

    id: str
    webhook_id: str
    sequence: int
    """The event's."""
    state: DeliveryState
    attempts: int
    status_message: str
    created_at: datetime
    updated_at: datetime


class Failing(msgspec.Struct, frozen=True, kw_only=True):
    """What is on its way to a webhook and was tried in vain."""

    count: int
    message: str
    """What came of the last attempt."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """What came of sending; neither a status nor an error: it was not sent."""

    status: int | None = None
    error: str = ""


class Next(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from an attempt."""

    is_delivered: bool = False
    is_gone: bool = False
    """The receiver wants nothing more."""
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    message: str = ""
    again_at: datetime | None = None
    is_put_off: bool = False
    """Nothing was tried: it is not yet time, or there is no room."""


def after(delivery: Delivery, attempt: Attempt, now: datetime) -> Next:
    """Decide what follows."""
    if attempt.status is not None and 200 <= attempt.status < 300:
        return Next(is_delivered=True)
    attempts = delivery.attempts + 1
    message = f"It answered {attempt.status}." if attempt.status is not None else attempt.error
    if attempts > len(_PAUSES):
        return Next(state=DeliveryState.DEAD, attempts=attempts, message=message)
    again_at = now + _PAUSES[attempts - 1]
    is_gone = attempt.status == _GONE
    return Next(attempts=attempts, message=message, again_at=again_at, is_gone=is_gone)


def next_attempt_at(delivery: Delivery) -> datetime | None:
    """Say when a delivery that was tried in vain is tried again; None where none was or will be."""
    if delivery.state is DeliveryState.DEAD or delivery.attempts == 0:
        return None
    return delivery.updated_at + _PAUSES[delivery.attempts - 1]


def wants(types: Sequence[str], kind: str) -> bool:
    """Reports whether events of a kind are asked for; `sessions.*` are all of sessions."""
    return not types or any(
        kind.startswith(wanted[:-1]) if wanted.endswith("*") else kind == wanted for wanted in types
    )
