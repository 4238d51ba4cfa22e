"""`soundstage pull`, `plan` and `apply`: a studio as a file.

They call the public API alone, so they work for a studio elsewhere as well; it takes the operator's
key, for nobody else may make images and components.
"""

import sys
from pathlib import Path
from typing import Any

import click

from soundstage.cli.connection import Connection, with_connection
from soundstage.cli.exits import WRONG_FILE
from soundstage.cli.output import Form, output_option, show_document
from soundstage.cli.studio_file import document, people, present
from soundstage.cli.studio_file.difference import Change, changes
from soundstage.cli.studio_file.doing import Doing
from soundstage.cli.studio_file.present import Present
from soundstage.cli.yaml_text import written
from soundstage.client.calls import CallError
from soundstage.kit.config import ConfigError

_DIFFERS = 2
_HEAD = "# A studio. `soundstage plan FILE` compares it, `soundstage apply FILE` makes it so.\n"

file_argument = click.argument("file", type=click.Path(path_type=Path))
prune_option = click.option(
    "--prune", is_flag=True, help="Take away what the file's lists do not name."
)


@click.command("pull")
@with_connection
def pull(connection: Connection) -> None:
    """Print a studio as a file, as it runs."""
    found = present.read(connection.client, connection.studio_id)
    click.echo(_HEAD + written(present.as_file(found)), nl=False)


@click.command("plan")
@file_argument
@prune_option
@output_option
@with_connection
def plan(connection: Connection, *, file: Path, prune: bool, output: Form) -> None:
    """Show what a file would change; exit code 2 if there is anything."""
    _, found = _compared(connection, file, prune=prune)
    if output != "table":
        show_document(output, {"changes": [_document(change) for change in found]})
    elif found:
        click.echo("\n".join(change.line for change in found))
    else:
        click.echo("No changes.")
    if found:
        sys.exit(_DIFFERS)


@click.command("apply")
@file_argument
@prune_option
@with_connection
def apply(connection: Connection, *, file: Path, prune: bool) -> None:
    """Make a studio as a file says; again and again, it changes only what differs.

    What the file leaves out stays as it is. Only with --prune is anything taken away: parts that
    the file's lists do not name, and people.
    """
    there, found = _compared(connection, file, prune=prune)
    Doing(connection.client, there).do(found, lambda change: click.echo(change.line))
    click.echo("1 change." if len(found) == 1 else f"{len(found) or 'No'} changes.")


def _compared(connection: Connection, file: Path, *, prune: bool) -> tuple[Present, list[Change]]:
    """Compare; a wrong file must not end as a difference does."""
    try:
        wanted = document.read(file)
        there = _there(connection, wanted)
        wanted, ids = people.resolved(connection.client, wanted)
        there.people |= ids
        return there, changes(wanted, there, prune=prune)
    except ConfigError as error:
        raise CallError(WRONG_FILE, 0, str(error)) from None


def _there(connection: Connection, wanted: dict[str, Any]) -> Present:
    """Read the studio that a file means: the one of its name, or the one that was named."""
    name = wanted["studio"]["studioName"]
    studio_id = (
        connection.studio_id
        if connection.is_studio_named
        else present.find_studio(connection.client, name)
    )
    if studio_id is None:
        return Present(catalogue=present.catalogue_of(connection.client))
    return present.read(connection.client, studio_id)


def _document(change: Change) -> dict[str, Any]:
    return {
        "action": change.action,
        "kind": change.noun,
        "name": change.name,
        "changes": change.told,
    }
