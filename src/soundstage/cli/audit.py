"""`soundstage audit`: whether the trail of events is whole, and the trail as a file.

Verifying works on the database, beside a running service or without one. Exporting goes through the
API, here or elsewhere.
"""

from datetime import UTC, datetime
from typing import Any

import click

from soundstage.cli.connection import Connection, with_connection
from soundstage.cli.exits import Exit
from soundstage.cli.lazy import ListedGroup
from soundstage.cli.output import Form, output_option, show_one
from soundstage.client.events import FileKind, head, line
from soundstage.kit import chain
from soundstage.kit.chain import Head
from soundstage.kit.config import Settings
from soundstage.wiring.home import AUDIT_KEY, opened, secret_of


class _Moment(click.ParamType[datetime]):
    """A date or a moment; without a zone it is in UTC."""

    name = "moment"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Read it."""
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no moment such as 2030-01-31 or 2030-01-31T12:00Z", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class _HeadType(click.ParamType[Head]):
    """A head of the chain as it was printed."""

    name = "head"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Head:
        """Read it."""
        number, _, link = value.partition(":")
        if not (number.isdigit() and len(number) < 19 and len(link) == 64):
            self.fail(f"{value!r} is no head as `soundstage audit verify` prints it", param, ctx)
        return Head(sequence=int(number), link=link)


@click.group("audit", cls=ListedGroup)
def audit() -> None:
    """The trail of events: who did what, when and from where."""


@audit.command("verify")
@click.option(
    "--head",
    "kept",
    type=_HeadType(),
    metavar="HEAD",
    help="A head that was printed earlier and kept elsewhere; it must still be in the trail.",
)
@output_option
@click.pass_context
def verify_command(context: click.Context, /, *, kept: Head | None, output: Form) -> None:
    """Look whether any event was changed, added or removed past the service."""
    settings: Settings = context.obj
    key = secret_of(settings).derive(AUDIT_KEY)
    with opened(settings) as (database, _), database.transaction(write=False) as transaction:
        verdict = chain.verify(transaction, key, kept=kept)
    shown = {
        "verified": verdict.verified,
        "notLinkedYet": verdict.not_linked,
        "head": str(verdict.head),
        "faults": verdict.faults,
    }
    show_one(output, shown)
    if verdict.faults:
        context.exit(Exit.FAILED)


@audit.command("export")
@click.option("--since", type=_Moment(), metavar="MOMENT", help="From this moment on.")
@click.option("--until", type=_Moment(), metavar="MOMENT", help="Before this moment.")
@click.option(
    "--scope",
    type=click.Choice(["STUDIO", "INSTALLATION"]),
    default="STUDIO",
    show_default=True,
    help="The studio's, or those of people, keys and sign-ins.",
)
@click.option(
    "--output",
    type=click.Choice(["json", "csv"]),
    default="json",
    show_default=True,
    help="One JSON object a line, or a table.",
)
@with_connection
def export_command(
    connection: Connection,
    *,
    since: datetime | None,
    until: datetime | None,
    scope: str,
    output: FileKind,
) -> None:
    """Print events, oldest first."""
    found = connection.client.pages(
        "ListEvents",
        studioId=connection.studio_id,
        scope=scope,
        order="OLDEST_FIRST",
        startTime=None if since is None else since.isoformat(),
        endTime=None if until is None else until.isoformat(),
    )
    click.echo(head(output), nl=False)
    for event in found:
        click.echo(line(output, event), nl=False)
