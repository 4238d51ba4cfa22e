"""Writes the operation table down as an OpenAPI 3.1 document, for every tool that reads those.

`api.description` serves it. Rows in, a document out, as in `service_model`: schemas are named after
the shapes' classes, limits come from their types, texts from their docstrings. Schemas are JSON
Schema, so patterns are rewritten from Python's language into ECMAScript's.

A request may say null for what it may leave out, and an answer never does; a shape that travels
both ways is written as requests may have it.
"""

from collections.abc import Mapping, Sequence

from msgspec import inspect as types

from soundstage.wire.binding import TOKEN_HEADER, TOKEN_MEMBER, Binding
from soundstage.wire.faults import FAULTS, ThrottledError
from soundstage.wire.json_schema import TEXT, Document, Schemas
from soundstage.wire.kinds import is_required, paragraphs
from soundstage.wire.operation import BASE_PATH, Operation

_SECURITY = "sigv4"
_NO_CONTENT = 204
_SCHEMAS = "#/components/schemas/"
_ABOUT = """A virtual studio on your own machines.

Requests are signed with AWS Signature Version 4 for the service `nimble`; a request's access key
says who is calling. Members that are not known are ignored.
"""
_ABOUT_SIGNATURES = (
    "AWS Signature Version 4 with the service name `nimble` and any region: "
    "`AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`, and the header `X-Amz-Date`."
)


def document(
    nouns: Mapping[str, Sequence[Operation]], refusals: Mapping[str, int] | None = None
) -> Document:
    """Give the document of these rows, each tagged with its noun.

    `refusals` are the errors, with their status, that a request may meet before its operation.
    """
    schemas = Schemas(_SCHEMAS)
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
            "headers": {"RequestId": {"description": "Finds it in the log.", "schema": TEXT}},
            "responses": errors.responses,
            "schemas": dict(sorted(schemas.named.items())),
        },
    }


def _input(row: Operation, schemas: "Schemas") -> Document:
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


def _answer(row: Operation, schemas: "Schemas") -> Document:
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

    def __init__(self, schemas: "Schemas", refusals: Mapping[str, int]) -> None:
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


def _error(text: str) -> Document:
    return {
        "type": "object",
        "description": text,
        "properties": {
            "code": TEXT,
            "context": {"type": "object", "additionalProperties": TEXT},
            "message": TEXT,
        },
        "required": ["message"],
    }


def _documented(row: Operation) -> Document:
    texts = paragraphs(row.handler)
    if not texts:
        return {}
    more = "\n\n".join(texts[1:])
    return {"summary": texts[0], **({"description": more} if more else {})}


def _headers() -> Document:
    return {"x-amzn-RequestId": {"$ref": "#/components/headers/RequestId"}}


def _reference(name: str) -> Document:
    return {"$ref": f"{_SCHEMAS}{name}"}


def _json(schema: Document) -> Document:
    return {"application/json": {"schema": schema}}
