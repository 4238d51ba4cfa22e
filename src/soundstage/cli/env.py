"""Shell exports, so that any stock SDK or command line talks to this service as one person."""

import os
import shlex

import click
import msgspec

from soundstage.cli.sdk import ensure_fallback
from soundstage.kit import environment
from soundstage.kit.clock import system_clock
from soundstage.kit.config import ConfigError, Settings
from soundstage.resources.members import service as members
from soundstage.resources.members.model import checked_name
from soundstage.wire.faults import ConflictError, ValidationError
from soundstage.wiring import reaching
from soundstage.wiring.home import opened


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """An access key, and whose it is."""

    id: str
    secret: str
    principal_id: str


@click.command("env")
@click.option("--user", default=None, metavar="NAME", help="Somebody else than the operator.")
@click.pass_obj
def env(settings: Settings, *, user: str | None) -> None:
    """Print shell exports for SDKs and the AWS command line."""
    click.echo(exports(settings, user), nl=False)


def exports(settings: Settings, user: str | None) -> str:
    """Write the exports of the operator, or of a person, who is made known if need be."""
    # Not `user or …`: an empty name in a script must not become the operator.
    key = credentials(settings, members.OPERATOR if user is None else user)
    variables = {
        "AWS_ENDPOINT_URL_NIMBLE": settings.address,
        "AWS_ACCESS_KEY_ID": key.id,
        "AWS_SECRET_ACCESS_KEY": key.secret,
        # SDKs of most languages read the first, those of Python the second.
        "AWS_REGION": settings.region,
        "AWS_DEFAULT_REGION": settings.region,
        "AWS_DATA_PATH": _data_path(settings),
        environment.PRINCIPAL_ID: key.principal_id,
        **_trust(settings),
    }
    return "".join(f"export {name}={shlex.quote(text)}\n" for name, text in variables.items())


def _trust(settings: Settings) -> dict[str, str]:
    """Have SDKs of Python, and those of JavaScript, trust a certificate that we made ourselves."""
    authority = reaching.own_authority(settings)
    names = () if authority is None else ("AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
    return {name: str(authority) for name in names}


def _data_path(settings: Settings) -> str:
    """Lead SDKs to our model first, and then where the caller's shell leads them already."""
    ours = str(ensure_fallback(settings))
    return os.pathsep.join([ours, *(part for part in environment.sdk_data_path() if part != ours)])


def credentials(settings: Settings, user: str) -> Key:
    """Give somebody's access key; who is new is made known and gets the first."""
    try:
        name = checked_name(user)
    except ValidationError as error:
        raise ConfigError(f"--user: {error.message.removeprefix('name: ')}") from None
    with opened(settings) as (database, seal), database.transaction() as transaction:
        now = system_clock()
        operator = members.ensure_person(transaction, members.OPERATOR, now)
        person = members.ensure_person(transaction, name, now, actor=operator.id)
        try:
            key_id, secret = members.ensure_access_key(
                transaction, person, seal, now, actor=operator.id
            )
        except ConflictError as error:
            command = f"soundstage user key create {shlex.quote(name)}"
            way = command if person.is_active else f"soundstage user enable {shlex.quote(name)}"
            raise ConfigError(f"{error.message} To let them in again: {way}") from None
        return Key(id=key_id, secret=secret, principal_id=person.id)
