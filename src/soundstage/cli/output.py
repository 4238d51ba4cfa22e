"""What commands print: a table for people, JSON or YAML for programs."""

import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

Form = Literal["table", "json", "yaml"]
Row = Mapping[str, Any]

_WIDEST = 10_000
"""No line is broken and nothing cut off: ids are there to be copied, and pipes have no width."""

output_option = click.option(
    "--output",
    type=click.Choice(["table", "json", "yaml"]),
    default="table",
    show_default=True,
    help="For people, or for programs.",
)


def show_rows(form: Form, name: str, rows: Iterable[Row]) -> None:
    """Print what there are several of; for programs as a list under a name."""
    rows = list(rows)
    if form != "table":
        show_document(form, {name: rows})
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in rows[0] if rows else ():
        table.add_column(column, no_wrap=True)
    for row in rows:
        table.add_row(*(Text(_in_words(value)) for value in row.values()))
    _print(table if rows else "There are none.")


def show_one(form: Form, row: Row) -> None:
    """Print one thing, a member a line."""
    if form != "table":
        show_document(form, row)
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True)
    for name, value in row.items():
        table.add_row(name, Text(_in_words(value)))
    _print(table)


def flat(row: Row) -> dict[str, Any]:
    """Give what is nested a line of its own, by a name with dots."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict) and value:
            found |= {f"{name}.{inner}": one for inner, one in flat(value).items()}
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            inner = flat({str(place): item for place, item in enumerate(value, 1)})
            found |= {f"{name}.{place}": one for place, one in inner.items()}
        else:
            found[name] = value
    return found


def show_document(form: Form, document: Row) -> None:
    """Print a document for programs."""
    if form == "yaml":
        # Only here: few ask for it, and it is slow to import.
        from soundstage.cli.yaml_text import written  # noqa: PLC0415

        click.echo(written(msgspec.to_builtins(document)), nl=False)
        return
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2))


def _print(what: Table | str) -> None:
    console = Console(file=sys.stdout, width=_WIDEST, highlight=False)
    with console.capture() as captured:
        console.print(what)
    # A table fills its last column up; terminals would break such lines for nothing.
    click.echo("\n".join(line.rstrip() for line in captured.get().split("\n")), nl=False)


def _in_words(value: object) -> str:
    match value:
        case None:
            return "-"
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M:%S UTC")
        case list():
            return ", ".join(map(_in_words, value)) or "-"
        case dict():
            return msgspec.json.encode(value).decode() if value else "-"
    return str(value)
