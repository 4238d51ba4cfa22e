"""When somebody must be called: Prometheus' rules, each with a page that says what to do.

`soundstage reference` writes the file; the pages are in docs/how-to/runbooks.
"""

from typing import Any

import msgspec
import yaml

SITE_LABEL = "soundstage_docs"
"""The external label of Prometheus that says where the documentation is served."""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One rule."""

    name: str
    expression: str
    lasts: str
    """For how long it must hold."""
    severity: str
    """`page`: now; `ticket`: in office hours."""
    summary: str

    @property
    def page(self) -> str:
        """The name of its runbook."""
        return f"{self.name}.md"


ALERTS = (
    Alert(
        name="SoundstageIsDown",
        expression="absent(soundstage_reconciler_looks_total)",
        lasts="2m",
        severity="page",
        summary="Nothing answers at /metrics.",
    ),
    Alert(
        name="ReconcilerIsBehind",
        expression="soundstage_reconciler_lag_seconds > 60",
        lasts="5m",
        severity="page",
        summary="Steps of workstations and backups wait for more than a minute.",
    ),
    Alert(
        name="ReconcilerStumbles",
        expression="increase(soundstage_reconciler_failures_total[15m]) > 3",
        lasts="0m",
        severity="ticket",
        summary="Steps end in errors that nobody expected.",
    ),
    Alert(
        name="StartsFail",
        expression="increase(soundstage_session_start_failures_total[15m]) > 2",
        lasts="0m",
        severity="page",
        summary="Workstations don't start.",
    ),
    Alert(
        name="StartsAreSlow",
        expression="histogram_quantile(0.9, sum by (le) "
        "(rate(soundstage_session_start_seconds_bucket[30m]))) > 120",
        lasts="15m",
        severity="ticket",
        summary="One start of ten takes longer than two minutes.",
    ),
    Alert(
        name="BackupsFail",
        expression='increase(soundstage_backups_total{result="failed"}[1h]) > 0',
        lasts="0m",
        severity="page",
        summary="A backup failed; the workstation's disk is kept until one goes well.",
    ),
    Alert(
        name="RoomRunsOut",
        expression='soundstage_capacity_memory_bytes{part="promised"} / ignoring(part) '
        'soundstage_capacity_memory_bytes{part="total"} > 0.9',
        lasts="10m",
        severity="ticket",
        summary="Nine tenths of the memory are promised; soon starts will be refused.",
    ),
    Alert(
        name="DiskRunsOut",
        expression="soundstage_disk_free_bytes < 5 * 1024 ^ 3",
        lasts="10m",
        severity="page",
        summary="Less than 5 GiB are free for the database and the volumes of workstations.",
    ),
    Alert(
        name="CertificateEnds",
        expression="soundstage_certificate_expiry_timestamp_seconds - time() < 14 * 86400",
        lasts="1h",
        severity="ticket",
        summary="The certificate runs out within two weeks; then no browser opens the studio.",
    ),
    Alert(
        name="ApiFails",
        expression='sum(rate(soundstage_api_requests_total{code=~"5.."}[5m])) > 0.1',
        lasts="5m",
        severity="page",
        summary="The API answers with errors of its own.",
    ),
    Alert(
        name="DoorsAreTried",
        expression='increase(soundstage_events_total{type="calls.REFUSED"}[15m]) > 50',
        lasts="0m",
        severity="ticket",
        summary="Somebody asks again and again for what they may not do.",
    ),
    Alert(
        name="WebhooksWait",
        expression="soundstage_webhook_wait_seconds > 3600",
        lasts="15m",
        severity="ticket",
        summary="A webhook's receiver has not taken an event for an hour; it is tried again.",
    ),
    Alert(
        name="WebhooksAreDead",
        expression='soundstage_webhook_deliveries{state="DEAD"} > 0',
        lasts="15m",
        severity="ticket",
        summary="Events for a webhook were given up.",
    ),
)


def _runbook(alert: Alert) -> str:
    """Address its page on the studio's own site of the documentation, where Prometheus knows that
    by an external label; else name it as it lies in the repository.
    """
    page = f"how-to/runbooks/{alert.page}"
    on_site = page.removesuffix(".md") + ".html"
    known = f"{{{{ with $externalLabels.{SITE_LABEL} }}}}{{{{ . }}}}/{on_site}"
    return f"{known}{{{{ else }}}}docs/{page}{{{{ end }}}}"


def rules() -> str:
    """Write the file that Prometheus reads."""
    written: list[dict[str, Any]] = [
        {
            "alert": alert.name,
            "expr": alert.expression,
            "for": alert.lasts,
            "labels": {"severity": alert.severity},
            "annotations": {
                "summary": alert.summary,
                "runbook_url": _runbook(alert),
            },
        }
        for alert in ALERTS
    ]
    document = {"groups": [{"name": "soundstage", "rules": written}]}
    made = "# Made from the code by `soundstage reference prometheus-rules.yaml`.\n"
    return made + yaml.safe_dump(document, sort_keys=False, width=100)
