"""Writes the operation table down as an OpenAPI 3.1 document, for every tool that reads those.

`api.description` serves it. Rows in, a document out, as in `service_model`: schemas are named after
the shapes' classes, limits come from their types, texts from their docstrings. Schemas are JSON
Schema, so patterns are rewritten from Python's language into ECMAScript's.

A request may say null for what it may leave out, and an answer never does; a shape that travels
both ways is written as requests may have it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from msgspec import inspect as types

from soundstage.wire.binding import TOKEN_HEADER, TOKEN_MEMBER, Binding
from soundstage.wire.faults import FAULTS, ThrottledError
from soundstage.wire.kinds import bare, is_required, may_be_null, paragraphs
from soundstage.wire.operation import BASE_PATH, Operation
from soundstage.wire.shapes import OneOf

Document = dict[str, Any]

_SECURITY = "sigv4"
_NO_CONTENT = 204
_TEXT: Document = {"type": "string"}
_SCALARS: Mapping[type[types.Type], Document] = {
    types.StrType: _TEXT,
    types.IntType: {"type": "integer"},
    types.FloatType: {"type": "number"},
    types.BoolType: {"type": "boolean"},
    types.DateTimeType: {"type": "string", "format": "date-time"},
}
_LIMITS = (
    ("min_length", "minLength"),
    ("max_length", "maxLength"),
    ("ge", "minimum"),
    ("le", "maximum"),
)
_ABOUT = """A virtual studio on your own machines.

Requests are signed with AWS Signature Version 4 for the service `nimble`; a request's access key
says who is calling. Members that are not known are ignored.
"""
_ABOUT_SIGNATURES = (
    "AWS Signature Version 4 with the service name `nimble` and any region: "
    "`AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`, and the header `X-Amz-Date`."
)


_CLASS = re.compile(r"(\[(?:\\.|[^\]\\])*\])")
_AFTER_RANGE = re.compile(r"(\w-\w)-(?!\])")
_ESCAPED = re.compile(r"\\(.)")


def document(
    nouns: Mapping[str, Sequence[Operation]], refusals: Mapping[str, int] | None = None
) -> Document:
    """Give the document of these rows, each tagged with its noun.

    `refusals` are the errors, with their status, that a request may meet before its operation.
    """
    schemas = _Schemas()
    errors = _Errors(schemas, refusals or {})
    inputs = {
        row.name: _input(row, schemas) for rows in nouns.values() for row in rows
    }  # All of these first: a shape that travels both ways is named by its way in.
    paths: dict[str, Document] = {}
    for noun, rows in nouns.items():
        for row in rows:
            paths.setdefault(BASE_PATH + row.path, {})[row.method.lower()] = {
                "operationId": row.name,
                "tags": [noun],
                **_documented(row),
                **inputs[row.name],
                "responses": {
                    str(row.status): _answer(row, schemas),
                    **errors.references,
                },
            }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Soundstage",
            "version": BASE_PATH.strip("/"),
            "description": _ABOUT,
        },
        "tags": [{"name": noun} for noun in nouns],
        "security": [{_SECURITY: []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": {
                _SECURITY: {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": _ABOUT_SIGNATURES,
                    "x-amazon-apigateway-authtype": "awsSigv4",
                }
            },
            "headers": {"RequestId": {"description": "Finds it in the log.", "schema": _TEXT}},
            "responses": errors.responses,
            "schemas": dict(sorted(schemas.named.items())),
        },
    }


def _input(row: Operation, schemas: "_Schemas") -> Document:
    """Write the parameters and the body of an operation."""
    binding = Binding(row)
    kind = types.type_info(row.input)
    if not isinstance(kind, types.StructType):
        raise TypeError(f"{row.name} takes no structure.")
    parameters, in_body = [], []
    for field in kind.fields:
        if field.encode_name in row.labels:
            # A label is never empty: the path would be another one.
            schema = {"minLength": 1, **schemas.of(field.type)}
            parameters.append(_parameter("path", field, schema, required=True))
        elif field.encode_name == TOKEN_MEMBER:
            schema = schemas.of(field.type)
            parameters.append(_parameter("header", field, schema, name=TOKEN_HEADER))
        elif binding.in_query:
            schema = schemas.of(field.type)
            parameters.append(_parameter("query", field, schema, required=is_required(field)))
        else:
            in_body.append(field)
    found: Document = {"parameters": parameters} if parameters else {}
    if not in_body:
        return found
    schema = schemas.structure(in_body, nullable=True)
    if "required" not in schema:
        schema["type"] = ["object", "null"]
    schemas.named[f"{row.name}Request"] = schema
    return {
        **found,
        "requestBody": {
            "required": "required" in schema,
            "content": _json(_reference(f"{row.name}Request")),
        },
    }


def _parameter(
    place: str, field: types.Field, schema: Document, *, name: str = "", required: bool = False
) -> Document:
    found: Document = {"name": name or field.encode_name, "in": place, "schema": schema}
    return {**found, "required": True} if required else found


def _answer(row: Operation, schemas: "_Schemas") -> Document:
    kind = types.type_info(row.output)
    if not isinstance(kind, types.StructType):
        raise TypeError(f"{row.name} gives no structure.")
    found = {
        "description": " ".join(paragraphs(row.output)[:1]) or "Done.",
        "headers": _headers(),
    }
    if row.status == _NO_CONTENT:
        return found
    name = f"{row.name}Response"
    schemas.named[name] = schemas.structure(kind.fields, nullable=False)
    return {**found, "content": _json(_reference(name))}


class _Errors:
    """The responses that every operation may give instead of its own, by their status."""

    def __init__(self, schemas: "_Schemas", refusals: Mapping[str, int]) -> None:
        self.responses: dict[str, Document] = {}
        self.references: dict[str, Document] = {}
        names: dict[int, list[str]] = {fault.status: [fault.name] for fault in FAULTS}
        texts = {fault.name: " ".join(paragraphs(fault)) for fault in FAULTS}
        for name, status in refusals.items():
            names.setdefault(status, []).append(name)
        for status, found in sorted(names.items()):
            first = found[0]
            text = texts.get(first, "Turned away before any operation.")
            schemas.named[first] = _error(text)
            self.responses[first] = {
                "description": text,
                "headers": {
                    "x-amzn-ErrorType": {
                        "description": "Which error it is.",
                        "required": True,
                        "schema": {"type": "string", "enum": found},
                    },
                    **_headers(),
                    **(_WAIT if status == ThrottledError.status else {}),
                },
                "content": _json(_reference(first)),
            }
            self.references[str(status)] = {"$ref": f"#/components/responses/{first}"}


_WAIT: Document = {
    "Retry-After": {
        "description": "After how many seconds to try again.",
        "schema": {"type": "integer", "minimum": 0},
    }
}


def _pairs(fields: Iterable[types.Field]) -> list[Document]:
    names = [field.encode_name for field in fields]
    return [
        {"required": list(pair), "properties": {name: {"not": {"type": "null"}} for name in pair}}
        for pair in combinations(names, 2)
    ]


def _error(text: str) -> Document:
    return {
        "type": "object",
        "description": text,
        "properties": {
            "code": _TEXT,
            "context": {"type": "object", "additionalProperties": _TEXT},
            "message": _TEXT,
        },
        "required": ["message"],
    }


class _Schemas:
    """Collects the schemas that operations need, each under a name of its own."""

    def __init__(self) -> None:
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
                return _reference(name)
            case types.EnumType():
                name = kind.cls.__name__
                if self._is_new(name, kind.cls):
                    values = [item.value for item in kind.cls]
                    self.named[name] = {**_TEXT, "enum": values, **_described(kind.cls)}
                return _reference(name)
            case types.LiteralType():
                return {**_TEXT, "enum": list(kind.values)}
            case types.ListType():
                item = self.of(kind.item_type, nullable=nullable)
                sizes = {"minItems": kind.min_length, "maxItems": kind.max_length}
                return {"type": "array", "items": item, **_given(sizes)}
            case types.DictType():
                value = self.of(kind.value_type, nullable=nullable)
                return {"type": "object", "additionalProperties": value}
        if type(kind) not in _SCALARS:
            raise TypeError(f"A document has no type for {type(kind).__name__}.")
        limits = {wire: getattr(kind, name, None) for name, wire in _LIMITS}
        pattern = getattr(kind, "pattern", None)
        if pattern is not None:
            limits["pattern"] = ecma(pattern)
        return {**_SCALARS[type(kind)], **_given(limits)}

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


def _documented(row: Operation) -> Document:
    texts = paragraphs(row.handler)
    if not texts:
        return {}
    more = "\n\n".join(texts[1:])
    return {"summary": texts[0], **({"description": more} if more else {})}


def _described(thing: type) -> Document:
    texts = paragraphs(thing)
    return {"description": "\n\n".join(texts)} if texts else {}


def _headers() -> Document:
    return {"x-amzn-RequestId": {"$ref": "#/components/headers/RequestId"}}


def _reference(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: Document) -> Document:
    return {"application/json": {"schema": schema}}
