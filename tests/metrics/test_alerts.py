"""Every alert asks for what is there, and has a page that says what to do."""

from pathlib import Path

import pytest
import yaml

from soundstage.metrics.alerts import ALERTS, SITE_LABEL, Alert, rules
from soundstage.testing.promql import complaints

RUNBOOKS = Path(__file__).parents[2] / "docs" / "how-to" / "runbooks"


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_asks_for_what_is_there_and_has_a_page(alert: Alert) -> None:
    assert complaints(alert.expression) == []
    page = (RUNBOOKS / alert.page).read_text(encoding="utf-8")
    assert page.startswith(f"# {alert.name}\n")
    for heading in ("## What it means", "## Look", "## Do"):
        assert f"\n{heading}\n" in page
    assert f"({alert.page})" in (RUNBOOKS / "README.md").read_text(encoding="utf-8")


def test_no_page_is_left_of_an_alert_that_is_gone() -> None:
    pages = {path.name for path in RUNBOOKS.glob("*.md")} - {"README.md"}
    assert pages == {alert.page for alert in ALERTS}


def test_the_file_is_what_prometheus_reads() -> None:
    (group,) = yaml.safe_load(rules())["groups"]
    assert [rule["alert"] for rule in group["rules"]] == [alert.name for alert in ALERTS]
    assert {rule["labels"]["severity"] for rule in group["rules"]} == {"page", "ticket"}


def test_an_alert_leads_to_its_page_on_the_studio_s_own_site_or_in_the_repository() -> None:
    (group,) = yaml.safe_load(rules())["groups"]
    written = {rule["alert"]: rule["annotations"]["runbook_url"] for rule in group["rules"]}
    for alert in ALERTS:
        name = alert.page.removesuffix(".md")
        assert written[alert.name] == (
            f"{{{{ with $externalLabels.{SITE_LABEL} }}}}{{{{ . }}}}/how-to/runbooks/{name}.html"
            f"{{{{ else }}}}docs/how-to/runbooks/{name}.md{{{{ end }}}}"
        )
