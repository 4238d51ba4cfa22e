"""What is looked up when somebody asks: states in the database, room at the engine, the loop."""

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from soundstage.engines.interface import Capacity, Room
from soundstage.metrics import catalogue
from soundstage.metrics.catalogue import Kind, Metric


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What was found."""

    sessions: Mapping[str, int]
    warm: Mapping[str, int]
    streams_live: int
    stream_refusals: Mapping[str, int]
    """By reason."""
    stream_frames: int
    stream_bytes: Mapping[str, int]
    """By direction: down, up."""
    due: int
    oldest_due_at: datetime | None
    now: datetime
    in_hand: int
    looks: int
    failures: int
    deliveries: Mapping[str, int]
    oldest_delivery_at: datetime | None
    feeds: int
    disk_free_bytes: int
    certificate_ends_at: datetime | None = None
    """None where the service has none, or its own."""
    room: Room | None = None
    """None where the engine can't tell."""


class Found(Collector):
    """One finding, in the form that the library writes."""

    def __init__(self, state: State) -> None:
        self._state = state

    def collect(self) -> Iterator[Family]:
        """Give every family."""
        state = self._state
        yield _by_label(catalogue.SESSIONS, state.sessions)
        yield _one(catalogue.STREAMS, state.streams_live)
        yield _by_label(catalogue.STREAM_REFUSALS, state.stream_refusals)
        yield _one(catalogue.STREAM_FRAMES, state.stream_frames)
        yield _by_label(catalogue.STREAM_BYTES, state.stream_bytes)
        yield _one(catalogue.DUE, state.due)
        yield _one(catalogue.LAG, _since(state.oldest_due_at, state.now))
        yield _one(catalogue.IN_HAND, state.in_hand)
        yield _one(catalogue.LOOKS, state.looks)
        yield _one(catalogue.FAILURES, state.failures)
        yield _by_label(catalogue.WARM, state.warm)
        yield _by_label(catalogue.DELIVERIES, state.deliveries)
        yield _one(catalogue.DISK_FREE, state.disk_free_bytes)
        if state.certificate_ends_at is not None:
            yield _one(catalogue.CERTIFICATE_ENDS, state.certificate_ends_at.timestamp())
        yield _one(catalogue.DELIVERIES_WAIT, _since(state.oldest_delivery_at, state.now))
        yield _one(catalogue.FEEDS, state.feeds)
        yield from _capacity(state.room)


def _since(moment: datetime | None, now: datetime) -> float:
    return 0.0 if moment is None else max(0.0, (now - moment).total_seconds())


def _capacity(room: Room | None) -> Iterator[Family]:
    parts = {} if room is None else {"total": room.to_promise, "promised": room.promised}

    def values(of: str) -> dict[str, float]:
        return {part: _amount(capacity, of) for part, capacity in parts.items()}

    yield _by_label(catalogue.CPUS, values("cpus"))
    yield _by_label(catalogue.MEMORY, values("memory_bytes"))
    yield _by_label(catalogue.GPUS, values("gpus"))


def _amount(capacity: Capacity, of: str) -> float:
    return float(getattr(capacity, of))


def _one(metric: Metric, value: float) -> Family:
    if metric.kind is Kind.COUNTER:
        return CounterMetricFamily(metric.name.removesuffix("_total"), metric.text, value=value)
    return GaugeMetricFamily(metric.name, metric.text, value=value)


def _by_label(metric: Metric, values: Mapping[str, float]) -> Family:
    kind = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
    family = kind(metric.name.removesuffix("_total"), metric.text, labels=metric.labels)
    for label, value in sorted(values.items()):
        family.add_metric([label], value)
    return family
