"""`soundstage top`: all workstations of a studio, watched.

What it shows comes from the API, so it works for a studio elsewhere as well: what each workstation
was promised, how many more of each launch profile would find a place, and for administrators what
of the machine is promised and in use.
"""

import time
from collections import Counter

import click
import msgspec
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from soundstage.cli.connection import Connection, with_connection
from soundstage.cli.output import Form, output_option, show_document
from soundstage.cli.workstations import Resource, coming, sessions_of

_GIB = 1024**3
_COLOURS = {"READY": "green", "STOPPED": "dim"}


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One look."""

    sessions: list[Resource]
    profiles: list[Resource]
    """Name and availability of each launch profile."""
    place: Resource | None = None
    """What all workstations run in; None where the engine can't tell, and to artists."""


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

    def seen() -> Seen:
        return look(connection, is_all=not mine)

    if output != "table":
        found = seen()
        states = dict(_count(found.sessions))
        show_document(output, {"states": states, **msgspec.to_builtins(found)})
        return
    console = Console(highlight=False)
    if once or not console.is_terminal:
        # No line is broken where nobody looks: a program may read it.
        width = None if console.is_terminal else 10_000
        Console(highlight=False, width=width).print(drawn(seen()))
        return
    try:
        with Live(drawn(seen()), console=console, auto_refresh=False, screen=True) as live:
            while True:
                time.sleep(interval)
                live.update(drawn(seen()), refresh=True)
    except KeyboardInterrupt:
        pass


def look(connection: Connection, *, is_all: bool) -> Seen:
    """Ask for all of it once."""
    client, studio_id = connection.client, connection.studio_id
    offers = client.pages(
        "ListLaunchProfileAvailabilities",
        studioId=studio_id,
        principalId=None if is_all else client.principal_id,
    )
    sessions = sessions_of(connection, is_all=is_all)
    capacity = client.call("GetStudioCapacity", studioId=studio_id) if is_all else {}
    return Seen(
        sessions=sessions,
        profiles=[
            {"name": offer.pop("launchProfile")["name"], **offer}
            for offer in offers
            if offer["launchProfile"]["state"] != "DELETED"
        ],
        place=capacity.get("place"),
    )


def drawn(seen: Seen) -> Group:
    """Draw it: how many are in which state, what was promised, what is left, and one line each."""
    sessions = seen.sessions
    states = ", ".join(
        f"{count} {_in_words(state)}" for state, count in _count(sessions).most_common()
    )
    return Group(
        Text(f"{len(sessions)} workstation{'' if len(sessions) == 1 else 's'}: {states or 'none'}"),
        Text(f"Promised to those that run: {_promised(seen)}"),
        Text(f"Room for more: {_room(seen)}"),
        Text(f"This machine: {_machine(seen.place)}\n" if seen.place else ""),
        _lines(sessions) if sessions else Text(""),
    )


def _promised(seen: Seen) -> str:
    """Add up what those have that run."""
    sizes = {
        each["ec2InstanceType"]: each
        for profile in seen.profiles
        for each in profile["instanceTypes"]
    }
    running = [
        session["ec2InstanceType"] for session in seen.sessions if session["state"] == "READY"
    ]
    types = ", ".join(f"{count} {name}" for name, count in sorted(Counter(running).items()))
    known = [sizes[name] for name in running if "cpus" in sizes.get(name, {})]
    cpus = sum(each["cpus"] for each in known)
    memory = sum(each.get("memoryInBytes", 0) for each in known)
    figures = f" ({cpus:g} cores, {memory / _GIB:.1f} GiB of memory)" if known else ""
    return (types or "nothing") + figures


def _room(seen: Seen) -> str:
    """Say how many more of each profile's default would find a place."""
    places = [
        f"{profile['instanceTypes'][0]['freePlaces']} of {profile['name']}"
        for profile in seen.profiles
        if profile["instanceTypes"] and "freePlaces" in profile["instanceTypes"][0]
    ]
    return ", ".join(places) or "not known"


def _machine(place: Resource) -> str:
    """Say how much of the place is promised, and how much of it is in use."""
    promised, most, size = place["promised"], place["toPromise"], place["size"]
    memory = [amount["memoryInBytes"] / _GIB for amount in (promised, most, size)]
    used = memory[2] - place["freeMemoryInBytes"] / _GIB
    parts = [
        f"{promised['cpus']:g} of {most['cpus']:g} cores promised",
        f"{memory[0]:.1f} of {memory[1]:.1f} GiB promised",
        f"{used:.1f} of {memory[2]:.1f} GiB in use",
        f"{place['freeDiskInBytes'] / _GIB:.1f} GiB of disk free",
    ]
    if size["gpus"]:
        parts.insert(2, f"{promised['gpus']} of {size['gpus']} graphics cards promised")
    return ", ".join(parts)


def _lines(sessions: list[Resource]) -> Table:
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
    return table


def _count(sessions: list[Resource]) -> Counter[str]:
    return Counter(session["state"] for session in sessions)


def _in_words(state: str) -> str:
    return state.replace("_", " ").lower()
