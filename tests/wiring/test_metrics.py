"""`/metrics` of a whole service: what happened, and how things are."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from soundstage.kit.certificates import ensure_own
from soundstage.kit.config import ConfigError, Settings
from soundstage.metrics.catalogue import METRICS
from soundstage.testing.walks import Studio
from soundstage.testing.world import World, world
from soundstage.wiring.metrics import certificate_ends_at, token_of


def metrics(made: World) -> dict[str, float]:
    answer = made.operator._http.get("http://localhost:8080/metrics")
    assert answer.status_code == 200
    found = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name.removeprefix('soundstage_')}[{labels}]"] = sample.value
    return found


def test_a_studio_s_day_is_counted(tmp_path: Path) -> None:
    with world(tmp_path / "home") as made:
        studio = Studio(made)
        session = studio.launch()
        studio.redeem(studio.ticket(studio.stream(session)))
        told = metrics(made)
        assert told["sessions[state=READY]"] == 1
        assert told["sessions[state=STOPPED]"] == 0
        assert told["session_start_seconds_count[]"] == 1
        assert 0 < told["session_start_seconds_sum[]"] < 30
        steps = sum(v for k, v in told.items() if k.startswith("session_start_step_seconds_sum"))
        assert 0 < steps <= told["session_start_seconds_sum[]"] + 1
        assert told["streams_live[]"] == 1
        assert told["api_requests_total[code=200,operation=CreateStreamingSession]"] == 1
        assert told["capacity_cpus[part=promised]"] > 0
        assert told["reconciler_looks_total[]"] > 0
        assert told["stream_refusals_total[reason=used]"] == 0
        studio.stop(session)
        told = metrics(made)
        assert told["sessions[state=STOPPED]"] == 1
        assert told["backups_total[result=ready]"] == 1
        assert told["streams_live[]"] == 0
        assert told["webhook_deliveries[state=DEAD]"] == 0
        families = {name.partition("[")[0] for name in told}
        missing = [
            metric.name
            for metric in METRICS
            if not any(each.removeprefix("soundstage_") in families for each in metric.series)
        ]
        # No certificate is given here.
        assert missing == ["soundstage_certificate_expiry_timestamp_seconds"]


def test_a_given_certificate_s_end_is_known_and_no_other(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    made = ensure_own(tmp_path / "tls", ["localhost"], now)
    given = Settings(home=tmp_path, tls_certificate=made.chain)
    ends = certificate_ends_at(given)
    assert ends is not None
    assert ends > now
    assert certificate_ends_at(Settings(home=tmp_path, tls=True)) is None
    made.chain.unlink()
    assert certificate_ends_at(given) is None


def test_a_token_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    assert token_of(None) == ""
    file.write_text("  a-long-enough-token\n")
    assert token_of(file) == "a-long-enough-token"


@pytest.mark.parametrize("text", ["", "short", "two words that are long", "ä" * 20])
def test_a_token_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "token"
    file.write_text(text)
    with pytest.raises(ConfigError, match="SOUNDSTAGE_METRICS_TOKEN_FILE"):
        token_of(file)
    with pytest.raises(ConfigError, match="SOUNDSTAGE_METRICS_TOKEN_FILE"):
        token_of(tmp_path / "missing")
