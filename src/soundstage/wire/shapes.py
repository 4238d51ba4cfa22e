"""The base of every input and output shape, and the scalars they share.

The nouns' `operations.py` build their shapes of these; `api` decodes and encodes them. Python names
are snake_case; the wire's camelCase names follow from them. Members that are None are not sent.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

_WITHOUT_ZONE = len("YYYY-MM-DDTHH:MM:SS")

SENSITIVE = {"sensitive": True}
"""Marks a member whose value no message and no log repeats: `Meta(extra=SENSITIVE)`."""

Name64 = Annotated[str, Meta(max_length=64, extra=SENSITIVE)]
Description = Annotated[str, Meta(max_length=256, extra=SENSITIVE)]
RoleArn = Annotated[str, Meta(max_length=2048)]
ResourceId = Annotated[str, Meta(max_length=22, pattern=r"^[a-zA-Z0-9-_]*\Z")]
ClientToken = Annotated[str, Meta(min_length=1, max_length=64)]
MaxResults = Annotated[int, Meta(ge=1, le=100)]
Tags = dict[str, str]


class Shape(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A JSON object of the wire. Unknown members are ignored, as AWS's JSON services do."""


class Empty(Shape, frozen=True, kw_only=True):
    """An answer with nothing to say."""


class OneOf(Shape, frozen=True, kw_only=True):
    """A union of the wire: at most one member is set.

    A request may leave all out (one real client always sends `{}`); an answer must not, because
    SDKs then fail to read the whole answer. Answer None where `is_empty`.
    """

    def __post_init__(self) -> None:
        """Refuse two members, as the SDKs do."""
        chosen = [name for name in self.__struct_fields__ if getattr(self, name) is not None]
        if len(chosen) > 1:
            raise ValueError("at most one member may be set")

    @property
    def is_empty(self) -> bool:
        """Reports whether no member is set."""
        return all(getattr(self, name) is None for name in self.__struct_fields__)


def timestamp(moment: datetime) -> str:
    """Write a moment as the wire does, `YYYY-MM-DDTHH:MM:SSZ`: seconds are all that it keeps."""
    # msgspec writes a moment in a twentieth of Python's time; it quotes it as JSON does.
    written = msgspec.json.encode(moment.astimezone(UTC))
    return f"{written[1 : 1 + _WITHOUT_ZONE].decode()}Z"


def encode(shape: Shape) -> bytes:
    """Write an answer's JSON."""
    return msgspec.json.encode(to_document(shape))


def to_document(value: Any) -> Any:
    """Turn a shape into what JSON can hold, with the wire's timestamps."""
    if isinstance(value, datetime):
        return timestamp(value)
    document = msgspec.to_builtins(value, builtin_types=(datetime,))
    _write_timestamps(document)
    return document


def _write_timestamps(value: Any) -> None:
    """Replace the moments in a document that nobody else has."""
    if isinstance(value, dict):
        items: Iterable[tuple[Any, Any]] = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return
    for key, item in items:
        kind = type(item)
        # Texts are asked for first: they are most of it.
        if kind is str:
            continue
        if kind is datetime:
            value[key] = timestamp(item)
        elif kind is dict or kind is list:
            _write_timestamps(item)
