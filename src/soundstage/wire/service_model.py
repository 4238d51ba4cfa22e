"""Writes the operation table down as SDKs read services: botocore's three documents of one service.

`soundstage sdk` and `soundstage env` write them to files, from which boto3 and the AWS command line
make their clients. Rows in, documents out. Everything follows from the rows: shapes are named after
their classes (`StudioShape` is Studio, `CreateStudioInput` is CreateStudioRequest, an output is its
operation's Response), limits come from their types, texts from their docstrings.
"""

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import inspect as types

from soundstage.wire.binding import TOKEN_HEADER, TOKEN_MEMBER, Binding
from soundstage.wire.faults import FAULTS, Fault
from soundstage.wire.kinds import bare, is_required, paragraphs
from soundstage.wire.operation import BASE_PATH, Operation
from soundstage.wire.shapes import OneOf

Document = dict[str, Any]

SERVICE = "nimble"
API_VERSION = BASE_PATH.strip("/")
GENERATOR = "soundstage"
"""What stands in each document under `generatedBy`, a key that no SDK reads."""

_TOKEN = "nextToken"  # noqa: S105 - a member's name
_LIMIT = "maxResults"
_SCALARS: Mapping[type[types.Type], tuple[str, Document]] = {
    types.StrType: ("String", {"type": "string"}),
    types.IntType: ("Integer", {"type": "integer", "box": True}),
    types.FloatType: ("Double", {"type": "double", "box": True}),
    types.BytesType: ("Blob", {"type": "blob"}),
    types.BoolType: ("Boolean", {"type": "boolean", "box": True}),
    types.DateTimeType: ("Timestamp", {"type": "timestamp", "timestampFormat": "iso8601"}),
}


class Waiter(msgspec.Struct, frozen=True):
    """Polls an operation until a resource's state says that it is done, or never will be."""

    name: str
    """`StudioReady`"""
    operation: str
    path: str
    """Where the answer has the state: `studio.state`."""
    delay_seconds: int
    tries: int
    success: str
    failures: tuple[str, ...]


def documents(
    operations: Sequence[Operation], waiters: Iterable[Waiter], version: str = API_VERSION
) -> dict[str, Document]:
    """Give the documents by their file names.

    `version` is what SDKs sort by when they know a service more than once; on the wire it is always
    `API_VERSION`.
    """
    names = {row.name for row in operations}
    contents: dict[str, Document] = {
        "service-2.json": _service(operations, version),
        "paginators-1.json": {"pagination": _pagination(operations)},
        "waiters-2.json": {
            "version": 2,
            "waiters": {
                waiter.name: _waiter(waiter) for waiter in waiters if waiter.operation in names
            },
        },
    }
    return {name: {"generatedBy": GENERATOR, **content} for name, content in contents.items()}


def encoded(document: Document) -> bytes:
    """Write a document as a file holds it: the same text for the same table."""
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def _service(operations: Sequence[Operation], version: str) -> Document:
    shapes = _Shapes()
    rows = {row.name: shapes.operation(row) for row in sorted(operations, key=_by_name)}
    return {
        "version": "2.0",
        "metadata": {
            "apiVersion": version,
            "endpointPrefix": SERVICE,
            "jsonVersion": "1.1",
            "protocol": "rest-json",
            # SDKs up to 2025 name the client's class after it.
            "serviceFullName": "AmazonNimbleStudio",
            "serviceId": SERVICE,
            "signatureVersion": "v4",
            "signingName": SERVICE,
            "uid": f"{SERVICE}-{version}",
        },
        "operations": rows,
        "shapes": dict(sorted(shapes.named.items())),
        "documentation": _said(["A virtual studio on your own machines."]),
    }


def _pagination(operations: Sequence[Operation]) -> Document:
    found: Document = {}
    for row in sorted(operations, key=_by_name):
        if row.paginates is not None:
            found[row.name] = {"input_token": _TOKEN, "output_token": _TOKEN}
            if _LIMIT in row.input.__struct_encode_fields__:
                found[row.name]["limit_key"] = _LIMIT
            found[row.name]["result_key"] = row.paginates
    return found


def _waiter(waiter: Waiter) -> Document:
    verdicts = [("success", waiter.success), *(("failure", state) for state in waiter.failures)]
    return {
        "description": f"Asks {waiter.operation} until {waiter.path} is {waiter.success}.",
        "delay": waiter.delay_seconds,
        "maxAttempts": waiter.tries,
        "operation": waiter.operation,
        "acceptors": [
            {"matcher": "path", "argument": waiter.path, "state": verdict, "expected": state}
            for verdict, state in verdicts
        ],
    }


class _Shapes:
    """Collects the shapes that operations need, each under a name of its own."""

    def __init__(self) -> None:
        self.named: dict[str, Document] = {}

    def operation(self, row: Operation) -> Document:
        binding = Binding(row)
        given = self._structure(f"{row.name}Request", types.type_info(row.input))
        members = self.named[given]["members"]
        for name, member in members.items():
            if name in row.labels:
                member |= {"location": "uri", "locationName": name}
            elif name == TOKEN_MEMBER:
                member |= {"location": "header", "locationName": TOKEN_HEADER}
                member["idempotencyToken"] = True
            elif binding.in_query:
                member |= {"location": "querystring", "locationName": name}
        return {
            "name": row.name,
            "http": {
                "method": row.method,
                "requestUri": BASE_PATH + row.path,
                "responseCode": row.status,
            },
            "input": {"shape": given},
            "output": {
                "shape": self._structure(f"{row.name}Response", types.type_info(row.output))
            },
            "errors": [{"shape": self._fault(fault)} for fault in FAULTS],
            **_documented(row.handler),
        }

    def _fault(self, fault: type[Fault]) -> str:
        text = {"shape": self._put("String", {"type": "string"})}
        context = {"type": "map", "key": text, "value": text}
        error: Document = {"httpStatusCode": fault.status}
        members = {"code": text, "context": {"shape": self._put("ExceptionContext", context)}}
        shape = {
            "type": "structure",
            "members": {**members, "message": text},
            "error": error if fault.is_ours else {**error, "senderFault": True},
            "exception": True,
            **({"fault": True} if fault.is_ours else {}),
            **({"retryable": {"throttling": False}} if fault.is_retryable else {}),
            **_documented(fault),
        }
        return self._put(fault.name, shape)

    def _structure(self, name: str, kind: types.Type) -> str:
        if not isinstance(kind, types.StructType):
            raise TypeError(f"{name} is no structure.")
        members = {
            field.encode_name: {"shape": self._shape(name, field.encode_name, field.type)}
            for field in kind.fields
        }
        shape: Document = {"type": "structure", "members": members, **_documented(kind.cls)}
        required = [field.encode_name for field in kind.fields if is_required(field)]
        # What an answer is sure to hold is our promise for today; clients are not built on it.
        if required and not kind.cls.__name__.endswith(("Shape", "Output")):
            shape["required"] = required
        if issubclass(kind.cls, OneOf):
            shape["union"] = True
        return self._put(name, shape)

    def _shape(self, owner: str, member: str, kind: types.Type) -> str:
        """Put the shape of one member's type, and give its name."""
        kind, sensitive = bare(kind)
        secret = {"sensitive": True} if sensitive else {}
        own = member[0].upper() + member[1:]
        match kind:
            case types.StructType():
                return self._structure(kind.cls.__name__.removesuffix("Shape"), kind)
            case types.EnumType():
                values = [item.value for item in kind.cls]
                shape = {"type": "string", "enum": values, **_documented(kind.cls)}
                return self._put(kind.cls.__name__, shape)
            case types.LiteralType():
                return self._put(own, {"type": "string", "enum": list(kind.values)}, owner + own)
            case types.ListType():
                item = self._shape(owner, member.removesuffix("s"), kind.item_type)
                listed = {"type": "list", "member": {"shape": item}, **_length(kind), **secret}
                # Plain lists of text are one shape; one with a limit or a mark is its member's.
                is_plain = item != "String" or not (_length(kind) or sensitive)
                return self._put(f"{item}List" if is_plain else own, listed, owner + own)
            case types.DictType():
                key = {"shape": self._shape(owner, f"{member}Key", kind.key_type)}
                value = {"shape": self._shape(owner, f"{member}Value", kind.value_type)}
                mapped = {"type": "map", "key": key, "value": value, **secret}
                return self._put(own, mapped, owner + own)
        if type(kind) not in _SCALARS:
            raise TypeError(f"{owner}.{member}: SDKs have no type for {type(kind).__name__}.")
        name, scalar = _SCALARS[type(kind)]
        limits = {**_length(kind), **_range(kind), **secret}
        if not limits:
            return self._put(name, scalar)
        return self._put(own, {**scalar, **limits}, owner + own)

    def _put(self, name: str, shape: Document, otherwise: str | None = None) -> str:
        """Keep a shape under its name, or under the other one where that is another's already."""
        if self.named.setdefault(name, shape) == shape:
            return name
        if otherwise is None:
            raise ValueError(f"Two different shapes want to be called {name}.")
        return self._put(otherwise, shape)


def _length(kind: types.Type) -> Document:
    if not isinstance(kind, types.StrType | types.ListType):
        return {}
    limits: Document = {}
    if kind.max_length is not None:
        limits["max"] = kind.max_length
    if kind.min_length is not None or kind.max_length is not None:
        limits["min"] = kind.min_length or 0
    pattern = kind.pattern if isinstance(kind, types.StrType) else None
    if pattern is not None:
        # Python's `$` lets a last line break pass; the model's language has no `\Z` and needs none.
        limits["pattern"] = re.sub(r"\\Z\Z", "$", pattern)
    return limits


def _range(kind: types.Type) -> Document:
    if not isinstance(kind, types.IntType | types.FloatType):
        return {}
    limits = {"min": kind.ge, "max": kind.le}
    return {name: limit for name, limit in limits.items() if limit is not None}


def _documented(thing: Any) -> Document:
    found = paragraphs(thing)
    return {"documentation": _said(found)} if found else {}


def _said(texts: Iterable[str]) -> str:
    """Write paragraphs as SDKs expect them, in HTML."""
    return "".join(f"<p>{html.escape(text, quote=False)}</p>" for text in texts)


def _by_name(row: Operation) -> str:
    return row.name
