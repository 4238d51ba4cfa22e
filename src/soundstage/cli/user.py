"""`soundstage user`: the people that the installation knows, their access keys and their logins.

It works on the database, beside a running service or without one; the service honours a change
within seconds. Every change is noted in the journal as the operator's.
"""

from pathlib import Path
from typing import Any

import click

from soundstage.cli import roster
from soundstage.cli.desk import Desk, desk_of
from soundstage.cli.identities import identities_command, identity_group
from soundstage.cli.lazy import ListedGroup
from soundstage.cli.output import Form, output_option, show_one, show_rows
from soundstage.kit.config import Settings
from soundstage.resources.logins import service as logins
from soundstage.resources.members import service as members
from soundstage.resources.members.model import AccessKey, Enrolment, Newcomer, Person
from soundstage.resources.streams import service as streams
from soundstage.wire.faults import ConflictError, Fault, NotFoundError, ValidationError
from soundstage.wiring.loginlimits import login_limits_of

_MOST_COMPLAINTS = 20


@click.group("user", cls=ListedGroup)
def user() -> None:
    """People and their access keys."""


user.add_command(identities_command)
user.add_command(identity_group)


@user.command("create")
@click.argument("name")
@click.option("--display-name", metavar="TEXT", help="How the person is called in full.")
@click.option("--email", metavar="ADDRESS")
@click.option("--principal-id", metavar="ID", help="The id that the person has elsewhere already.")
@click.option("--administrator-of", metavar="STUDIO", help="A studio's id.")
@output_option
@click.pass_obj
def create_command(
    settings: Settings,
    *,
    name: str,
    display_name: str | None,
    email: str | None,
    principal_id: str | None,
    administrator_of: str | None,
    output: Form,
) -> None:
    """Make somebody known, and print their access key."""
    newcomer = Newcomer(
        name=name,
        display_name=display_name,
        email=email,
        principal_id=principal_id,
        administrator_of=administrator_of,
    )
    with desk_of(settings) as desk:
        person, outcome = members.enrol(desk.transaction, newcomer, desk.now, actor=desk.actor)
        if outcome is not Enrolment.CREATED:
            # Raised inside, so that nothing of it stays.
            raise ConflictError(f"There is a person {person.name} already.")
        shown = _new_key(desk, person)
    show_one(output, shown)


@user.command("list")
@output_option
@click.pass_obj
def list_command(settings: Settings, *, output: Form) -> None:
    """List everybody."""
    with desk_of(settings) as desk:
        known = members.everybody(desk.transaction)
    show_rows(output, "people", [{**_outline(each), "activeKeys": n} for each, n in known])


@user.command("show")
@click.argument("name")
@output_option
@click.pass_obj
def show_command(settings: Settings, *, name: str, output: Form) -> None:
    """Tell what is known of somebody."""
    with desk_of(settings) as desk:
        person = members.find_person(desk.transaction, name)
        keys = members.keys_of(desk.transaction, person)
        studios = members.administered_by(desk.transaction, person.id)
    shown = {
        **_outline(person),
        "displayName": person.display_name,
        "email": person.email,
        "isOperator": person.is_operator,
        "administratorOf": studios,
        "accessKeyIds": [key.id for key in keys],
    }
    show_one(output, shown)


@user.command("disable")
@click.argument("name")
@click.pass_obj
def disable_command(settings: Settings, *, name: str) -> None:
    """Shut somebody out with all their keys; their open desktops close, their work stays."""
    _set_active(settings, name, is_active=False)
    click.echo(f"{name} is disabled.")


@user.command("enable")
@click.argument("name")
@click.pass_obj
def enable_command(settings: Settings, *, name: str) -> None:
    """Let somebody in again, with the keys that they had."""
    _set_active(settings, name, is_active=True)
    click.echo(f"{name} is enabled.")


@user.command("link")
@click.argument("name")
@click.pass_obj
def link_command(settings: Settings, *, name: str) -> None:
    """Print a link that signs somebody in, once and within ten minutes."""
    with desk_of(settings) as desk:
        link = _new_link(desk, settings, name)
    click.echo(sign_in_address(settings, link))


@user.command("logins")
@click.argument("name")
@output_option
@click.pass_obj
def logins_command(settings: Settings, *, name: str, output: Form) -> None:
    """List the browsers that somebody is signed in on."""
    with desk_of(settings) as desk:
        person = members.find_person(desk.transaction, name)
        limits = login_limits_of(settings)
        found = logins.of_person(desk.transaction, person, desk.now, limits=limits)
    rows = [
        {
            "loginId": login.id,
            "browser": login.browser,
            "address": login.address,
            "signedInAt": login.created_at,
            "usedAt": login.used_at,
            "by": login.issuer or "link",
        }
        for login in found
    ]
    show_rows(output, "logins", rows)


@user.command("sign-out")
@click.argument("name")
@click.option("--login", "login_id", metavar="ID", help="That browser only.")
@click.pass_obj
def sign_out_command(settings: Settings, *, name: str, login_id: str | None) -> None:
    """Sign somebody out, on every browser if none is named; it holds within seconds."""
    with desk_of(settings) as desk:
        operator = members.find_person(desk.transaction, members.OPERATOR)
        person = members.find_person(desk.transaction, name)
        limits = login_limits_of(settings)
        living = logins.of_person(desk.transaction, person, desk.now, limits=limits)
        found = [each.id for each in living]
        ended = found if login_id is None else [each for each in found if each == login_id]
        if login_id is not None and not ended:
            raise NotFoundError("login", login_id)
        for each in ended:
            logins.end(desk.transaction, each, desk.now, actor=operator)
    click.echo(f"{name} is signed out on {len(ended)} browser{'' if len(ended) == 1 else 's'}.")


def new_operator_link(settings: Settings) -> str:
    """Make a link that signs the operator in; for `serve` and `run`. Raises ConflictError."""
    with desk_of(settings) as desk:
        link = _new_link(desk, settings, members.OPERATOR)
    return sign_in_address(settings, link)


def _new_link(desk: Desk, settings: Settings, name: str) -> str:
    if not settings.sign_in_links:
        raise ConflictError("Links are switched off here (SOUNDSTAGE_SIGN_IN_LINKS).")
    person = members.find_person(desk.transaction, name)
    return logins.make_link(desk.transaction, person, desk.now, actor=desk.actor)


def sign_in_address(settings: Settings, link: str) -> str:
    """Write a link as an address."""
    return f"{settings.address}/sign-in?link={link}"


@user.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@output_option
@click.pass_obj
def import_command(settings: Settings, *, file: Path, dry_run: bool, output: Form) -> None:
    """Make the people of FILE known, or none of them; FILE is .csv or .json.

    Columns: name, and if wanted displayName, email, principalId, administratorOf (a studio's id).
    Who is known already is brought up to date, so that the same file twice changes nothing.
    """
    entries = roster.read(file)
    with desk_of(settings) as desk, desk.transaction.begin_nested() as step:
        outcomes = _enrol_all(desk, file.name, entries)
        if dry_run:
            step.rollback()
    counts = {each.value.lower(): list(outcomes.values()).count(each) for each in Enrolment}
    if output == "json":
        named: dict[str, Any] = {
            each.value.lower(): [name for name, outcome in outcomes.items() if outcome is each]
            for each in Enrolment
        }
        show_one(output, {**named, "isDryRun": dry_run})
        return
    click.echo(", ".join(f"{count} {outcome}" for outcome, count in counts.items()) + ".")
    if dry_run:
        click.echo("That is what would be done; nothing is.")


@user.command("keys")
@click.argument("name")
@output_option
@click.pass_obj
def keys_command(settings: Settings, *, name: str, output: Form) -> None:
    """List somebody's access keys."""
    with desk_of(settings) as desk:
        keys = members.keys_of(desk.transaction, members.find_person(desk.transaction, name))
    rows = [
        {"accessKeyId": key.id, "status": _status(key), "createdAt": key.created_at} for key in keys
    ]
    show_rows(output, "accessKeys", rows)


@user.group("key")
def key_group() -> None:
    """Access keys: two a person at the most, so that one can take over from the other."""


@key_group.command("create")
@click.argument("name")
@output_option
@click.pass_obj
def key_create_command(settings: Settings, *, name: str, output: Form) -> None:
    """Make another key for somebody, and print it."""
    with desk_of(settings) as desk:
        shown = _new_key(desk, members.find_person(desk.transaction, name))
    show_one(output, shown)


@key_group.command("disable")
@click.argument("access_key_id", metavar="KEYID")
@click.pass_obj
def key_disable_command(settings: Settings, *, access_key_id: str) -> None:
    """Switch a key off; within five seconds it signs nothing any more."""
    _set_key_active(settings, access_key_id, is_active=False)
    click.echo(f"{access_key_id} is disabled.")


@key_group.command("enable")
@click.argument("access_key_id", metavar="KEYID")
@click.pass_obj
def key_enable_command(settings: Settings, *, access_key_id: str) -> None:
    """Switch a key on again."""
    _set_key_active(settings, access_key_id, is_active=True)
    click.echo(f"{access_key_id} is enabled.")


@key_group.command("delete")
@click.argument("access_key_id", metavar="KEYID")
@click.pass_obj
def key_delete_command(settings: Settings, *, access_key_id: str) -> None:
    """Remove a disabled key for ever."""
    with desk_of(settings) as desk:
        members.delete_access_key(desk.transaction, access_key_id, desk.now, actor=desk.actor)
    click.echo(f"{access_key_id} is deleted.")


def _enrol_all(desk: Desk, file: str, entries: list[roster.Entry]) -> dict[str, Enrolment]:
    """Enrol everybody. Raises ValidationError that names every bad entry, up to a limit."""
    outcomes: dict[str, Enrolment] = {}
    complaints = []
    for place, newcomer in entries:
        try:
            if isinstance(newcomer, str):
                raise ValidationError(newcomer)
            person, outcome = members.enrol(desk.transaction, newcomer, desk.now, actor=desk.actor)
            if person.name in outcomes:
                raise ValidationError(f"name: {person.name} stands there twice.")
            outcomes[person.name] = outcome
        except Fault as fault:
            complaints.append(f"{place}: {fault.message}")
    if complaints:
        shown = "\n".join(complaints[:_MOST_COMPLAINTS])
        rest = len(complaints) - _MOST_COMPLAINTS
        more = f"\nand {rest} more" if rest > 0 else ""
        raise ValidationError(f"{file}: nobody is imported.\n{shown}{more}")
    return outcomes


def _set_active(settings: Settings, name: str, *, is_active: bool) -> None:
    with desk_of(settings) as desk:
        person = members.find_person(desk.transaction, name)
        members.set_person_active(
            desk.transaction, person, desk.now, is_active=is_active, actor=desk.actor
        )
        # The service does not hear the hints of another process, but it looks at what is due.
        streams.wake(desk.transaction, person.id, desk.now)


def _set_key_active(settings: Settings, access_key_id: str, *, is_active: bool) -> None:
    with desk_of(settings) as desk:
        members.set_access_key_active(
            desk.transaction, access_key_id, desk.now, is_active=is_active, actor=desk.actor
        )


def _new_key(desk: Desk, person: Person) -> dict[str, Any]:
    key, secret = members.create_access_key(
        desk.transaction, person, desk.seal, desk.now, actor=desk.actor
    )
    return {
        "name": person.name,
        "principalId": person.id,
        "accessKeyId": key.id,
        "secretAccessKey": secret,
    }


def _outline(person: Person) -> dict[str, Any]:
    return {
        "name": person.name,
        "principalId": person.id,
        "status": _status(person),
        "createdAt": person.created_at,
    }


def _status(one: AccessKey | Person) -> str:
    """Say it as IAM says it of a key."""
    return "Active" if one.is_active else "Inactive"
