"""What commands that list things print: a table for people, or JSON for programs."""

import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

Form = Literal["table", "json"]
Row = Mapping[str, Any]

_WIDEST = 10_000
"""No line is broken and nothing cut off: ids are there to be copied, and pipes have no width."""

output_option = click.option(
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="For people, or for programs.",
)


def show_rows(form: Form, name: str, rows: Iterable[Row]) -> None:
    """Print what there are several of; in JSON as a list under a name."""
    rows = list(rows)
    if form == "json":
        _show_json({name: rows})
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in rows[0] if rows else ():
        table.add_column(column, no_wrap=True)
    for row in rows:
        table.add_row(*(Text(_in_words(value)) for value in row.values()))
    _console().print(table if rows else "There are none.")


def show_one(form: Form, row: Row) -> None:
    """Print one thing, a member a line."""
    if form == "json":
        _show_json(row)
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True)
    for name, value in row.items():
        table.add_row(name, Text(_in_words(value)))
    _console().print(table)


def _show_json(document: Row) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2))


def _console() -> Console:
    return Console(file=sys.stdout, width=_WIDEST, highlight=False)


def _in_words(value: object) -> str:
    match value:
        case None:
            return "-"
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M:%S UTC")
        case list():
            return ", ".join(map(str, value)) or "-"
    return str(value)
