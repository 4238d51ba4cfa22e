"""`soundstage top`: all workstations of a studio, watched.

What it shows comes from the public API, so it works for a studio elsewhere as well. What a
workstation was promised is its instance type; what it uses the API does not say.
"""

import time
from collections import Counter

import click
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from soundstage.cli.connection import Connection, with_connection
from soundstage.cli.output import Form, output_option, show_document
from soundstage.cli.workstations import Resource, coming, sessions_of

_GONE = frozenset({"DELETED"})
_COLOURS = {"READY": "green", "STOPPED": "dim"}


@click.command("top")
@click.option("--once", is_flag=True, help="Print it once and end.")
@click.option("--mine", is_flag=True, help="Only your own.")
@click.option(
    "--interval",
    type=click.FloatRange(0.5, 3600),
    default=2.0,
    show_default=True,
    help="Seconds between two looks.",
)
@output_option
@with_connection
def top(connection: Connection, *, once: bool, mine: bool, interval: float, output: Form) -> None:
    """Watch all workstations of a studio; Ctrl-C ends it."""

    def look() -> list[Resource]:
        found = sessions_of(connection, is_all=not mine)
        return [session for session in found if session["state"] not in _GONE]

    if output != "table":
        sessions = look()
        show_document(output, {"states": dict(_count(sessions)), "sessions": sessions})
        return
    console = Console(highlight=False)
    if once or not console.is_terminal:
        # No line is broken where nobody looks: a program may read it.
        Console(highlight=False, width=None if console.is_terminal else 10_000).print(drawn(look()))
        return
    try:
        with Live(drawn(look()), console=console, auto_refresh=False, screen=True) as live:
            while True:
                time.sleep(interval)
                live.update(drawn(look()), refresh=True)
    except KeyboardInterrupt:
        pass


def drawn(sessions: list[Resource]) -> Group:
    """Draw it: how many are in which state, what was promised, and one line each."""
    states = ", ".join(
        f"{count} {_in_words(state)}" for state, count in _count(sessions).most_common()
    )
    types = Counter(
        session["ec2InstanceType"] for session in sessions if session["state"] == "READY"
    )
    promised = ", ".join(f"{count} {name}" for name, count in sorted(types.items()))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("session", "owner", "state", "type", "since", "next", "message"):
        table.add_column(column, no_wrap=True)
    for session in sorted(sessions, key=lambda each: (each["state"], each["createdAt"])):
        state = session["state"]
        table.add_row(
            session["sessionId"],
            session["ownedBy"],
            Text(_in_words(state), style=_COLOURS.get(state, "yellow")),
            session["ec2InstanceType"],
            session.get("startedAt") or session["createdAt"],
            coming(session),
            Text(session["statusMessage"]),
        )
    return Group(
        Text(f"{len(sessions)} workstations: {states or 'none'}"),
        Text(f"Promised to those that run: {promised or 'nothing'}\n"),
        table if sessions else Text(""),
    )


def _count(sessions: list[Resource]) -> Counter[str]:
    return Counter(session["state"] for session in sessions)


def _in_words(state: str) -> str:
    return state.replace("_", " ").lower()
