"""`soundstage events`: the noun of the table, and following what happens as it happens."""

import click
import msgspec

from soundstage.cli.commands import noun_group
from soundstage.cli.connection import Connection, with_connection

events = noun_group("events")


@events.command("follow")
@click.option("--after", metavar="ID", help="Begin behind this event, not with the next one.")
@click.option("--owned-by", metavar="ID", help="Of this person's workstations only.")
@click.option("--type", "kind", metavar="TYPE", help="Of this type only.")
@click.option("--limit", type=click.IntRange(1), help="Stop after so many.")
@with_connection
def follow_command(
    connection: Connection,
    *,
    after: str | None,
    owned_by: str | None,
    kind: str | None,
    limit: int | None,
) -> None:
    """Print every event as a CloudEvent, one a line, while it happens."""
    asked = {"studioId": connection.studio_id, "ownedBy": owned_by, "type": kind}
    followed = connection.client.follow("ListEvents", after=after, **asked)
    for count, (_, text) in enumerate(followed, 1):
        click.echo(msgspec.json.format(text, indent=-1))
        if count == limit:
            return
