"""The tables of webhooks and of what is on its way to them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy
from sqlalchemy import BigInteger, Column, Connection, ForeignKey, Index, Integer, String, Table

from soundstage.kit import lease
from soundstage.kit.database import Document, Moment, metadata
from soundstage.kit.records import Records, listed_by
from soundstage.kit.sealed import Sealed
from soundstage.resources.webhooks.model import (
    Delivery,
    DeliveryState,
    Failing,
    Webhook,
    WebhookState,
)

table = Table(
    "webhooks",
    metadata,
    Column("id", String(22), primary_key=True),
    Column("studio_id", String(64), ForeignKey("studios.id", ondelete="CASCADE"), nullable=False),
    # Many receivers know their senders by the address alone.
    Column("url", Sealed(str), nullable=False),
    Column("secret", Sealed(str), nullable=False),
    Column("types", Document(list[str]), nullable=False),
    Column("state", String(32), nullable=False),
    Column("status_message", String, nullable=False),
    Column("last_sequence", BigInteger, nullable=False),
    Column("delivered_at", Moment),
    Column("created_by", String(256), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    *lease.columns(),
    listed_by("studio_id"),
)
deliveries_table = Table(
    "webhook_deliveries",
    metadata,
    Column("id", String(22), primary_key=True),
    Column("webhook_id", String(22), ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("state", String(32), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("status_message", String, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    *lease.columns(),
    listed_by("webhook_id"),
    Index(None, "webhook_id", "state", "created_at", "id"),
)
webhooks = Records(table, Webhook)
deliveries = Records(deliveries_table, Delivery)
_OF_DELIVERY = deliveries_table.c


def add_all(transaction: Connection, made: Sequence[Delivery], now: datetime) -> None:
    """Put events on their way."""
    for delivery in made:
        deliveries.insert(transaction, delivery, due_at=now)


def counts(transaction: Connection) -> dict[str, dict[str, int]]:
    """Count what is on its way, by webhook and state."""
    found: dict[str, dict[str, int]] = {}
    for webhook_id, state, count in transaction.execute(_counting()):
        found.setdefault(webhook_id, {})[state] = count
    return found


def counts_of(transaction: Connection, webhook_id: str) -> dict[str, int]:
    """Count what is on its way to one, by state."""
    rows = transaction.execute(_counting().where(_OF_DELIVERY.webhook_id == webhook_id))
    return {state: count for _, state, count in rows}


def _counting() -> sqlalchemy.Select[Any]:
    by = (_OF_DELIVERY.webhook_id, _OF_DELIVERY.state)
    return sqlalchemy.select(*by, sqlalchemy.func.count()).group_by(*by)


def failing_of(transaction: Connection, webhook_id: str) -> Failing | None:
    """Find what was tried in vain and is tried again; None if nothing was."""
    rows = (
        sqlalchemy.select(_OF_DELIVERY.status_message, sqlalchemy.func.count().over())
        .where(
            _OF_DELIVERY.webhook_id == webhook_id,
            _OF_DELIVERY.state == DeliveryState.PENDING,
            _OF_DELIVERY.attempts > 0,
        )
        .order_by(_OF_DELIVERY.updated_at.desc())
        .limit(1)
    )
    found = transaction.execute(rows).first()
    return None if found is None else Failing(message=found[0], count=found[1])


def oldest_waiting(transaction: Connection) -> datetime | None:
    """Since when the oldest event waits that is on its way to a webhook which is switched on."""
    oldest: datetime | None = transaction.execute(
        sqlalchemy.select(sqlalchemy.func.min(_OF_DELIVERY.created_at))
        .join(table, table.c.id == _OF_DELIVERY.webhook_id)
        .where(_OF_DELIVERY.state == DeliveryState.PENDING, table.c.state == WebhookState.ENABLED)
    ).scalar()
    return oldest


def revive(transaction: Connection, webhook_id: str, now: datetime) -> int:
    """Send again what is dead or was tried in vain; how many."""
    changed = transaction.execute(
        deliveries_table.update()
        .where(
            _OF_DELIVERY.webhook_id == webhook_id,
            (_OF_DELIVERY.state == DeliveryState.DEAD) | (_OF_DELIVERY.attempts > 0),
        )
        .values(
            state=DeliveryState.PENDING,
            attempts=0,
            updated_at=now,
            **lease.touch(deliveries_table, now),
        )
    )
    return changed.rowcount


def resume(transaction: Connection, webhook_id: str, now: datetime) -> None:
    """Send what rested while its webhook was switched off, from the first attempt on."""
    transaction.execute(
        deliveries_table.update()
        .where(_OF_DELIVERY.webhook_id == webhook_id, _OF_DELIVERY.state == DeliveryState.PENDING)
        .values(attempts=0, **lease.touch(deliveries_table, now))
    )


def forget_dead(transaction: Connection, webhook_id: str, before: datetime) -> None:
    """Remove what is dead for long."""
    transaction.execute(
        deliveries_table.delete().where(
            _OF_DELIVERY.webhook_id == webhook_id,
            _OF_DELIVERY.state == DeliveryState.DEAD,
            _OF_DELIVERY.updated_at < before,
        )
    )
