"""From a stored record to the shape that the wire shows."""

from typing import Any, TypeVar

import msgspec

from soundstage.wire.shapes import Shape

Shown = TypeVar("Shown", bound=Shape)


def shaped(kind: type[Shown], record: msgspec.Struct, **more: Any) -> Shown:
    """Take what the shape shows from the record's fields of the same names, and from `more`."""
    names = kind.__struct_fields__
    shown = {name: getattr(record, name) for name in names if hasattr(record, name)}
    return kind(**(shown | more))
