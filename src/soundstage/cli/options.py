"""Turns the members of an operation's input into options, and options back into members.

Scalars are options of their own, lists repeat theirs, a map takes NAME=VALUE, and what is nested is
a document: JSON or YAML on the line, or `file://PATH`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from msgspec import inspect as types

from soundstage.kit.config import ConfigError
from soundstage.wire.kinds import bare, is_required, member_texts
from soundstage.wire.shapes import Shape

_FILE = "file://"


class Document(click.ParamType[Any]):
    """A nested value."""

    name = "document"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it."""
        if not isinstance(value, str):
            return value
        # Only here: most commands are called without any.
        from soundstage.cli.yaml_text import read  # noqa: PLC0415

        name = param.opts[0] if param is not None and param.opts else "document"
        try:
            return read(*_text_of(value, name))
        except ConfigError as error:
            self.fail(str(error), param, ctx)


def _text_of(value: str, name: str) -> tuple[str, str]:
    """Give the text of a document, and where it stands."""
    if not value.startswith(_FILE):
        return value, name
    path = Path(value.removeprefix(_FILE)).expanduser()
    try:
        return path.read_text(encoding="utf-8"), str(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise ConfigError(f"{path} can't be read ({reason}).") from None


class Pair(click.ParamType[Any]):
    """An entry of a map."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Take it apart at the first sign of equality."""
        if not isinstance(value, str):
            return value
        name, separator, text = value.partition("=")
        if not separator or not name:
            self.fail(f"{value!r} is not NAME=VALUE.", param, ctx)
        return name, text


cli_input = click.option(
    "--cli-input",
    type=Document(),
    metavar="DOCUMENT",
    help="All members as one document: JSON, YAML, or file://PATH. Options win over it.",
)


def members(shape: type[Shape]) -> Sequence[types.Field]:
    """Give the members of an input."""
    kind = types.type_info(shape)
    if not isinstance(kind, types.StructType):
        raise TypeError(f"{shape.__name__} is no structure.")
    return kind.fields


def option(shape: type[Shape], field: types.Field) -> click.Option:
    """Make the option of one member."""
    kind = bare(field.type)[0]
    text = member_texts(shape).get(field.name, "")
    limits = _limits(kind)
    needed = "[required]" if is_required(field) else ""
    parameter, repeats = _parameter(kind)
    return click.Option(
        [f"--{field.name.replace('_', '-')}", field.name],
        type=parameter,
        multiple=repeats,
        metavar=_metavar(kind),
        help="  ".join(part for part in (text or limits, needed) if part),
    )


def given(shape: type[Shape], values: Mapping[str, Any], document: Any) -> dict[str, Any]:
    """Give the members by their wire names: the document's, and over them the options'."""
    if document is not None and not isinstance(document, dict):
        raise click.BadParameter("It must be an object with members.", param_hint="--cli-input")
    found = dict(document or {})
    fields = {field.name: field for field in members(shape)}
    for name, value in values.items():
        if value is None or value == ():
            continue
        kind = bare(fields[name].type)[0]
        found[fields[name].encode_name] = (
            dict(value) if isinstance(kind, types.DictType) else _plain(value)
        )
    return found


def missing(shape: type[Shape], found: Mapping[str, Any]) -> list[str]:
    """Name the options of what must be given and is not."""
    return [
        f"--{field.name.replace('_', '-')}"
        for field in members(shape)
        if is_required(field) and field.encode_name not in found
    ]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _parameter(kind: types.Type) -> tuple[click.ParamType[Any], bool]:
    """Choose the type of an option, and whether it repeats."""
    match kind:
        case types.EnumType():
            return click.Choice([item.value for item in kind.cls]), False
        case types.LiteralType():
            return click.Choice(list(map(str, kind.values))), False
        case types.IntType():
            return click.IntRange(kind.ge, kind.le), False
        case types.FloatType():
            return click.FloatRange(kind.ge, kind.le), False
        case types.BoolType():
            return click.BOOL, False
        case types.ListType():
            inner, _ = _parameter(bare(kind.item_type)[0])
            is_nested = isinstance(inner, Document)
            return (inner, False) if is_nested else (inner, True)
        case types.DictType():
            return Pair(), True
        case types.StructType():
            return Document(), False
    return click.STRING, False


def _metavar(kind: types.Type) -> str | None:
    match kind:
        case types.StructType():
            return "DOCUMENT"
        case types.DictType():
            return "NAME=VALUE"
        case types.ListType():
            return _metavar(bare(kind.item_type)[0])
        case types.StrType():
            return "TEXT"
    return None


def _limits(kind: types.Type) -> str:
    """Say in words what a value may be, where its type alone does not."""
    match kind:
        case types.StrType(max_length=int(most)):
            return f"At most {most} characters."
        case types.StructType():
            return "Members: " + ", ".join(field.encode_name for field in kind.fields) + "."
        case types.ListType():
            item = bare(kind.item_type)[0]
            many = f" at most {kind.max_length}" if kind.max_length is not None else ""
            if isinstance(item, types.StructType):
                names = ", ".join(field.encode_name for field in item.fields)
                return f"A list of{many or ' any number'}, each with: {names}."
            return f"May be repeated,{many} times." if many else "May be repeated."
        case types.DictType():
            return "May be repeated."
    return ""
