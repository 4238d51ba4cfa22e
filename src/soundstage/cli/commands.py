"""Every operation of the API as noun and verb: `soundstage sessions create …`, from the table.

`main` makes one group a noun of this, `backups` adds commands of its own to its group. The verb is
the operation's name without the noun: CreateStreamingSession is `create`, and
CreateStreamingSessionBackup `create-backup`.
"""

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

import click
from msgspec import inspect as types

from soundstage.cli import options
from soundstage.cli.catalogue import SECTIONS
from soundstage.cli.connection import Connection, with_connection
from soundstage.cli.lazy import ListedGroup
from soundstage.cli.output import (
    Form,
    flat,
    output_option,
    show_document,
    show_one,
    show_rows,
    wide_option,
)
from soundstage.cli.waiting import settled, waiter_after
from soundstage.resources.operations import BY_NOUN
from soundstage.wire.kinds import bare, paragraphs
from soundstage.wire.operation import Operation

NOUNS: Mapping[str, str] = {
    "studios": "studios",
    "members": "studio-members",
    "eulas": "eulas",
    "components": "studio-components",
    "images": "streaming-images",
    "launch-profiles": "launch-profiles",
    "profile-members": "launch-profile-members",
    "availability": "launch-profile-availability",
    "sessions": "streaming-sessions",
    "streams": "streaming-session-streams",
    "pictures": "streaming-session-pictures",
    "shares": "streaming-session-shares",
    "backups": "streaming-session-backups",
    "events": "events",
    "webhooks": "webhooks",
    "hosts": "hosts",
    "tags": "tags",
}
"""The nouns as people type them, and as the public API calls them."""

_STUDIO = "studioId"
_FOLLOWED = {"nextToken", "maxResults"}
_UNTOLD = re.compile(
    r"arn|.*Arn|.*(?<!owned)By|.*Message|.*Code|.*Mode|.*Url|max.*|updatedAt|url|content|output"
    r"|description|ssoClientId|startedFromBackupId"
)
"""Members that a table of many leaves out; `--output json` has them all."""
_FIRST = ("name", "displayName", "state", "type", "ownedBy")
_FIRST_OF = {
    "events": ("createdAt", "type", "actor", "resource"),
    "webhooks": ("state", "dead", "failing", "pending", "url"),
    "deliveries": ("state", "attempts", "statusMessage"),
}
"""What a table shows first where that is something else, be it untold elsewhere: an event's state
is in its type, and of a delivery people want to know why it fails.
"""
_PEOPLE = ("ownedBy", "actor")
"""Members with a person's id, for which a table has their name."""


class NounGroup(ListedGroup):
    """The operations of one noun, each made when it is asked for, beside commands of its own."""

    def __init__(self, noun: str, **more: Any) -> None:
        super().__init__(noun, **more)
        self._rows = {verb(row.name, NOUNS[noun]): row for row in BY_NOUN[NOUNS[noun]]}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name all."""
        return sorted({*super().list_commands(ctx), *self._rows})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Make one; the noun's own commands come before the table's."""
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name not in self._rows:
            return own
        return command(cmd_name, self._rows[cmd_name])


def noun_group(noun: str) -> click.Group:
    """Make the group of one noun."""
    text = next(found[noun].help for found in SECTIONS.values() if noun in found)
    return NounGroup(noun, help=text)


def verb(operation: str, public_noun: str) -> str:
    """Say how an operation is typed below its noun."""
    words = _words(operation)
    noun = public_noun.split("-")
    for spelled in (noun, [*noun[:-1], noun[-1].removesuffix("s")]):
        for start in range(1, len(words) - len(spelled) + 1):
            if [word.lower() for word in words[start : start + len(spelled)]] == spelled:
                words = words[:start] + words[start + len(spelled) :]
                break
    return "-".join(word.lower() for word in words)


def command(name: str, row: Operation) -> click.Command:
    """Make the command of one operation."""
    is_list = row.paginates is not None
    waiter = waiter_after(row)
    shown = [
        field
        for field in options.members(row.input)
        if field.encode_name != _STUDIO and not (is_list and field.encode_name in _FOLLOWED)
    ]

    @with_connection
    def run(
        connection: Connection,
        *,
        output: Form,
        cli_input: Any,
        wait: bool = False,
        limit: int | None = None,
        is_wide: bool = False,
        **values: Any,
    ) -> None:
        given = options.given(row.input, values, cli_input)
        _add_studio(connection, row, given)
        missing = options.missing(row.input, given)
        if missing:
            raise click.UsageError(f"Missing: {', '.join(missing)}.")
        if is_list:
            _list(connection, row, given, limit, output, is_wide=is_wide)
            return
        answer = connection.client.call(row.name, **given)
        if wait and waiter is not None:
            answer = settled(connection.client, waiter, {**given, **_ids(answer)})
        _show(answer, output)

    parameters: list[click.Parameter] = [options.option(row.input, field) for field in shown]
    made = output_option(options.cli_input(run))
    if waiter is not None:
        made = click.option(
            "--wait", is_flag=True, help=f"Until it is {waiter.success}, or can't be any more."
        )(made)
    if is_list:
        made = wide_option(made)
        made = click.option(
            "--limit", type=click.IntRange(1), help="Stop after so many; all pages otherwise."
        )(made)
    finished = click.command(name, help=_help(row))(made)
    finished.params = [*parameters, *finished.params]
    return finished


def _help(row: Operation) -> str:
    return "\n\n".join([*paragraphs(row.handler), f"This is {row.name} of the API."])


def _words(name: str) -> list[str]:
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*", name)


def _add_studio(connection: Connection, row: Operation, given: dict[str, Any]) -> None:
    if _STUDIO not in row.input.__struct_encode_fields__ or _STUDIO in given:
        return
    is_studio_s_end = row.method == "DELETE" and row.labels == (_STUDIO,)
    if is_studio_s_end and not connection.is_studio_named:
        raise click.UsageError("Missing: --studio. What is deleted must be named.")
    given[_STUDIO] = connection.studio_id


def _ids(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Give the members of an answer's one resource, for what is asked next."""
    found = [value for value in answer.values() if isinstance(value, dict)]
    return found[0] if len(found) == 1 else {}


def _list(
    connection: Connection,
    row: Operation,
    given: dict[str, Any],
    limit: int | None,
    output: Form,
    *,
    is_wide: bool,
) -> None:
    key = str(row.paginates)
    found = list(islice(connection.client.pages(row.name, **given), limit))
    if output != "table":
        show_document(output, {key: found})
        return
    columns = [name for name in _columns(row, key) if any(item.get(name) for item in found)]
    rows = _with_names(connection, [{name: item.get(name) for name in columns} for item in found])
    show_rows("table", key, rows, is_wide=is_wide)


def _with_names(connection: Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Call people by their names, and members of something by theirs beside their ids."""
    shown = (*_PEOPLE, "principalId")
    ids = {row[name] for row in rows for name in shown if row.get(name)}
    if not ids:
        return rows
    names = connection.names_of(ids)
    return [_with_names_in(row, names) for row in rows]


def _with_names_in(row: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    called: dict[str, Any] = {}
    for name, value in row.items():
        called[name] = names.get(value, value) if name in _PEOPLE else value
        if name == "principalId":
            # People themselves have a name of their own, which then stands here.
            called["name"] = names[value]
    return called


def _columns(row: Operation, key: str) -> list[str]:
    """Choose what a table shows: ids first, then name, state and type, then the rest."""
    (listed,) = (field for field in options.members(row.output) if field.encode_name == key)
    kind = bare(listed.type)[0]
    item = bare(kind.item_type)[0] if isinstance(kind, types.ListType) else kind
    if not isinstance(item, types.StructType):
        raise TypeError(f"{row.name} lists no structures.")
    first = _FIRST_OF.get(key, _FIRST)
    nested = (types.StructType, types.ListType, types.DictType)
    names = [
        field.encode_name
        for field in item.fields
        if not isinstance(bare(field.type)[0], nested)
        and (field.encode_name in first or not _UNTOLD.fullmatch(field.encode_name))
    ]
    own = item.cls.__name__.removesuffix("Shape").lower() + "id"

    def place(name: str) -> tuple[int, int]:
        # `sessionId` of StreamingSession, `studioId` of Studio, `principalId` of memberships.
        if own.endswith(name.lower()) or name == "principalId":
            return 0, 0
        return (1, first.index(name)) if name in first else (2, names.index(name))

    return sorted(names, key=place)


def _show(answer: dict[str, Any], output: Form) -> None:
    if output != "table":
        show_document(output, answer)
        return
    if not answer:
        click.echo("Done.")
        return
    (name, first), *more = answer.items()
    if isinstance(first, list):
        show_rows("table", name, first)
        return
    shown = flat(first if isinstance(first, dict) and not more else answer)
    if shown:
        show_one("table", shown)
    else:
        click.echo("There is nothing.")
