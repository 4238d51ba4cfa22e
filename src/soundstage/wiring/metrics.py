"""How `/metrics` looks things up: in the database, at the engine, and at the reconciler's loop."""

import shutil
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy
from sqlalchemy import Connection

from soundstage.api.feed import Feeds
from soundstage.engines.interface import EngineError, Room, SupportsSizes
from soundstage.gateway.app import Gateway
from soundstage.kit import lease
from soundstage.kit.certificates import expires_at
from soundstage.kit.config import ConfigError, Settings
from soundstage.kit.convergence import Worker
from soundstage.metrics.counting import Counts
from soundstage.metrics.state import State
from soundstage.reconciler.loop import Loop
from soundstage.resources.hosts import service as hosts
from soundstage.resources.sessions import service as sessions
from soundstage.resources.streams import service as streams
from soundstage.resources.warm_workstations import service as warm
from soundstage.resources.webhooks import service as webhooks
from soundstage.wiring.parts import Parts

_SHORTEST_TOKEN = 16


class Watched(Parts, Protocol):
    """What is looked at, beside what the doors need."""

    workers: list[Worker[Any, Any]]
    loop: Loop
    gateway: Gateway


class MetricsReader:
    """Looks, whenever somebody asks."""

    def __init__(self, service: Watched, counts: Counts, feeds: Feeds) -> None:
        self._service = service
        self._counts = counts
        self._feeds = feeds

    def look(self) -> State:
        """Count the events since the last look, and find how things are."""
        service = self._service
        now = service.clock()
        with service.database.transaction(write=False) as transaction:
            self._counts.read(transaction)
            due, oldest = self._due(transaction, now)
            by_state = sessions.counts(transaction)
            by_warmth = warm.counts(transaction)
            live = streams.count_live(transaction)
            deliveries = webhooks.totals(transaction)
            oldest_delivery = webhooks.oldest_waiting(transaction)
            closed = hosts.closed(transaction)
        health = service.loop.health.read()
        carried = service.gateway.live.carried
        return State(
            sessions=by_state,
            warm=by_warmth,
            streams_live=live,
            stream_refusals=service.gateway.refused.by_reason,
            stream_frames=carried.frames_down,
            stream_bytes={"down": carried.bytes_down, "up": carried.bytes_up},
            deliveries=deliveries,
            oldest_delivery_at=oldest_delivery,
            due=due,
            oldest_due_at=oldest,
            now=now,
            in_hand=health.in_hand,
            looks=health.looks,
            failures=health.failures,
            feeds=self._feeds.count,
            disk_free_bytes=shutil.disk_usage(service.settings.home).free,
            certificate_ends_at=certificate_ends_at(service.settings),
            room=self._room(closed),
        )

    def _due(self, transaction: Connection, now: datetime) -> tuple[int, datetime | None]:
        tables = [worker.table for worker in self._service.workers]
        oldest = min(
            (moment for moment in lease.next_due_at(transaction, *tables) if moment is not None),
            default=None,
        )
        counted = [
            sqlalchemy.select(sqlalchemy.func.count())
            .select_from(table)
            .where(table.c.due_at <= now)
            .scalar_subquery()
            for table in tables
        ]
        counts = transaction.execute(sqlalchemy.select(*counted)).one()
        return sum(counts), oldest

    def _room(self, closed: list[str]) -> Room | None:
        engine = self._service.engine
        if not isinstance(engine, SupportsSizes):
            return None
        try:
            return engine.room(avoid=closed)
        except EngineError:
            return None


def token_of(file: Path | None) -> str:
    """Read what opens the metrics. Raises ConfigError."""
    if file is None:
        return ""
    try:
        token = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"SOUNDSTAGE_METRICS_TOKEN_FILE: {file} can't be read: {error}") from None
    if len(token) < _SHORTEST_TOKEN or not token.isprintable() or " " in token:
        raise ConfigError(
            f"SOUNDSTAGE_METRICS_TOKEN_FILE: {file} must hold one word of at least "
            f"{_SHORTEST_TOKEN} characters."
        )
    return token


def certificate_ends_at(settings: Settings) -> datetime | None:
    """Say when the given certificate runs out; None where there is none. It is read each time,
    because it is renewed while the service runs.
    """
    if settings.tls_certificate is None:
        return None
    try:
        return expires_at(settings.tls_certificate)
    except (OSError, ValueError):
        # That it can't be read is told where it is used.
        return None
