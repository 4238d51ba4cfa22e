"""Events as files for people and programs: a table for spreadsheets, or a line of JSON each.

`soundstage audit export` and the portal write them alike.
"""

import csv
from collections.abc import Mapping
from io import StringIO
from typing import Any, Literal

import msgspec

FileKind = Literal["csv", "json"]
_COLUMNS = (
    "eventId",
    "createdAt",
    "type",
    "resource",
    "actor",
    "ownedBy",
    "operation",
    "requestId",
    "sourceAddress",
    "oldState",
    "state",
    "statusCode",
    "statusMessage",
    "details",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def head(kind: FileKind) -> str:
    """Give what such a file begins with."""
    return _row(_COLUMNS) if kind == "csv" else ""


def line(kind: FileKind, event: Mapping[str, Any]) -> str:
    """Write one event."""
    if kind == "csv":
        return _row([_cell(event.get(column, "")) for column in _COLUMNS])
    return f"{msgspec.json.encode(event).decode()}\n"


def _row(cells: tuple[str, ...] | list[str]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def _cell(value: Any) -> str:
    """Write a cell that no spreadsheet takes for a formula: files are named by artists."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return f"'{text}" if text.startswith(_FORMULA) else text
