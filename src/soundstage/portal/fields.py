"""What a form's field may hold, read from the shapes of the operation table.

Pages for administrators are made of it, so no limit is written a second time: the browser helps to
keep to it, and the API decides.
"""

import re
from typing import Any

import msgspec
from msgspec import inspect as types

from soundstage.wire.kinds import bare, is_required

_CLASS = re.compile(r"\[(\^?)((?:\\.|[^\]\\])*)\]")
_IN_CLASS = re.compile(r"\\.|[^\\]-(?:\\.|[^\\])|/|-|[^\\]")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one member of an input takes."""

    kind: str
    """text, number, choice (one of `values`), choices (some), or group for what has parts."""
    is_required: bool = False
    least: int | None = None
    """Of a number its value, of a text its length, of choices how many."""
    most: int | None = None
    pattern: str = ""
    """As browsers read it."""
    values: list[str] = []


def limits_of(shape: type, path: str) -> Limits:
    """Read what a member takes; `path` has wire names with dots between, and `[]` for a list's
    items. Raises KeyError for one that is not there.
    """
    kind: types.Type = types.type_info(shape)
    required = True
    for step in path.split("."):
        name = step.removesuffix("[]")
        holder, _ = bare(kind)
        found = {field.encode_name: field for field in getattr(holder, "fields", ())}
        field = found[name]
        required = required and is_required(field)
        kind, _ = bare(field.type)
        if isinstance(kind, types.ListType) and step.endswith("[]"):
            kind, _ = bare(kind.item_type)
    return _limits(kind, required)


def _limits(kind: types.Type, required: bool) -> Limits:
    match kind:
        case types.StrType():
            return Limits(
                kind="text",
                is_required=required,
                least=kind.min_length,
                most=kind.max_length,
                pattern=browser_pattern(kind.pattern or ""),
            )
        case types.IntType():
            return Limits(kind="number", is_required=required, least=kind.ge, most=kind.le)
        case types.EnumType():
            values = [str(each.value) for each in kind.cls]
            return Limits(kind="choice", is_required=required, values=values)
        case types.ListType():
            item, _ = bare(kind.item_type)
            return Limits(
                kind="choices",
                is_required=required,
                least=kind.min_length,
                most=kind.max_length,
                values=_limits(item, required=True).values,
            )
    return Limits(kind="group", is_required=required)


def browser_pattern(pattern: str) -> str:
    """Write a pattern as browsers read it: whole by itself, and stricter within brackets."""
    plain = pattern.removeprefix("^").removesuffix("\\Z")
    return _CLASS.sub(lambda found: f"[{found[1]}{_IN_CLASS.sub(_escaped, found[2])}]", plain)


def _escaped(found: re.Match[str]) -> str:
    return f"\\{found[0]}" if found[0] in {"/", "-"} else found[0]


def take(document: Any, path: str) -> Any:
    """Find a member of a document; None where it is not there."""
    for step in path.split("."):
        document = document.get(step) if isinstance(document, dict) else None
    return document


def put(document: dict[str, Any], path: str, value: Any) -> None:
    """Set a member of a document; None takes it out, and what is empty then around it."""
    step, _, rest = path.partition(".")
    if not rest:
        if value is None:
            document.pop(step, None)
        else:
            document[step] = value
        return
    inner = dict(document.get(step) or {})
    put(inner, rest, value)
    if inner:
        document[step] = inner
    else:
        document.pop(step, None)


def read(limits: Limits, text: str) -> Any:
    """Read what somebody typed; what is no number is left to the API to complain of."""
    if limits.kind == "number" and re.fullmatch(r"-?\d{1,18}", text.strip(), re.ASCII):
        return int(text)
    # Browsers send the line breaks of the wire; scripts want their own.
    return text.replace("\r\n", "\n")
