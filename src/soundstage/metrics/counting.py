"""What is counted while it happens: requests, at the API's edge; and what the trail of events tells
of starts and backups, read from where the last reading ended.

It begins anew with each process, as Prometheus expects of counters.
"""

from http import HTTPStatus
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram
from sqlalchemy import Connection

from soundstage.kit import journal
from soundstage.kit.journal import Entry
from soundstage.metrics import catalogue
from soundstage.metrics.catalogue import Metric

_AT_ONCE = 1000
_RESULTS = ("ready", "failed")
_REFUSED = "calls.REFUSED"
_STARTING = {"CREATE_IN_PROGRESS", "START_IN_PROGRESS"}
Made = TypeVar("Made", Counter, Histogram)


class Counts:
    """All counters and histograms of a process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = self._counter(catalogue.REQUESTS)
        self._seconds = self._histogram(catalogue.REQUEST_SECONDS)
        self._throttled = self._counter(catalogue.THROTTLED)
        self._starts = self._histogram(catalogue.START_SECONDS)
        self._start_steps = self._histogram(catalogue.START_STEP_SECONDS)
        self._start_failures = self._counter(catalogue.START_FAILURES)
        self._backups = self._counter(catalogue.BACKUPS)
        self._backup_seconds = self._histogram(catalogue.BACKUP_SECONDS)
        self._backup_bytes = self._counter(catalogue.BACKUP_BYTES)
        self._events = self._counter(catalogue.EVENTS)
        self._read_to: int | None = None
        # Prometheus sees no increase in what was not there before: the first would go unnoticed.
        for result in _RESULTS:
            self._backups.labels(result)
        self._events.labels(_REFUSED)

    def request(self, method: str, operation: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._requests.labels(operation, str(status)).inc()
        # Whatever a client calls its method must not become a series.
        self._seconds.labels("GET" if method == "GET" else "change").observe(seconds)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            self._throttled.inc()

    def begin(self, transaction: Connection) -> None:
        """Count events from the next one on."""
        self._read_to = journal.last(transaction)

    def read(self, transaction: Connection) -> None:
        """Count the events since the last reading."""
        through = journal.last(transaction)
        after = through if self._read_to is None else self._read_to
        while after < through:
            entries = journal.read(transaction, after=after, limit=_AT_ONCE)
            for entry in entries:
                self._count(entry)
            after = entries[-1].sequence if entries else through
        self._read_to = after

    def _count(self, entry: Entry) -> None:
        self._events.labels(entry.kind).inc()
        noun, _, what = entry.kind.partition(".")
        detail = entry.detail
        seconds = float(detail.get("afterSeconds", 0))
        if noun == "sessions" and detail.get("oldState") in _STARTING:
            for step in detail.get("startSteps", ()):
                self._start_steps.labels(str(step["step"]).lower()).observe(step["seconds"])
            if what == "READY":
                self._starts.observe(seconds)
            elif what.endswith("_FAILED"):
                self._start_failures.inc()
        elif noun == "backups" and detail.get("oldState") == "CREATE_IN_PROGRESS":
            is_ready = what == "READY"
            self._backups.labels("ready" if is_ready else "failed").inc()
            if is_ready:
                self._backup_seconds.observe(seconds)
                self._backup_bytes.inc(int(detail.get("sizeInBytes") or 0))

    def _counter(self, metric: Metric) -> Counter:
        # The library puts the suffix there by itself.
        name = metric.name.removesuffix("_total")
        return Counter(name, metric.text, metric.labels, registry=self.registry)

    def _histogram(self, metric: Metric) -> Histogram:
        more: dict[str, Any] = {"buckets": metric.buckets, "registry": self.registry}
        return Histogram(metric.name, metric.text, metric.labels, **more)
