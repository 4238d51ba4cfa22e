"""Writes shapes as JSON Schema, for whatever describes them: the OpenAPI document, and
the schema of studio files.

Schemas are named after the shapes' classes, limits come from their types, texts from their
docstrings. Patterns are rewritten from Python's language into ECMAScript's.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import combinations
from typing import Any

from msgspec import inspect as types

from soundstage.wire.kinds import bare, is_required, may_be_null, paragraphs
from soundstage.wire.shapes import OneOf

Document = dict[str, Any]

TEXT: Document = {"type": "string"}
_SCALARS: Mapping[type[types.Type], Document] = {
    types.StrType: TEXT,
    types.IntType: {"type": "integer"},
    types.FloatType: {"type": "number"},
    types.BytesType: {"type": "string", "contentEncoding": "base64"},
    types.BoolType: {"type": "boolean"},
    types.DateTimeType: {"type": "string", "format": "date-time"},
}
_LIMITS = (
    ("min_length", "minLength"),
    ("max_length", "maxLength"),
    ("ge", "minimum"),
    ("le", "maximum"),
)
_CLASS = re.compile(r"(\[(?:\\.|[^\]\\])*\])")
_AFTER_RANGE = re.compile(r"(\w-\w)-(?!\])")
_ESCAPED = re.compile(r"\\(.)")


class Schemas:
    """Collects the schemas of shapes, each under a name of its own.

    `references` is what stands before that name where one schema refers to another. A closed one
    allows no members that it does not know. `text` may say what else may stand for a text.
    """

    def __init__(
        self,
        references: str,
        *,
        is_closed: bool = False,
        text: Callable[[Document], Document] = lambda schema: schema,
    ) -> None:
        self._references = references
        self._is_closed = is_closed
        self._text = text
        self.named: dict[str, Document] = {}
        self._classes: dict[str, type] = {}

    def structure(self, fields: Iterable[types.Field], *, nullable: bool) -> Document:
        """Write an object of these members."""
        given = tuple(fields)
        schema: Document = {
            "type": "object",
            "properties": {
                field.encode_name: self.of(field.type, nullable=nullable) for field in given
            },
        }
        if self._is_closed:
            schema["additionalProperties"] = False
        required = [field.encode_name for field in given if is_required(field)]
        return {**schema, "required": required} if required else schema

    def of(self, kind: types.Type, *, nullable: bool = False) -> Document:
        """Write a type; null only if it is asked for and may stand there."""
        schema = self._of(bare(kind)[0], nullable)
        return _or_null(schema) if nullable and may_be_null(kind) else schema

    def _of(self, kind: types.Type, nullable: bool) -> Document:
        match kind:
            case types.StructType():
                name = kind.cls.__name__.removesuffix("Shape")
                if self._is_new(name, kind.cls):
                    self.named[name] = self.structure(kind.fields, nullable=nullable)
                    self.named[name] |= _described(kind.cls)
                    if issubclass(kind.cls, OneOf):
                        # Not `maxProperties`: null, and a member not known, count for nothing.
                        self.named[name]["not"] = {"anyOf": _pairs(kind.fields)}
                return {"$ref": f"{self._references}{name}"}
            case types.EnumType():
                name = kind.cls.__name__
                if self._is_new(name, kind.cls):
                    values = [item.value for item in kind.cls]
                    self.named[name] = {**TEXT, "enum": values, **_described(kind.cls)}
                return {"$ref": f"{self._references}{name}"}
            case types.LiteralType():
                return {**TEXT, "enum": list(kind.values)}
            case types.ListType():
                item = self.of(kind.item_type, nullable=nullable)
                sizes = {"minItems": kind.min_length, "maxItems": kind.max_length}
                return {"type": "array", "items": item, **_given(sizes)}
            case types.DictType():
                value = self.of(kind.value_type, nullable=nullable)
                return {"type": "object", "additionalProperties": value}
        if type(kind) not in _SCALARS:
            raise TypeError(f"A schema has no type for {type(kind).__name__}.")
        limits = {wire: getattr(kind, name, None) for name, wire in _LIMITS}
        pattern = getattr(kind, "pattern", None)
        if pattern is not None:
            limits["pattern"] = ecma(pattern)
        schema = {**_SCALARS[type(kind)], **_given(limits)}
        return self._text(schema) if isinstance(kind, types.StrType) else schema

    def _is_new(self, name: str, cls: type) -> bool:
        known = self._classes.get(name)
        if known is not None and known is not cls:
            raise ValueError(f"Two different shapes want to be called {name}.")
        self._classes[name] = cls
        return known is None


def ecma(pattern: str) -> str:
    r"""Write one of Python's patterns as ECMAScript reads it, with its Unicode flag.

    There is no `\Z` there; a needless escape is an error, and so is a bare `-` after a range.
    """
    parts = _CLASS.split(pattern)
    parts[::2] = [_ESCAPED.sub(_unescaped, part) for part in parts[::2]]
    parts[1::2] = [_AFTER_RANGE.sub(r"\1\-", part) for part in parts[1::2]]
    return "".join(parts)


def _unescaped(match: re.Match[str]) -> str:
    return {"Z": "$", "%": "%", "-": "-"}.get(match[1], match[0])


def _or_null(schema: Document) -> Document:
    if "$ref" in schema or "enum" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}


def _given(limits: Mapping[str, Any]) -> Document:
    return {name: limit for name, limit in limits.items() if limit is not None}


def _described(thing: type) -> Document:
    texts = paragraphs(thing)
    return {"description": "\n\n".join(texts)} if texts else {}


def _pairs(fields: Iterable[types.Field]) -> list[Document]:
    names = [field.encode_name for field in fields]
    return [
        {"required": list(pair), "properties": {name: {"not": {"type": "null"}} for name in pair}}
        for pair in combinations(names, 2)
    ]
