"""What was found is told by the names of the table, and only by these."""

from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry

from soundstage.engines.interface import Capacity, Room
from soundstage.metrics.catalogue import METRICS
from soundstage.metrics.counting import Counts
from soundstage.metrics.state import Found, State

NOW = datetime(2030, 1, 1, tzinfo=UTC)
ROOM = Room(
    size=Capacity(cpus=4, memory_bytes=8, gpus=1),
    to_promise=Capacity(cpus=32, memory_bytes=16, gpus=1),
    promised=Capacity(cpus=8, memory_bytes=4, gpus=0),
    workstations={},
    types={},
    details={},
    free_memory_bytes=1,
    free_disk_bytes=1,
)


ENDS = NOW + timedelta(days=9)


def state(room: Room | None = ROOM, oldest: datetime | None = None) -> State:
    return State(
        sessions={"READY": 2, "STOPPED": 0},
        warm={"READY": 3, "EMPTY": 1},
        streams_live=1,
        stream_refusals={"expired": 3, "crowded": 0},
        stream_frames=8,
        stream_bytes={"down": 9, "up": 2},
        due=3,
        oldest_due_at=oldest,
        now=NOW,
        in_hand=1,
        looks=7,
        failures=0,
        deliveries={"PENDING": 4, "DEAD": 5},
        oldest_delivery_at=None if oldest is None else oldest - timedelta(hours=1),
        feeds=6,
        disk_free_bytes=12,
        certificate_ends_at=ENDS,
        room=room,
    )


def registry(found: State) -> CollectorRegistry:
    made = CollectorRegistry()
    made.register(Found(found))
    return made


def value(found: State, name: str, **labels: str) -> float | None:
    return registry(found).get_sample_value(name, labels)


def test_every_metric_of_the_table_is_told_and_no_other() -> None:
    told = {family.name for family in [*registry(state()).collect(), *Counts().registry.collect()]}
    assert told == {metric.name.removesuffix("_total") for metric in METRICS}


def test_numbers_are_where_they_belong() -> None:
    found = state(oldest=NOW - timedelta(seconds=90))
    assert value(found, "soundstage_sessions", state="READY") == 2
    assert value(found, "soundstage_reconciler_looks_total") == 7
    assert value(found, "soundstage_reconciler_lag_seconds") == 90
    assert value(found, "soundstage_capacity_cpus", part="total") == 32
    assert value(found, "soundstage_capacity_memory_bytes", part="promised") == 4
    assert value(found, "soundstage_warm_workstations", state="READY") == 3
    assert value(found, "soundstage_webhook_deliveries", state="DEAD") == 5
    assert value(found, "soundstage_webhook_wait_seconds") == 3690
    assert value(found, "soundstage_disk_free_bytes") == 12
    ends = value(found, "soundstage_certificate_expiry_timestamp_seconds")
    assert ends == ENDS.timestamp()
    assert value(found, "soundstage_event_feeds") == 6
    assert value(found, "soundstage_stream_refusals_total", reason="expired") == 3
    assert value(found, "soundstage_stream_refusals_total", reason="crowded") == 0
    assert value(found, "soundstage_stream_frames_total") == 8
    assert value(found, "soundstage_stream_bytes_total", direction="down") == 9


def test_what_is_not_late_has_no_lag() -> None:
    name = "soundstage_reconciler_lag_seconds"
    assert value(state(), name) == 0
    assert value(state(oldest=NOW + timedelta(hours=1)), name) == 0


def test_an_engine_that_can_t_tell_tells_nothing() -> None:
    assert value(state(room=None), "soundstage_capacity_cpus", part="total") is None
