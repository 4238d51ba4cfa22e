"""Reference pages that are made from the code: `soundstage reference NAME` prints one, and
`scripts/reference` writes them all into `docs/reference`.
"""

import inspect
from collections.abc import Callable
from typing import Any

import click
import msgspec

from soundstage.cli import exits
from soundstage.cli.studio_file import document
from soundstage.kit import config
from soundstage.kit.machine import Machine
from soundstage.metrics import alerts, catalogue, charts
from soundstage.resources.backups import lifecycle as backups
from soundstage.resources.components import lifecycle as components
from soundstage.resources.hosts import lifecycle as hosts
from soundstage.resources.images import lifecycle as images
from soundstage.resources.launch_profiles import lifecycle as launch_profiles
from soundstage.resources.operations import OPERATIONS
from soundstage.resources.sessions import lifecycle as sessions
from soundstage.resources.streams import lifecycle as streams
from soundstage.resources.studios import lifecycle as studios
from soundstage.resources.warm_workstations import lifecycle as warm_workstations
from soundstage.wire import codes
from soundstage.wire.faults import FAULTS

_MACHINES: list[Machine[Any]] = [
    studios.MACHINE,
    components.MACHINE,
    images.MACHINE,
    launch_profiles.MACHINE,
    sessions.MACHINE,
    streams.MACHINE,
    backups.MACHINE,
    warm_workstations.MACHINE,
    hosts.MACHINE,
]
_MADE = "This page is made from the code by `soundstage reference {}`.\n\n"


def settings() -> str:
    """Write the page of settings."""
    return (
        "# Settings\n\n"
        + _MADE.format("settings")
        + "Each is a variable, or a key of the file `soundstage.toml` in the home folder: "
        "`SOUNDSTAGE_PORT=9000` there is `port = 9000`. A variable wins over the file, the file "
        "over the default, and a name that is no setting is refused. `SOUNDSTAGE_CONFIG` names "
        "another file.\n\n" + config.reference()
    )


def lifecycles() -> str:
    """Write the page of state diagrams."""
    parts = ["# Lifecycles\n\n" + _MADE.format("lifecycles").rstrip() + "\n"]
    for machine in _MACHINES:
        limits = "".join(
            f"- {state} lasts {limit} at the most.\n" for state, limit in machine.limits.items()
        )
        parts.append(
            f"## {machine.name.capitalize()}\n\n```mermaid\n{machine.draw()}```\n\n{limits}"
        )
    return "\n".join(parts)


def operations() -> str:
    """Write the page of operations."""
    lines = [
        "# Operations",
        "",
        _MADE.format("operations").rstrip(),
        "",
        "The account's operator may run all of them.",
        "",
        "| Operation | Request | Administrator | User |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {row.name} | `{row.method} {row.path}` | {row.permission.administrator} "
        f"| {row.permission.user} |"
        for row in sorted(OPERATIONS, key=lambda row: row.name)
    ]
    return "\n".join(lines) + "\n"


def exit_codes() -> str:
    """Write the page of exit codes."""
    return (
        "# Exit codes\n\n"
        + _MADE.format("exit-codes")
        + "What `soundstage` ends with. An error is one line on the standard error stream, which "
        "also says what to do next.\n\n" + exits.reference()
    )


def error_codes() -> str:
    """Write the page of errors and their codes."""
    errors = ["| Error | Status | When | Again? |", "|---|---|---|---|"]
    errors += [
        f"| `{each.name}` | {each.status} | {inspect.getdoc(each)} "
        f"| {'a little later' if each.is_retryable else ''} |"
        for each in FAULTS
    ]
    return (
        "# Error codes\n\n"
        + _MADE.format("error-codes")
        + "A refused request is answered with one of seven errors: SDKs make a class of its name, "
        "and have its body as `message`, `code` and `context`.\n\n"
        + "\n".join(errors)
        + "\n\n## Codes\n\n"
        "The message is for people and logs, in English, and may be worded anew in any release. "
        "The code is for programs: a reason of its own, wherever a button or a form of the portal "
        "can meet it, and nothing where only a program can. The context says what it is about; "
        "its members stand in quotes below. Beside them it has, where that is known, `member`, "
        "the member of the request that is wrong, and `resourceId`. Of several complaints the "
        "first is the error's own; the others are `complaint2`, `complaint3` and so on, each a "
        "message, with its code in `complaint2.code` and its context in `complaint2.member` and "
        "the like.\n\n" + codes.reference() + "\n"
        "What fails after a request was taken is no error: the resource says so by its `state`, "
        "`statusCode` and `statusMessage`.\n"
    )


def studio_schema() -> str:
    """Write the JSON Schema of studio files."""
    return msgspec.json.format(msgspec.json.encode(document.schema()), indent=2).decode() + "\n"


def metrics() -> str:
    """Write the page of metrics."""
    return (
        "# Metrics\n\n"
        + _MADE.format("metrics")
        + "What `GET /metrics` tells Prometheus. [How to use it](../how-to/watch-a-studio.md"
        "#have-it-charted). Beside it are a [Grafana dashboard](grafana-dashboard.json) and "
        "[alert rules](prometheus-rules.yaml), made from the same table; each alert has a "
        "[page](../how-to/runbooks/README.md) that says what to do.\n\n" + catalogue.reference()
    )


PAGES: dict[str, Callable[[], str]] = {
    "settings": settings,
    "lifecycles": lifecycles,
    "operations": operations,
    "exit-codes": exit_codes,
    "error-codes": error_codes,
    "studio.schema.json": studio_schema,
    "metrics": metrics,
    "grafana-dashboard.json": charts.dashboard,
    "prometheus-rules.yaml": alerts.rules,
}
"""By their names below docs/reference; one without an ending is Markdown."""


@click.command("reference")
@click.argument("what", type=click.Choice(sorted(PAGES)))
def reference_command(what: str) -> None:
    """Print a reference page made from the code."""
    click.echo(PAGES[what](), nl=False)
