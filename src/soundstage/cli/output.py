"""What commands print: a table for people, JSON or YAML for programs."""

import shutil
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

_GAP = "  "
"""Between two columns."""
_TEXTS = {"url", "statusMessage"}
"""Columns of which the beginning is better than nothing."""
_LEAST_OF_TEXT = 20

wide_option = click.option(
    "--wide", "is_wide", is_flag=True, help="All columns, however narrow the terminal is."
)
output_option = click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "yaml"]),
    default="table",
    show_default=True,
    help="For people, or for programs.",
)


def show_rows(form: Form, name: str, rows: Iterable[Row], *, is_wide: bool = True) -> None:
    """Print what there are several of; for programs as a list under a name.

    A table that need not be wide has the columns that fit into the terminal, or into 80 where there
    is none, and says which it left out.
    """
    rows = list(rows)
    if form != "table":
        show_document(form, {name: rows})
        return
    if not is_wide:
        rows = _narrowed(rows, shutil.get_terminal_size().columns)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in rows[0] if rows else ():
        table.add_column(column, no_wrap=True)
    for row in rows:
        table.add_row(*(Text(_in_words(value)) for value in row.values()))
    _print(table if rows else "There are none.")


def _narrowed(rows: list[Row], width: int) -> list[Row]:
    """Leave out the columns that do not fit, the last ones first; the first one stays. A text is
    shortened rather than left out.
    """
    columns = list(rows[0]) if rows else []
    kept: list[str] = []
    free = width
    for column in columns:
        needed = max(len(column), *(len(_in_words(row[column])) for row in rows))
        if kept and needed > free:
            if column in _TEXTS and free >= _LEAST_OF_TEXT:
                kept.append(column)
                rows = [{**row, column: _shortened(_in_words(row[column]), free)} for row in rows]
            break
        kept.append(column)
        free -= needed + len(_GAP)
    left = [column for column in columns if column not in kept]
    if left:
        click.echo(f"Left out to fit {width} columns: {', '.join(left)}. See --wide.", err=True)
    return [{column: row[column] for column in kept} for row in rows]


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


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
