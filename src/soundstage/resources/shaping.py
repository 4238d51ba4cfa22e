"""From a stored record to the shape that the wire shows."""

from functools import cache
from typing import Any, TypeVar

import msgspec

from soundstage.wire.shapes import Shape

Shown = TypeVar("Shown", bound=Shape)


def shaped(kind: type[Shown], record: msgspec.Struct, **more: Any) -> Shown:
    """Take what the shape shows from the record's fields of the same names, and from `more`."""
    names = _shared(kind, type(record), frozenset(more))
    return kind(**{name: getattr(record, name) for name in names}, **more)


@cache
def _shared(
    kind: type[Shape], record: type[msgspec.Struct], without: frozenset[str]
) -> tuple[str, ...]:
    """Name the shape's members that a kind of record has, as a field or as a property."""
    return tuple(
        name for name in kind.__struct_fields__ if hasattr(record, name) and name not in without
    )
