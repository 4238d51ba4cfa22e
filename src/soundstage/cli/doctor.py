"""`soundstage doctor`: looks at this machine and says, for each fault, what to do about it."""

import sys

import click
import msgspec
from rich.console import Console
from rich.text import Text

from soundstage.cli.output import Form, output_option, show_document
from soundstage.kit.config import Settings
from soundstage.wiring.examination import Check, State, examine

_MARKS: dict[State, tuple[str, str]] = {
    "ok": ("✓", "green"),
    "warning": ("!", "yellow"),
    "fault": ("✗", "red"),
}


@click.command("doctor")
@output_option
@click.pass_obj
def doctor(settings: Settings, *, output: Form) -> None:
    """Check this machine, and say what to do about each fault; exit code 1 if there is any."""
    console = Console(highlight=False, soft_wrap=True)
    checks: list[Check] = []
    for check in examine(settings):
        checks.append(check)
        if output == "table":
            mark, colour = _MARKS[check.state]
            console.print(Text(mark, style=colour), Text(f"{check.name}: {check.detail}"))
    faults = [check for check in checks if check.state == "fault"]
    if output != "table":
        document = {"isWell": not faults, "checks": [msgspec.structs.asdict(c) for c in checks]}
        show_document(output, document)
    elif faults:
        names = ", ".join(check.name for check in faults)
        click.echo(f"\n{len(faults)} to mend: {names}.")
    else:
        click.echo("\nAll is well.")
    if faults:
        sys.exit(1)
