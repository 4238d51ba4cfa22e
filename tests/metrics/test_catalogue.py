"""Names follow Prometheus' conventions, and each metric says what it is."""

import re

from soundstage.metrics import catalogue
from soundstage.metrics.catalogue import METRICS, PREFIX, Kind


def test_names_follow_the_conventions() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert re.fullmatch(rf"{PREFIX}[a-z_]+", metric.name)
        assert (metric.kind is Kind.COUNTER) is metric.name.endswith("_total"), metric.name
        assert (metric.kind is Kind.HISTOGRAM) is bool(metric.buckets), metric.name
        assert list(metric.buckets) == sorted(metric.buckets)
        if metric.kind is Kind.HISTOGRAM:
            assert metric.name.endswith("_seconds")
        assert metric.text.endswith(".")


def test_every_series_has_a_name() -> None:
    assert catalogue.LAG.series == {"soundstage_reconciler_lag_seconds"}
    assert catalogue.START_SECONDS.series == {
        "soundstage_session_start_seconds_bucket",
        "soundstage_session_start_seconds_count",
        "soundstage_session_start_seconds_sum",
    }


def test_the_page_has_a_line_for_each() -> None:
    assert all(f"| `{metric.name}` |" in catalogue.reference() for metric in METRICS)
