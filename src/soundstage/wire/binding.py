"""Where the members of an operation's input travel, and reading them back from a request.

`api` compiles one `Binding` a row at start and decodes requests with it; nothing here knows of HTTP
beyond the request's parts. The rule (see `wire.operation`): labels in the path, `clientToken` in a
header, all else in the query of GET and DELETE and in the JSON body of POST, PATCH and PUT.
"""

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from soundstage.wire import complaints
from soundstage.wire.faults import ValidationError
from soundstage.wire.operation import TOKEN_HEADER, Operation
from soundstage.wire.shapes import Shape

TOKEN_MEMBER = "clientToken"  # noqa: S105 - a member's name
_QUERY_METHODS = frozenset({"GET", "DELETE"})
_COMMA_LISTS = frozenset({"sessionIds"})
"""A string in the model that holds several ids: separated by commas, or the key repeated."""
_PEEKED = frozenset({"ownedBy", "principalId", "launchProfileId"})

Pairs = Sequence[tuple[str, str]]


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """A request taken apart: still text, nothing checked but its encoding."""

    labels: Mapping[str, str]
    query: Pairs = ()
    client_token: str | None = None
    body: bytes = b""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What permission checks look at, read before the input is known to be valid."""

    labels: Mapping[str, str]
    owned_by: str | None = None
    principal_id: str | None = None
    launch_profile_id: str | None = None

    @property
    def studio_id(self) -> str | None:
        """The studio that the path names."""
        return self.labels.get("studioId")


class Binding:
    """One operation's way of reading its input."""

    def __init__(self, operation: Operation) -> None:
        self.input = operation.input
        self.members = frozenset(operation.input.__struct_encode_fields__)
        self.in_query = operation.method in _QUERY_METHODS
        self.takes_token = TOKEN_MEMBER in self.members
        elsewhere = {*operation.labels, TOKEN_MEMBER}
        self._queried = {
            name: kind for name, kind in _kinds(operation.input) if name not in elsewhere
        }
        self._peeks = bool(_PEEKED & (self.members - set(operation.labels)))
        missing = set(operation.labels) - self.members
        if missing:
            raise ValueError(f"{operation.name} does not take its labels {sorted(missing)}.")

    def peek(self, parts: Parts) -> Asked:
        """Read what permission checks need; whatever can't be read counts as not given."""
        given: dict[str, Any] = dict(parts.labels)
        if self._peeks:
            given = {**self._document_or_empty(parts), **given}

        def text(name: str) -> str | None:
            value = given.get(name) if name in self.members else None
            return value if isinstance(value, str) and "\0" not in value else None

        return Asked(
            labels=parts.labels,
            owned_by=text("ownedBy"),
            principal_id=text("principalId"),
            launch_profile_id=text("launchProfileId"),
        )

    def decode(self, parts: Parts) -> Shape:
        """Read and check the whole input. Raises ValidationError that names the member."""
        document = self._from_query(parts.query) if self.in_query else _from_body(parts.body)
        document.pop(TOKEN_MEMBER, None)
        document.update(parts.labels)
        if self.takes_token and parts.client_token is not None:
            document[TOKEN_MEMBER] = parts.client_token
        try:
            if _may_hold_nul(parts):
                _refuse_nul(document)
            return msgspec.convert(document, self.input)
        except msgspec.ValidationError as error:
            found = complaints.explain_all(self.input, document)
            raise found or complaints.explain(error, self.input, document) from None
        except RecursionError:
            raise ValidationError("The body is nested too deeply.") from None

    def _document_or_empty(self, parts: Parts) -> dict[str, Any]:
        try:
            return self._from_query(parts.query) if self.in_query else _from_body(parts.body)
        except ValidationError:
            return {}

    def _from_query(self, query: Pairs) -> dict[str, Any]:
        document: dict[str, Any] = {}
        for name, value in query:
            kind = self._queried.get(name)
            if kind is None:
                continue
            if kind is list:
                document.setdefault(name, []).append(value)
            elif name in document and name not in _COMMA_LISTS:
                raise ValidationError(f"{name} was given more than once.", context={"member": name})
            elif name in document:
                document[name] = f"{document[name]},{value}"
            else:
                document[name] = _number(value) if kind is int else value
        return document


def _from_body(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValidationError(f"The body is not JSON: {error}.") from None
    except RecursionError:
        raise ValidationError("The body is nested too deeply.") from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ValidationError("The body must be a JSON object.")
    return document


def _number(text: str) -> int | str:
    # What is no number stays text, so that the one complaint about types is made in one place.
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 19 else text


def _may_hold_nul(parts: Parts) -> bool:
    texts = (*parts.labels.values(), *(value for _, value in parts.query))
    return b"\\u0000" in parts.body or any("\0" in text for text in texts)


def _refuse_nul(document: dict[str, Any]) -> None:
    """PostgreSQL can't store the character NUL, so no text may hold it on either database."""
    for path, text in _texts(document, ""):
        if "\0" in text:
            raise ValidationError(
                f"{path} must not hold the character NUL.", context={"member": path}
            )


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            inner = f"{path}.{key}" if path else key
            yield path or "A member's name", key
            yield from _texts(item, inner)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, f"{path}[{index}]")


def _kinds(shape: type[Shape]) -> Iterator[tuple[str, type]]:
    hints = get_type_hints(shape, include_extras=True)
    for field in msgspec.structs.fields(shape):
        yield field.encode_name, _kind(hints[field.name])


def _kind(hint: Any) -> type:
    """Tell lists and whole numbers from text; whether None is allowed does not matter."""
    origin = get_origin(hint)
    if origin is Annotated:
        return _kind(get_args(hint)[0])
    if origin in (Union, types.UnionType):
        members = [item for item in get_args(hint) if item is not types.NoneType]
        return _kind(members[0])
    if origin is list or hint is list:
        return list
    return int if hint is int else str


__all__ = ["TOKEN_HEADER", "TOKEN_MEMBER", "Asked", "Binding", "Parts"]
