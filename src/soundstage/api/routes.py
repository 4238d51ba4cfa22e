"""Turns the operation table into a tree, and finds the row for a path.

`app` builds it once. It works on the path as it was sent: split first, then each segment decoded
once, because studio ids hold `%3A` and resource names `%2F`. A query string may hold `?`.
"""

import urllib.parse
from collections.abc import Mapping, Sequence

import msgspec

from soundstage.api.errors import Refused
from soundstage.wire.binding import Binding
from soundstage.wire.faults import ValidationError
from soundstage.wire.operation import BASE_PATH, Operation


class Row(msgspec.Struct, frozen=True):
    """An operation ready to be run."""

    operation: Operation
    binding: Binding


class Match(msgspec.Struct, frozen=True):
    """The row of a request, and the path's labels decoded."""

    row: Row
    labels: Mapping[str, str]


class Routes:
    """All rows by method and path."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._root = _Node()
        for operation in operations:
            self._add(Row(operation, Binding(operation)))
        self._asking = tuple(
            f"/{operation.path.rpartition('/')[2]}"
            for operation in operations
            if operation.asks_engine
        )

    def asks_engine(self, raw_path: str) -> bool:
        """Reports whether reading what is at this address may ask the engine. It is asked of every
        request that reads, so it looks at the path's end alone and may say so of others as well.
        """
        return raw_path.endswith(self._asking)

    def find(self, method: str, raw_path: str) -> Match:
        """Find the row. Raises Refused for no such path or method, ValidationError for labels."""
        node, encoded = self._walk(raw_path)
        row = node.rows.get(method)
        if row is None:
            raise Refused(
                "MethodNotAllowedException",
                f"This address does not take {method[:16]}.",
                headers={"allow": ", ".join(sorted(node.rows))},
            )
        names = row.operation.labels
        return Match(
            row, {name: decode(text, name) for name, text in zip(names, encoded, strict=True)}
        )

    def _walk(self, raw_path: str) -> tuple["_Node", list[str]]:
        node: _Node | None = self._root
        labels: list[str] = []
        prefix, _, rest = raw_path.removeprefix(BASE_PATH).partition("/")
        if prefix or not raw_path.startswith(BASE_PATH):
            raise _unknown()
        for segment in rest.split("/"):
            if node is None or segment in {".", ".."}:
                raise _unknown()
            literal = node.literals.get(segment)
            if literal is None:
                labels.append(segment)
            node = literal or node.label
        if node is None or not node.rows:
            raise _unknown()
        return node, labels

    def _add(self, row: Row) -> None:
        node = self._root
        for segment in row.operation.path.strip("/").split("/"):
            if segment.startswith("{"):
                node.label = node.label or _Node()
                node = node.label
            else:
                node = node.literals.setdefault(segment, _Node())
        if row.operation.method in node.rows:
            raise ValueError(f"{row.operation.name} has another operation's method and path.")
        node.rows[row.operation.method] = row


class _Node:
    """One place in the tree: what may follow, and what may be done here."""

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        self.label: _Node | None = None
        self.rows: dict[str, Row] = {}


def decode(text: str, member: str) -> str:
    """Decode one segment or one part of a query. Raises ValidationError that names the member."""
    if not text:
        raise ValidationError(f"{member} must not be empty.", context={"member": member})
    return decode_text(text, member)


def decode_text(text: str, member: str) -> str:
    """Decode percent-encoded text. Raises ValidationError that names the member."""
    if "%" not in text:
        return text
    try:
        decoded = urllib.parse.unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        raise ValidationError(f"{member} is not UTF-8 text.", context={"member": member}) from None
    if "\0" in decoded:
        # Permissions are looked up with it before the input is checked, and PostgreSQL can't.
        raise ValidationError(
            f"{member} must not hold the character NUL.", context={"member": member}
        )
    return decoded


def _unknown() -> Refused:
    return Refused("UnknownOperationException", "There is no operation at this address.")
