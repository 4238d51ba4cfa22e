"""The commands that artists use: launch, ls, open, stop, start, rm, logs.

Each is a few calls of the API in a row, as the caller of the connection. A workstation is named by
its session's id or by enough of its beginning, one of the caller's own also by its launch profile's
name; and need not be named while there is only one.
"""

import webbrowser
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import click

from soundstage.cli.connection import Connection, with_connection
from soundstage.cli.exits import NOTHING_FITS
from soundstage.cli.launch import new_address
from soundstage.cli.output import (
    Form,
    output_option,
    show_document,
    show_one,
    show_rows,
    wide_option,
)
from soundstage.cli.waiting import settled, waiter
from soundstage.client.calls import CallError
from soundstage.kit.clock import system_clock

Resource = dict[str, Any]

_GONE = "DELETED"
_MOST_NAMED = 5
"""Workstations that a question names; more of them nobody reads."""
_RUNNING = frozenset({"READY"})
_STOPPED = frozenset({"STOPPED", "START_FAILED"})
_STOPPABLE = frozenset({"READY", "STOP_FAILED"})

session_argument = click.argument("session", required=False)
open_option = click.option("--open", "is_opened", is_flag=True, help="Open it in a browser here.")
no_wait_option = click.option("--no-wait", is_flag=True, help="Return as soon as it has begun.")


@click.command("launch")
@click.argument("profile_name", metavar="[PROFILE]", required=False)
@click.option("--instance-type", metavar="TYPE", help="One of the profile's; else its first.")
@click.option("--image", metavar="ID", help="One of the profile's images; else its first.")
@click.option("--backup", metavar="ID", help="A backup that its disk is made of.")
@open_option
@no_wait_option
@output_option
@with_connection
def launch(
    connection: Connection,
    *,
    profile_name: str | None,
    instance_type: str | None,
    image: str | None,
    backup: str | None,
    is_opened: bool,
    no_wait: bool,
    output: Form,
) -> None:
    """Launch a workstation.

    PROFILE is a launch profile's name or id, and may be left out where you have only one.
    """
    profile = _profile(connection, profile_name)
    session = connection.client.call(
        "CreateStreamingSession",
        studioId=connection.studio_id,
        launchProfileId=profile["launchProfileId"],
        ec2InstanceType=instance_type,
        streamingImageId=image,
        backupId=backup,
    )["session"]
    _get_ready(connection, session, is_opened=is_opened, no_wait=no_wait, output=output)


@click.command("start")
@session_argument
@click.option("--backup", metavar="ID", help="Go back to this backup; else its disk as it was.")
@open_option
@no_wait_option
@output_option
@with_connection
def start(
    connection: Connection,
    *,
    session: str | None,
    backup: str | None,
    is_opened: bool,
    no_wait: bool,
    output: Form,
) -> None:
    """Start a stopped workstation."""
    found = _session(connection, session, _STOPPED, "stopped")
    begun = connection.client.call(
        "StartStreamingSession", **_where(connection, found), backupId=backup
    )["session"]
    _get_ready(connection, begun, is_opened=is_opened, no_wait=no_wait, output=output)


@click.command("open")
@session_argument
@click.option("--open", "is_opened", is_flag=True, help="Open it in a browser here.")
@with_connection
def open_(connection: Connection, *, session: str | None, is_opened: bool) -> None:
    """Print a workstation's address; it opens the desktop once, within the hour."""
    found = _session(connection, session, _RUNNING, "running")
    _show_address(connection, found, is_opened=is_opened)


@click.command("stop")
@session_argument
@no_wait_option
@with_connection
def stop(connection: Connection, *, session: str | None, no_wait: bool) -> None:
    """Stop a workstation; its disk is kept."""
    found = _session(connection, session, _STOPPABLE, "running")
    where = _where(connection, found)
    connection.client.call("StopStreamingSession", **where)
    if no_wait:
        click.echo(f"{found['sessionId']} stops.")
        return
    answer = settled(
        connection.client, waiter("StreamingSessionStopped"), where, what="Workstation"
    )
    # Where its backup failed, or an engine could not do all, the message says so.
    click.echo(f"{found['sessionId']}: {answer['session']['statusMessage']}")


@click.command("rm")
@click.argument("session")
@click.option("--yes", is_flag=True, help="Do not ask.")
@no_wait_option
@with_connection
def rm(connection: Connection, *, session: str, yes: bool, no_wait: bool) -> None:
    """End a workstation for good; its disk is removed, its backups are kept for a while."""
    found = _session(connection, session, None, "there")
    if not yes:
        click.confirm(
            f"End {found['sessionId']} ({found['state']}) and remove its disk?",
            abort=True,
            err=True,
        )
    where = _where(connection, found)
    connection.client.call("DeleteStreamingSession", **where)
    if not no_wait:
        settled(connection.client, waiter("StreamingSessionDeleted"), where, what="Workstation")
    click.echo(f"{found['sessionId']} {'ends' if no_wait else 'is gone'}.")


@click.command("ls")
@click.option("--all", "is_all", is_flag=True, help="Everybody's, as an administrator may see.")
@wide_option
@output_option
@with_connection
def ls(connection: Connection, *, is_all: bool, is_wide: bool, output: Form) -> None:
    """List your workstations."""
    sessions = sessions_of(connection, is_all=is_all)
    if output != "table":
        show_document(output, {"sessions": sessions})
        return
    names = _profile_names(connection, sessions)
    people = connection.names_of(session["ownedBy"] for session in sessions) if is_all else {}
    now = system_clock()
    rows = [
        {
            "session": session["sessionId"],
            **({"owner": people[session["ownedBy"]]} if is_all else {}),
            "profile": names.get(session["launchProfileId"], session["launchProfileId"]),
            "state": session["state"],
            "next": coming(session, now),
            "type": session["ec2InstanceType"],
        }
        for session in sessions
    ]
    show_rows("table", "sessions", rows, is_wide=is_wide)


@click.command("logs")
@session_argument
@output_option
@with_connection
def logs(connection: Connection, *, session: str | None, output: Form) -> None:
    """Show what its scripts said; for administrators."""
    found = _session(connection, session, None, "there", is_all=True)
    outputs = list(
        connection.client.pages("ListStreamingSessionScriptOutputs", **_where(connection, found))
    )
    if output != "table":
        show_document(output, {"scriptOutputs": outputs})
        return
    if not outputs:
        click.echo("No script ran.")
    # The newest start comes first on the wire; people read down to the end.
    for each in reversed(outputs):
        code = each.get("exitCode")
        ended = "took too long" if code is None else f"exit code {code}"
        click.echo(
            f"--- start {each['attempt']}, {each['studioComponentName']}, "
            f"{each['runContext'].removesuffix('_INITIALIZATION').lower()}, "
            f"{each['endedAt']}: {ended}"
        )
        click.echo(each["output"].rstrip("\n"))


def sessions_of(connection: Connection, *, is_all: bool) -> list[Resource]:
    """List the caller's sessions, or everybody's; what is gone stays listed for a day, not here."""
    client, studio_id = connection.client, connection.studio_id
    found = (
        client.pages("ListStreamingSessions", studioId=studio_id)
        if is_all
        else client.own_sessions(studio_id)
    )
    return [session for session in found if session["state"] != _GONE]


def coming(session: Resource, now: datetime) -> str:
    """Say what a session does next by itself, and in how long."""
    action = session.get("nextAction")
    if not action:
        return "-"
    return f"{action['action'].lower()} in {span(datetime.fromisoformat(action['at']) - now)}"


def span(length: timedelta) -> str:
    """Write a length of time in one unit, for a column."""
    minutes = max(0, round(length.total_seconds() / 60))
    if minutes < 120:
        return f"{minutes} min"
    hours = round(minutes / 60)
    return f"{hours} h" if hours < 72 else f"{round(hours / 24)} days"


def _get_ready(
    connection: Connection, session: Resource, *, is_opened: bool, no_wait: bool, output: Form
) -> None:
    where = _where(connection, session)
    if no_wait:
        _show_session(session, None, output)
        return
    ready = settled(
        connection.client,
        waiter("StreamingSessionReady"),
        where,
        what="Workstation",
        expected_seconds=_expected(connection, session),
    )["session"]
    address = new_address(connection.client, **_names(where))
    _show_session(ready, address, output)
    if is_opened:
        _open(address)


def _expected(connection: Connection, session: Resource) -> float | None:
    """Say how long the last starts took; None where that is not known."""
    found = connection.client.call(
        "GetLaunchProfileAvailability",
        studioId=connection.studio_id,
        launchProfileId=session["launchProfileId"],
    )
    seconds: float | None = found.get("expectedStartInSeconds")
    return seconds


def _show_session(session: Resource, address: str | None, output: Form) -> None:
    if output != "table":
        show_document(output, {"session": session, **({"url": address} if address else {})})
        return
    show_one("table", {"session": session["sessionId"], "state": session["state"]})
    if address:
        click.echo(f"\nOpen it in a browser (once, within the hour):\n\n  {address}\n")


def _show_address(connection: Connection, session: Resource, *, is_opened: bool) -> None:
    address = new_address(connection.client, **_names(_where(connection, session)))
    click.echo(address)
    if is_opened:
        _open(address)


def _open(address: str) -> None:
    if not webbrowser.open(address):
        click.echo("No browser was found on this machine.", err=True)


def _profile(connection: Connection, wanted: str | None) -> Resource:
    """Find a launch profile by its id, or by its name if only one has it."""
    client = connection.client
    listed = client.pages(
        "ListLaunchProfiles",
        studioId=connection.studio_id,
        principalId=client.principal_id,
    )
    profiles = [each for each in listed if each["state"] != _GONE]
    if wanted is None:
        fitting = profiles
    else:
        fitting = [each for each in profiles if each["launchProfileId"] == wanted] or [
            each for each in profiles if each["name"].casefold() == wanted.casefold()
        ]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        known = _listed(each["name"] for each in profiles)
        raise CallError(
            NOTHING_FITS,
            0,
            f"No launch profile of yours is called {wanted!r}. There are: {known}."
            if wanted is not None
            else "You may use no launch profile. An administrator makes you a member of one with "
            "`soundstage profile-members put`.",
        )
    ids = _listed(f"{each['name']} ({each['launchProfileId']})" for each in fitting)
    raise click.UsageError(f"Which launch profile? {ids}")


def _session(
    connection: Connection,
    wanted: str | None,
    states: frozenset[str] | None,
    word: str,
    *,
    is_all: bool = False,
) -> Resource:
    """Find a session by its id's beginning or its launch profile, or the only one in one of the
    states.
    """
    if wanted is not None:
        fitting = _called(connection, wanted, states)
    else:
        fitting = _in_states(sessions_of(connection, is_all=is_all), states)
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        said = (
            f"There is no workstation {wanted}."
            if wanted is not None
            else f"No workstation of yours is {word}."
        )
        raise CallError(NOTHING_FITS, 0, f"{said} `soundstage ls` shows yours.")
    ids = _listed(each["sessionId"] for each in fitting[:_MOST_NAMED])
    more = len(fitting) - _MOST_NAMED
    rest = f" and {more} more; `soundstage ls` shows them" if more > 0 else ""
    raise click.UsageError(f"Which workstation? {ids}{rest}")


def _called(connection: Connection, wanted: str, states: frozenset[str] | None) -> list[Resource]:
    """Find sessions by how an id begins, or the caller's own by a launch profile's name."""
    # An administrator may name anybody's.
    fitting = [each for each in _visible(connection) if each["sessionId"].startswith(wanted)]
    exact = [each for each in fitting if each["sessionId"] == wanted]
    if fitting:
        return exact or fitting
    own = sessions_of(connection, is_all=False)
    names = _profile_names(connection, own)
    named = [
        each
        for each in own
        if names.get(each["launchProfileId"], "").casefold() == wanted.casefold()
    ]
    return _in_states(named, states) or named


def _in_states(sessions: list[Resource], states: frozenset[str] | None) -> list[Resource]:
    return [each for each in sessions if states is None or each["state"] in states]


def _visible(connection: Connection) -> list[Resource]:
    """List all that the caller may see."""
    return sessions_of(connection, is_all=connection.administers)


def _profile_names(connection: Connection, sessions: list[Resource]) -> dict[str, str]:
    """Name the launch profiles of sessions; one that its owner lost keeps its id."""
    names = {}
    for profile_id in {session["launchProfileId"] for session in sessions}:
        try:
            names[profile_id] = connection.client.call(
                "GetLaunchProfile", studioId=connection.studio_id, launchProfileId=profile_id
            )["launchProfile"]["name"]
        except CallError as error:
            if error.status == 0:
                raise
    return names


def _where(connection: Connection, session: Resource) -> dict[str, str]:
    return {"studioId": connection.studio_id, "sessionId": session["sessionId"]}


def _names(where: dict[str, str]) -> dict[str, str]:
    return {"studio_id": where["studioId"], "session_id": where["sessionId"]}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
