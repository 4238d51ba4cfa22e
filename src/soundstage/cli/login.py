"""`soundstage login` and `whoami`: studios elsewhere, and where this command speaks to."""

import sys
from pathlib import Path
from typing import Any

import click

from soundstage.cli.connection import Connection, client_of_profile, with_connection
from soundstage.cli.exits import Exit
from soundstage.cli.output import Form, flat, output_option, show_one
from soundstage.client import profiles
from soundstage.client.calls import CallError
from soundstage.client.profiles import HOME, Profile
from soundstage.client.secrets import Reference, resolve
from soundstage.kit import environment
from soundstage.kit.config import ConfigError
from soundstage.wire.faults import AccessDeniedError


@click.command("login")
@click.argument("name")
@click.option("--address", prompt=True, metavar="URL", help="Such as https://studio.example.org.")
@click.option("--access-key-id", prompt=True, metavar="ID")
@click.option("--secret-file", metavar="PATH", help="A file with the secret key, mode 0600.")
@click.option("--secret-command", metavar="LINE", help="A command line that prints it.")
@click.option("--secret-env", metavar="NAME", help="A variable that holds it.")
@click.option("--studio", default="", metavar="ID", help="The studio, where there are several.")
@click.option("--region", default="us-west-2", show_default=True)
@click.option("--certificate", default="", metavar="PATH", help="What its TLS is checked against.")
@click.option("--default", "is_default", is_flag=True, help="Use it where nothing is named.")
@click.option("--no-check", is_flag=True, help="Write it without calling the service.")
def login(
    *,
    name: str,
    secret_file: str | None,
    secret_command: str | None,
    secret_env: str | None,
    is_default: bool,
    no_check: bool,
    **given: Any,
) -> None:
    """Remember a studio elsewhere.

    NAME is what `--profile` calls it. The file that it is written to holds no secret, only where
    the secret is: a file, a command such as a password store's, or a variable.
    """
    if name == HOME:
        raise ConfigError(f"{HOME} always means this machine's own service. Take another name.")
    # What is typed begins where one is; what is in the file must hold from everywhere.
    secret_file, given["certificate"] = _whole(secret_file), _whole(given["certificate"])
    where = {"file": secret_file, "command": secret_command, "env": secret_env}
    chosen = {kind: text for kind, text in where.items() if text is not None}
    if len(chosen) != 1:
        raise click.UsageError(
            "Say where the secret key is, with one of --secret-file, --secret-command and "
            "--secret-env."
        )
    profile = Profile(
        **{**given, "address": given["address"].rstrip("/")}, secret=Reference(**chosen)
    )
    file = environment.profiles_file()
    if not no_check:
        _check(profile, resolve(profile.secret, file.parent, where="secret", is_private=True))
    profiles.write(file, name, profile, is_default=is_default)
    use = "It is used where nothing is named." if is_default else f"Use it with --profile {name}."
    click.echo(f"Wrote {name} to {file}. {use}")


def _whole(path: str | None) -> str | None:
    """Write a path from the root on; leaves alone what is none."""
    return str(Path(path).expanduser().absolute()) if path else path


def _check(profile: Profile, secret: str) -> None:
    """Ask who is calling, which everybody may."""
    client = client_of_profile(profile, secret)
    try:
        client.call("GetCaller")
    except CallError as error:
        if error.status != AccessDeniedError.status:
            raise
        raise CallError(error.name, error.status, f"The key is refused: {error}") from None
    finally:
        client.close()


@click.command("whoami")
@output_option
@with_connection
def whoami(connection: Connection, *, output: Form) -> None:
    """Say where it speaks to, and as whom."""
    client = connection.client
    shown: dict[str, Any] = {
        "from": connection.name,
        "address": client.address,
        "accessKeyId": client.access_key_id,
    }
    try:
        caller = client.caller
    except CallError as error:
        if error.status != AccessDeniedError.status:
            raise
        show_one(output, {**shown, "isAccepted": False})
        sys.exit(Exit.DENIED)
    show_one(
        output,
        flat({**shown, "isAccepted": True, **caller})
        if output == "table"
        else {**shown, "isAccepted": True, **caller},
    )
