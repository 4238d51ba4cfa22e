"""Every panel asks one question of what is there, and every metric is on the dashboard."""

import json
import re

import pytest

from soundstage.metrics.catalogue import METRICS
from soundstage.metrics.charts import PANELS, Panel, dashboard
from soundstage.testing.promql import KNOWN, complaints, series


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.question)
def test_a_panel_asks_for_what_is_there(panel: Panel) -> None:
    assert panel.question.endswith("?")
    for legend, expression in panel.queries.items():
        assert complaints(expression) == []
        metrics = [KNOWN[name] for name in series(expression)]
        for label in re.findall(r"{{(\w+)}}", legend):
            assert all(label in metric.labels for metric in metrics)


def test_no_metric_is_without_a_panel() -> None:
    asked = {
        KNOWN[name].name
        for panel in PANELS
        for expression in panel.queries.values()
        for name in series(expression)
    }
    assert asked == {metric.name for metric in METRICS}


def test_the_file_is_what_grafana_imports() -> None:
    document = json.loads(dashboard())
    places = [tuple(panel["gridPos"].values()) for panel in document["panels"]]
    assert len(set(places)) == len(document["panels"]) == len(PANELS)
    assert {panel["datasource"]["uid"] for panel in document["panels"]} == {"${source}"}
    assert len({panel["id"] for panel in document["panels"]}) == len(PANELS)


def test_a_metric_that_is_gone_is_noticed() -> None:
    assert complaints("rate(soundstage_gone_total[5m])") == ["there is no soundstage_gone_total"]
    assert complaints('soundstage_sessions{colour="red"}') == [
        "soundstage_sessions has no label colour"
    ]
    assert complaints("1") == ["nothing is asked for: 1"]
