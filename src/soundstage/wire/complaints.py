"""Turns a failed check of an input into a sentence that names the member as the wire does.

`wire.binding` calls it. The sentence gives the member's limit and what it got, unless the member is
marked sensitive (`shapes.SENSITIVE`): names, descriptions and scripts are never repeated.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, get_args, get_type_hints

import msgspec
from msgspec import inspect

from soundstage.wire.codes import Code
from soundstage.wire.faults import ValidationError
from soundstage.wire.kinds import bare
from soundstage.wire.shapes import Shape

_WHERE = re.compile(r"^(?P<what>.*?)(?: - at (?P<key>`key` in )?`\$(?P<path>.*)`)?\Z", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]+)`")
_SHOWN = 80
_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_UNKNOWN = object()
_BOUND = re.compile(r"(?P<length>of length )?(?P<way>[<>]=) (?P<limit>-?\d+)\Z")
_BOUNDS = {
    "characters": {">": Code.TOO_SHORT, "<": Code.TOO_LONG},
    "length": {">": Code.TOO_FEW, "<": Code.TOO_MANY},
    "value": {">": Code.TOO_SMALL, "<": Code.TOO_LARGE},
}
"""What is wrong where it must be at least (>) or at most (<) something."""
_TYPES = re.compile(r"`([^`]*)`")
_WORDS = {
    "array": "a list",
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number",
    "object": "an object",
    "str": "text",
}


def explain(error: msgspec.ValidationError, shape: type[Shape], document: Any) -> ValidationError:
    """Make the fault that says what is wrong with which member."""
    match = _WHERE.match(str(error))
    what, path = (match["what"], match["path"] or "") if match else (str(error), "")
    missing = _MISSING.match(what)
    member = path.lstrip(".")
    if missing:
        member = f"{member}.{missing['name']}".lstrip(".")
        return _fault(member, f"{member} is required.", Code.REQUIRED)
    steps = [step[0] or step[1] for step in _STEP.findall(path)]
    kind, sensitive = _look_up(shape, steps)
    got = _UNKNOWN if match and match["key"] else _value_at(document, steps)
    rule = _rule(what, kind)
    code, about = _reason(what, kind)
    return _fault(
        member, f"{member or 'The input'} {rule}{_shown(got, what, sensitive)}.", code, about
    )


def explain_all(shape: type[Shape], document: Any) -> ValidationError | None:
    """Make the fault that says what is wrong with every member; None where nothing is.

    Of a list or a map only the first wrong item is told.
    """
    found = list(_complaints(shape, document, document, ""))
    if not found:
        return None
    return ValidationError.of(found)


def _complaints(
    root: type[Shape], document: Any, part: dict[str, Any], prefix: str, kind: Any = None
) -> Iterator[ValidationError]:
    for name, hint, is_needed in _members(kind or root):
        path = f"{prefix}.{name}" if prefix else name
        if name not in part:
            if is_needed:
                yield _fault(path, f"{path} is required.", Code.REQUIRED)
            continue
        try:
            msgspec.convert(part[name], hint)
        except msgspec.ValidationError as error:
            inner = _struct_in(hint)
            if inner is not None and isinstance(part[name], dict):
                yield from _complaints(root, document, part[name], path, inner)
            else:
                yield explain(_placed(error, path), root, document)


def _placed(error: msgspec.ValidationError, path: str) -> msgspec.ValidationError:
    """Say where in the whole input a complaint about a part of it is."""
    match = _WHERE.match(str(error))
    what, key, rest = (
        (match["what"], match["key"], match["path"]) if match else (str(error), "", "")
    )
    return msgspec.ValidationError(f"{what} - at {key or ''}`$.{path}{rest or ''}`")


@cache
def _members(kind: type[Shape]) -> list[tuple[str, Any, bool]]:
    """Name a struct's members, with what each takes and whether it must be there."""
    hints = get_type_hints(kind, include_extras=True)
    return [
        (field.encode_name, hints[field.name], field.required)
        for field in msgspec.structs.fields(kind)
    ]


def _struct_in(hint: Any) -> type[Shape] | None:
    """Find the struct in a hint such as `Annotated[Volume, …] | None`."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return hint  # type: ignore[return-value]  # All structs of inputs are shapes or like them.
    found = [_struct_in(each) for each in get_args(hint)]
    return next((each for each in found if each is not None), None)


def _fault(
    member: str, message: str, code: Code, about: dict[str, str] | None = None
) -> ValidationError:
    named = {"member": member} if member else {}
    return ValidationError(message, code=code, context={**named, **(about or {})})


def _reason(what: str, kind: inspect.Type | None) -> tuple[Code, dict[str, str]]:
    """Say which limit was not kept, for programs."""
    values = _enum_values(kind)
    if what.startswith("Invalid enum value") and values:
        return Code.NO_CHOICE, {"values": ", ".join(values)}
    bound = _BOUND.search(what)
    if bound:
        codes = _BOUNDS["length" if bound["length"] else "value"]
        if bound["length"] and what.startswith("Expected `str`"):
            codes = _BOUNDS["characters"]
        return codes[bound["way"][0]], {"limit": bound["limit"]}
    if what.startswith("Expected `int") and ", got" in what:
        return Code.NO_NUMBER, {}
    return Code.UNFIT, {}


def _rule(what: str, kind: inspect.Type | None) -> str:
    """Say the limit in words; msgspec's own words where none fit better."""
    values = _enum_values(kind)
    if what.startswith("Invalid enum value") and values:
        return f"must be one of {', '.join(values)}"
    what = re.sub(r", got `[^`]*`$", "", what)
    what = re.sub(r"matching regex '(.*)'$", _pattern, what)
    what = _TYPES.sub(_type_words, what)
    if what.startswith("Expected "):
        return f"must be {what.removeprefix('Expected ')}"
    return f"is not valid: {what}"


def _type_words(match: re.Match[str]) -> str:
    names = [name for name in match[1].split(" | ") if name != "null"]
    return " or ".join(_WORDS.get(name, name) for name in names) or "null"


def _pattern(match: re.Match[str]) -> str:
    pattern = match[1].replace("\\\\", "\\")
    return f"matching {pattern.removesuffix(chr(92) + 'Z')}"


def _shown(got: Any, what: str, sensitive: bool) -> str:
    if got is _UNKNOWN:
        return ""
    if "of length" in what and hasattr(got, "__len__"):
        return f"; got length {len(got)}"
    if got is None:
        return "; got null"
    if sensitive:
        return ""
    return f"; got {_in_words(got)}"


def _in_words(got: Any) -> str:
    match got:
        case bool():
            return str(got).lower()
        case str():
            return f"{got[:_SHOWN]!r}{'…' if len(got) > _SHOWN else ''}"
        case list():
            return "a list"
        case dict():
            return "an object"
        case _:
            return str(got)[:_SHOWN]


def _value_at(document: Any, steps: list[str]) -> Any:
    value = document
    for step in steps:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return _UNKNOWN
    return value


@cache
def _type_of(shape: type[Shape]) -> inspect.Type:
    return inspect.type_info(shape)


def _look_up(shape: type[Shape], steps: list[str]) -> tuple[inspect.Type | None, bool]:
    """Walk the shape's types along the member's path; sensitive above is sensitive below."""
    kind: inspect.Type | None = _type_of(shape)
    sensitive = False
    for step in [*steps, None]:
        if kind is None:
            break
        kind, marked = bare(kind)
        sensitive = sensitive or marked
        if step is None:
            break
        kind = _inner(kind, step)
    return kind, sensitive


def _inner(kind: inspect.Type, step: str) -> inspect.Type | None:
    if isinstance(kind, inspect.StructType):
        return next((field.type for field in kind.fields if field.encode_name == step), None)
    if isinstance(kind, inspect.ListType):
        return kind.item_type
    if isinstance(kind, inspect.DictType):
        return kind.value_type
    return None


def _enum_values(kind: inspect.Type | None) -> list[str]:
    if isinstance(kind, inspect.EnumType):
        return [str(item.value) for item in kind.cls]
    if isinstance(kind, inspect.LiteralType):
        return [str(item) for item in kind.values]
    return []
