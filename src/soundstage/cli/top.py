"""`soundstage top`: all workstations of a studio, watched.

What it shows comes from the API, so it works for a studio elsewhere as well: whose each workstation
is and what it does next, what all were promised, how many more of each launch profile would find a
place, and for administrators what of the machine is promised and in use.
"""

import time
from collections import Counter
from collections.abc import Mapping
from datetime import datetime

import click
import msgspec
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from soundstage.cli.connection import Connection, with_connection
from soundstage.cli.output import Form, output_option, show_document
from soundstage.cli.workstations import Resource, coming, sessions_of, span
from soundstage.kit.clock import system_clock

_GIB = 1024**3
_COLOURS = {"READY": "green", "STOPPED": "dim"}
_SETTLED = {"READY", "STOPPED"}
_DOING = {
    "CREATE_IN_PROGRESS": "launching",
    "START_IN_PROGRESS": "starting",
    "STOP_IN_PROGRESS": "stopping",
    "DELETE_IN_PROGRESS": "ending",
}
"""States that are too long for a column."""
_SHORTEST_ID = 8


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One look."""

    sessions: list[Resource]
    profiles: list[Resource]
    """Name and availability of each launch profile."""
    people: Mapping[str, str]
    """How the owners are called, by their ids."""
    now: datetime
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
        people=connection.names_of(session["ownedBy"] for session in sessions),
        now=system_clock(),
        profiles=[
            {"name": profile["name"], "launchProfileId": profile["launchProfileId"], **offer}
            for offer in offers
            if (profile := offer.pop("launchProfile"))["state"] != "DELETED"
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
        Text(f"{_machine(seen.place)}\n" if seen.place else ""),
        _lines(seen) if sessions else Text(""),
        *_news(seen),
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
    """Say how much of the place is promised, and in a second line how much of it is in use."""
    promised, most, size = place["promised"], place["toPromise"], place["size"]
    memory = [amount["memoryInBytes"] / _GIB for amount in (promised, most, size)]
    used = memory[2] - place["freeMemoryInBytes"] / _GIB
    parts = [
        f"{promised['cpus']:g} of {most['cpus']:g} cores",
        f"{memory[0]:.1f} of {memory[1]:.1f} GiB",
    ]
    if size["gpus"]:
        parts.append(f"{promised['gpus']} of {size['gpus']} GPUs")
    return (
        f"Promised of this machine: {', '.join(parts)}\n"
        f"In use: {used:.1f} of {memory[2]:.1f} GiB of memory; "
        f"{place['freeDiskInBytes'] / _GIB:.1f} GiB of disk are free"
    )


def _lines(seen: Seen) -> Table:
    """Draw one line each: few enough columns for a terminal of 80."""
    profiles = {each["launchProfileId"]: each["name"] for each in seen.profiles}
    short = _shortened(seen.sessions)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column, least in (
        ("session", _SHORTEST_ID),
        ("owner", 8),
        ("profile", 8),
        ("state", 9),
        ("next", 12),
        ("since", 6),
        ("type", 4),
    ):
        table.add_column(column, no_wrap=True, min_width=least)
    for session in _in_order(seen.sessions):
        state, profile_id = session["state"], str(session["launchProfileId"])
        since = datetime.fromisoformat(session.get("startedAt") or session["createdAt"])
        table.add_row(
            short[session["sessionId"]],
            Text(seen.people[session["ownedBy"]]),
            Text(profiles.get(profile_id, profile_id)),
            Text(_DOING.get(state) or _in_words(state), style=_COLOURS.get(state, "yellow")),
            coming(session, seen.now),
            span(seen.now - since),
            session["ec2InstanceType"],
        )
    return table


def _news(seen: Seen) -> list[Text]:
    """Say of what is on its way, or failed, how far it is or why."""
    short = _shortened(seen.sessions)
    told = [
        Text(f"{short[session['sessionId']]}: {session['statusMessage']}")
        for session in _in_order(seen.sessions)
        if session["state"] not in _SETTLED and session["statusMessage"]
    ]
    return [Text(""), *told] if told else []


def _in_order(sessions: list[Resource]) -> list[Resource]:
    return sorted(sessions, key=lambda each: (each["state"], each["createdAt"]))


def _shortened(sessions: list[Resource]) -> dict[str, str]:
    """Give of each id as much of its beginning as tells all apart; commands take that, too."""
    ids = [session["sessionId"] for session in sessions]
    length = _SHORTEST_ID
    while len({each[:length] for each in ids}) < len(ids):
        length += 1
    return {each: each[:length] for each in ids}


def _count(sessions: list[Resource]) -> Counter[str]:
    return Counter(session["state"] for session in sessions)


def _in_words(state: str) -> str:
    return state.replace("_", " ").lower()
