"""`soundstage user identities` and `identity`: whom the OpenID Connect provider knows people as.

They work as their neighbours in `user` do, which has these commands.
"""

from typing import Any

import click

from soundstage.cli.desk import desk_of
from soundstage.cli.lazy import ListedGroup
from soundstage.cli.output import Form, output_option, show_rows
from soundstage.kit.config import Settings
from soundstage.resources.identities import service as identities
from soundstage.resources.logins import service as logins
from soundstage.resources.members import service as members
from soundstage.wire.faults import ValidationError

_issuer_option = click.option(
    "--issuer", metavar="URL", help="Another provider than that of the settings."
)


@click.command("identities")
@click.argument("name")
@output_option
@click.pass_obj
def identities_command(settings: Settings, *, name: str, output: Form) -> None:
    """List whom providers know somebody as."""
    with desk_of(settings) as desk:
        person = members.find_person(desk.transaction, name)
        found = identities.of_person(desk.transaction, person)
    rows: list[dict[str, Any]] = [
        {
            "subject": each.subject,
            "issuer": each.issuer,
            "linkedAt": each.created_at,
            "usedAt": each.used_at,
        }
        for each in found
    ]
    show_rows(output, "identities", rows)


@click.group("identity", cls=ListedGroup)
def identity_group() -> None:
    """Who somebody is at the OpenID Connect provider: the subject there, and nothing else."""


@identity_group.command("link")
@click.argument("name")
@click.argument("subject")
@_issuer_option
@click.pass_obj
def link_command(settings: Settings, *, name: str, subject: str, issuer: str | None) -> None:
    """Say that SUBJECT at the provider is the person NAME, who may sign in by it from now on."""
    with desk_of(settings) as desk:
        identities.link(
            desk.transaction,
            members.find_person(desk.transaction, name),
            _issuer(settings, issuer),
            subject,
            desk.now,
            actor=desk.actor,
        )
    click.echo(f"{name} signs in as {subject}.")


@identity_group.command("unlink")
@click.argument("name")
@click.argument("subject")
@_issuer_option
@click.pass_obj
def unlink_command(settings: Settings, *, name: str, subject: str, issuer: str | None) -> None:
    """Take SUBJECT from the person NAME, who is signed out everywhere."""
    with desk_of(settings) as desk:
        operator = members.find_person(desk.transaction, members.OPERATOR)
        person = members.find_person(desk.transaction, name)
        identities.unlink(
            desk.transaction,
            person,
            _issuer(settings, issuer),
            subject,
            desk.now,
            actor=desk.actor,
        )
        logins.end_all(desk.transaction, person, desk.now, actor=operator)
    click.echo(f"{name} does not sign in as {subject} any more, and is signed out.")


def _issuer(settings: Settings, issuer: str | None) -> str:
    found = issuer or settings.oidc_issuer
    if not found:
        raise ValidationError("issuer: SOUNDSTAGE_OIDC_ISSUER names none, so --issuer must.")
    return found
