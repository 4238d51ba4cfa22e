"""Every metric: its name, what it is, and what it is told apart by.

The other modules here measure by this table, draw by it and alert by it, and the reference page is
written from it. Names are kept: charts elsewhere are made of them.
"""

from collections.abc import Iterator
from enum import StrEnum

import msgspec

PREFIX = "soundstage_"


class Kind(StrEnum):
    """As Prometheus calls them."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Metric(msgspec.Struct, frozen=True):
    """One row."""

    name: str
    """As it is exposed; a counter's ends with `_total`."""
    kind: Kind
    text: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def series(self) -> set[str]:
        """The names under which Prometheus keeps it."""
        if self.kind is Kind.HISTOGRAM:
            return {f"{self.name}{suffix}" for suffix in ("_bucket", "_count", "_sum")}
        return {self.name}


REQUESTS = Metric(
    "soundstage_api_requests_total",
    Kind.COUNTER,
    "Requests to the API, by operation (empty where none was found) and HTTP status.",
    ("operation", "code"),
)
REQUEST_SECONDS = Metric(
    "soundstage_api_request_seconds",
    Kind.HISTOGRAM,
    "How long requests to the API took, from the first byte to the answer.",
    ("method",),
    (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
THROTTLED = Metric(
    "soundstage_api_throttled_total", Kind.COUNTER, "Requests that were told to come later."
)
SESSIONS = Metric("soundstage_sessions", Kind.GAUGE, "Sessions, by state.", ("state",))
START_SECONDS = Metric(
    "soundstage_session_start_seconds",
    Kind.HISTOGRAM,
    "How long starts took that went well, from the wish until READY.",
    (),
    (1, 2, 5, 10, 20, 30, 60, 120, 300, 600),
)
START_FAILURES = Metric(
    "soundstage_session_start_failures_total", Kind.COUNTER, "Starts that failed."
)
START_STEP_SECONDS = Metric(
    "soundstage_session_start_step_seconds",
    Kind.HISTOGRAM,
    "How long starts were at a step, when they came to their end: capacity (room was found) or "
    "takeover (of a prepared one), turn (waiting for others), disk, machine, shares, script (each "
    "one), desktop, stream. As the engine marked it.",
    ("step",),
    (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
STREAMS = Metric("soundstage_streams_live", Kind.GAUGE, "Streams that a browser has opened.")
STREAM_REFUSALS = Metric(
    "soundstage_stream_refusals_total",
    Kind.COUNTER,
    "Tries to open a stream that were refused, by reason: a link that is expired, used, foreign, "
    "missing or not-asked (loaded ahead by a browser), a stream that has ended or share-ended, "
    "share-full or crowded, unavailable (the desktop did not answer), not-secure (plain http), "
    "cross-site, malformed, not-found, not-installed. Pages that wait try again by themselves.",
    ("reason",),
)
STREAM_FRAMES = Metric(
    "soundstage_stream_frames_total",
    Kind.COUNTER,
    "Frames of websockets that desktops sent to browsers: pictures, or stripes of them, and sound.",
)
STREAM_BYTES = Metric(
    "soundstage_stream_bytes_total",
    Kind.COUNTER,
    "Bytes of streams, to browsers (down) and from them (up).",
    ("direction",),
)
BACKUPS = Metric(
    "soundstage_backups_total",
    Kind.COUNTER,
    "Backups that came to an end: ready or failed.",
    ("result",),
)
BACKUP_SECONDS = Metric(
    "soundstage_backup_seconds",
    Kind.HISTOGRAM,
    "How long backups took that went well.",
    (),
    (1, 5, 15, 60, 300, 900, 3600, 14400),
)
BACKUP_BYTES = Metric(
    "soundstage_backup_bytes_total", Kind.COUNTER, "Bytes that backups added to the repository."
)
DUE = Metric("soundstage_reconciler_due", Kind.GAUGE, "Rows whose next step is due.")
LAG = Metric(
    "soundstage_reconciler_lag_seconds",
    Kind.GAUGE,
    "How long ago the oldest free row was due.",
)
IN_HAND = Metric("soundstage_reconciler_in_hand", Kind.GAUGE, "Rows that are being acted on.")
LOOKS = Metric("soundstage_reconciler_looks_total", Kind.COUNTER, "Looks for due rows.")
FAILURES = Metric(
    "soundstage_reconciler_failures_total",
    Kind.COUNTER,
    "Steps that ended in an error that nobody expected.",
)
CPUS = Metric(
    "soundstage_capacity_cpus",
    Kind.GAUGE,
    "Cores that may be promised to workstations (total), and that are (promised).",
    ("part",),
)
MEMORY = Metric("soundstage_capacity_memory_bytes", Kind.GAUGE, "The same of memory.", ("part",))
GPUS = Metric("soundstage_capacity_gpus", Kind.GAUGE, "The same of graphics cards.", ("part",))
WARM = Metric(
    "soundstage_warm_workstations",
    Kind.GAUGE,
    "Places for workstations that are kept prepared, by state: READY can be had at once.",
    ("state",),
)
DELIVERIES = Metric(
    "soundstage_webhook_deliveries",
    Kind.GAUGE,
    "Events that are on their way to webhooks (PENDING) and that were given up (DEAD).",
    ("state",),
)
DISK_FREE = Metric(
    "soundstage_disk_free_bytes",
    Kind.GAUGE,
    "What is free on the disk of the home folder: of the database, and of a sandbox's volumes.",
)
CERTIFICATE_ENDS = Metric(
    "soundstage_certificate_expiry_timestamp_seconds",
    Kind.GAUGE,
    "When the certificate that was given to the service runs out. Its own it renews by itself.",
)
DELIVERIES_WAIT = Metric(
    "soundstage_webhook_wait_seconds",
    Kind.GAUGE,
    "How long the oldest event waits that is on its way to a webhook which is switched on.",
)
FEEDS = Metric("soundstage_event_feeds", Kind.GAUGE, "Event streams that are followed.")
EVENTS = Metric("soundstage_events_total", Kind.COUNTER, "Events, by type.", ("type",))

METRICS = (
    REQUESTS,
    REQUEST_SECONDS,
    THROTTLED,
    SESSIONS,
    START_SECONDS,
    START_STEP_SECONDS,
    START_FAILURES,
    STREAMS,
    STREAM_REFUSALS,
    STREAM_FRAMES,
    STREAM_BYTES,
    BACKUPS,
    BACKUP_SECONDS,
    BACKUP_BYTES,
    DUE,
    LAG,
    IN_HAND,
    LOOKS,
    FAILURES,
    CPUS,
    MEMORY,
    GPUS,
    WARM,
    DISK_FREE,
    CERTIFICATE_ENDS,
    DELIVERIES,
    DELIVERIES_WAIT,
    FEEDS,
    EVENTS,
)


def reference() -> str:
    """Write the reference page's table."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "| Metric | Kind | Labels | What it is |"
    yield "|---|---|---|---|"
    for metric in METRICS:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        yield f"| `{metric.name}` | {metric.kind} | {labels} | {metric.text} |"
