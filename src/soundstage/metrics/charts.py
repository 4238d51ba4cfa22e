"""The Grafana dashboard: every panel answers one question.

`soundstage reference` writes it; the tests see that nothing is asked for that is not there.
"""

from typing import Any

import msgspec

_STARTS = "soundstage_session_start_seconds"
_REQUESTS = "soundstage_api_requests_total"
_WIDTH, _HEIGHT = 12, 8


class Panel(msgspec.Struct, frozen=True):
    """A question, and what answers it: each line by its legend."""

    question: str
    queries: dict[str, str]
    unit: str = "short"


def _quantile(share: float, name: str) -> str:
    return f"histogram_quantile({share}, sum by (le) (rate({name}_bucket[15m])))"


PANELS = (
    Panel(
        "How many workstations are there, and in which state?",
        {
            "{{state}}": 'soundstage_sessions{state!="DELETED"}',
        },
    ),
    Panel("How many people are at work right now?", {"streams": "soundstage_streams_live"}),
    Panel(
        "How long does it take to get a workstation?",
        {
            "half of them": _quantile(0.5, _STARTS),
            "nine of ten": _quantile(0.9, _STARTS),
        },
        "s",
    ),
    Panel(
        "Where does the time of a start go?",
        {
            "{{step}}": "sum by (step) (rate(soundstage_session_start_step_seconds_sum[15m])) / "
            "sum by (step) (rate(soundstage_session_start_step_seconds_count[15m]))",
        },
        "s",
    ),
    Panel(
        "Do starts fail?",
        {
            "failed an hour": "increase(soundstage_session_start_failures_total[1h])",
        },
    ),
    Panel(
        "Is there room for one more?",
        {
            "cores promised": 'soundstage_capacity_cpus{part="promised"} / ignoring(part) '
            'soundstage_capacity_cpus{part="total"}',
            "memory promised": 'soundstage_capacity_memory_bytes{part="promised"} / ignoring(part) '
            'soundstage_capacity_memory_bytes{part="total"}',
            "graphics cards promised": 'soundstage_capacity_gpus{part="promised"} / ignoring(part) '
            '(soundstage_capacity_gpus{part="total"} > 0)',
        },
        "percentunit",
    ),
    Panel(
        "How much do streams take?",
        {"{{direction}}": "rate(soundstage_stream_bytes_total[1m])"},
        "Bps",
    ),
    Panel(
        "Do pictures flow?",
        {
            "frames a second and stream": "rate(soundstage_stream_frames_total[1m]) / "
            "(soundstage_streams_live > 0)",
        },
    ),
    Panel(
        "Why do streams not open?",
        {"{{reason}} an hour": "increase(soundstage_stream_refusals_total[1h]) > 0"},
    ),
    Panel("Are backups made?", {"{{result}} a day": "increase(soundstage_backups_total[1d])"}),
    Panel(
        "How long do backups take?",
        {
            "nine of ten": _quantile(0.9, "soundstage_backup_seconds"),
        },
        "s",
    ),
    Panel(
        "How fast does the repository grow?",
        {
            "a day": "increase(soundstage_backup_bytes_total[1d])",
        },
        "bytes",
    ),
    Panel(
        "What is asked of the API?",
        {
            "{{operation}}": f"sum by (operation) (rate({_REQUESTS}[5m]))",
        },
        "reqps",
    ),
    Panel(
        "Is it refused or failing?",
        {
            "{{code}}": f'sum by (code) (rate({_REQUESTS}{{code=~"[45].."}}[5m]))',
            "throttled": "rate(soundstage_api_throttled_total[5m])",
        },
        "reqps",
    ),
    Panel(
        "How quick are answers?",
        {
            "{{method}}, 99 of 100": "histogram_quantile(0.99, sum by (le, method) "
            "(rate(soundstage_api_request_seconds_bucket[5m])))",
        },
        "s",
    ),
    Panel(
        "Does the reconciler keep up?",
        {
            "lag": "soundstage_reconciler_lag_seconds",
            "due": "soundstage_reconciler_due",
            "in hand": "soundstage_reconciler_in_hand",
        },
    ),
    Panel(
        "Does it look, and does it stumble?",
        {
            "looks a second": "rate(soundstage_reconciler_looks_total[5m])",
            "unexpected errors an hour": "increase(soundstage_reconciler_failures_total[1h])",
        },
    ),
    Panel("Are workstations kept prepared?", {"{{state}}": "soundstage_warm_workstations"}),
    Panel("How much disk is free?", {"home": "soundstage_disk_free_bytes"}, "bytes"),
    Panel(
        "How long is the certificate good?",
        {"given": "soundstage_certificate_expiry_timestamp_seconds - time()"},
        "s",
    ),
    Panel("Do webhooks arrive?", {"{{state}}": "soundstage_webhook_deliveries"}),
    Panel(
        "How long do webhooks wait?",
        {"oldest event": "soundstage_webhook_wait_seconds"},
        "s",
    ),
    Panel(
        "Is somebody trying doors?",
        {
            "refused an hour": 'increase(soundstage_events_total{type="calls.REFUSED"}[1h])',
        },
    ),
    Panel("Who follows events?", {"streams of events": "soundstage_event_feeds"}),
)


def dashboard() -> str:
    """Write the file that Grafana imports."""
    document: dict[str, Any] = {
        "uid": "soundstage",
        "title": "Soundstage",
        "description": "Made from the code by `soundstage reference grafana-dashboard.json`.",
        "tags": ["soundstage"],
        "schemaVersion": 39,
        "time": {"from": "now-24h", "to": "now"},
        "refresh": "30s",
        "templating": {
            "list": [
                {"name": "source", "label": "Source", "type": "datasource", "query": "prometheus"}
            ]
        },
        "panels": [_drawn(number, panel) for number, panel in enumerate(PANELS)],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _drawn(number: int, panel: Panel) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${source}"}
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.question,
        "datasource": source,
        "gridPos": {
            "x": number % 2 * _WIDTH,
            "y": number // 2 * _HEIGHT,
            "w": _WIDTH,
            "h": _HEIGHT,
        },
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "datasource": source,
                "expr": expression,
                "legendFormat": legend,
            }
            for place, (legend, expression) in enumerate(panel.queries.items())
        ],
    }
