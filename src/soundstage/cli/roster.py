"""Reads a roster, the file of people for `soundstage user import`, in CSV or JSON.

Columns are `name` and, if wanted, `displayName`, `email`, `principalId` and `administratorOf`; JSON
is a list of objects of the same members. An empty cell is one left out.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from soundstage.resources.members.model import Newcomer
from soundstage.wire.faults import ValidationError

_LARGEST = 8 * 1024 * 1024
_MOST = 5_000
"""How many people may come at once: nothing else is written to the database meanwhile."""
_COLUMNS = [field.encode_name for field in msgspec.structs.fields(Newcomer)]

Entry = tuple[str, Newcomer | str]
"""Where it stands in the file, and who it is or what is wrong with it."""


def read(path: Path) -> list[Entry]:
    """Read a roster. Raises ValidationError for a file that is none as a whole."""
    readers = {".csv": _read_csv, ".json": _read_json}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ValidationError(f"{path.name}: a roster's name ends in .csv or .json.")
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise ValidationError(f"{path.name} can't be read: {error.strerror}.") from None
    if len(content) > _LARGEST:
        raise ValidationError(f"{path.name}: a roster has {_LARGEST} bytes at the most.")
    try:
        # Spreadsheets begin a file with a mark.
        text = content.decode("utf-8-sig")
        entries = [(place, _newcomer(members)) for place, members in reader(text)]
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError, ValidationError) as error:
        raise ValidationError(f"{path.name}: {error}") from None
    if len(entries) > _MOST:
        raise ValidationError(f"{path.name}: a roster has {_MOST} people at the most.")
    return entries


def _read_csv(text: str) -> Iterator[tuple[str, Any]]:
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        _check_columns(list(rows.fieldnames or []))
        for row in rows:
            is_whole = None not in row and None not in row.values()
            told = {column: cell for column, cell in row.items() if cell}
            yield f"line {rows.line_num}", told if is_whole else "it has other cells than line 1."
    except csv.Error as error:
        raise ValidationError(f"line {rows.reader.line_num}: {error}.") from None


def _check_columns(columns: list[str]) -> None:
    unknown = [column for column in columns if column not in _COLUMNS]
    if unknown:
        raise ValidationError(
            f"line 1: there is no column {', '.join(unknown)}, but there are {', '.join(_COLUMNS)}."
        )
    if "name" not in columns or len(columns) != len(set(columns)):
        raise ValidationError("line 1 names each column once, among them `name`.")


def _read_json(text: str) -> Iterator[tuple[str, Any]]:
    entries = msgspec.json.decode(text)
    if not isinstance(entries, list):
        raise ValidationError("it is a list of objects.")
    for number, entry in enumerate(entries, start=1):
        yield f"entry {number}", entry if isinstance(entry, dict) else "it is no object."


def _newcomer(members: Any) -> Newcomer | str:
    if isinstance(members, str):
        return members
    try:
        return msgspec.convert(members, Newcomer)
    except msgspec.ValidationError as error:
        return f"{error}."
