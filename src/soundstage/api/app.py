"""Runs one request from its signature to its answer, and mounts that under the API's base path.

`wiring` calls `build`. Everything for one request happens in one thread and one transaction, in the
order signature, throttle, permission, existence, input, operation, commit. Where the database has
one writer, requests that change something share the commit.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog
from starlette.routing import BaseRoute, Mount

from soundstage.api import access, errors, idempotency
from soundstage.api.door import ApiSettings, Begin, Door
from soundstage.api.exchange import Answer, Received
from soundstage.api.identity import Verifier
from soundstage.api.middleware import Edge
from soundstage.api.routes import Match, Routes, Row, decode_text
from soundstage.api.throttling import Gate
from soundstage.api.writes import Writes
from soundstage.resources.request import Caller
from soundstage.wire import shapes
from soundstage.wire.binding import TOKEN_HEADER, Parts
from soundstage.wire.faults import Fault, InternalError, ValidationError
from soundstage.wire.operation import BASE_PATH, Operation
from soundstage.wire.shapes import Empty, Shape

_NO_CONTENT = 204
_REFUSED = 400

_log = structlog.get_logger("soundstage.api")


def build(operations: Sequence[Operation], door: Door, settings: ApiSettings) -> list[BaseRoute]:
    """Make the routes of the API."""
    api = Api(operations, door, settings)
    if door.reads_at_once:
        edge = Edge(api.answer, settings, at_once=api.is_quick, writes=Writes(api.answer_together))
    else:
        edge = Edge(api.answer, settings)
    return [Mount(BASE_PATH, app=edge)]


class _Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request whose sender and operation are known."""

    row: Row
    parts: Parts
    caller: Caller
    now: datetime


class Api:
    """The operation table with a door behind it; free of the network."""

    def __init__(self, operations: Sequence[Operation], door: Door, settings: ApiSettings) -> None:
        self._routes = Routes(operations)
        self._door = door
        verifier = Verifier(
            door.secret_of, allowed_skew=timedelta(seconds=settings.allowed_skew_seconds)
        )
        self._gate = Gate(verifier.verify, settings.throttling)

    def is_quick(self, received: Received) -> bool:
        """Reports whether a request only reads, and only the database."""
        return received.method == "GET" and not self._routes.asks_engine(received.raw_path)

    def answer(self, received: Received) -> Answer:
        """Answer a request; never raises."""
        return self._answered(received, self._door.transaction)

    def answer_together(self, several: Sequence[Received]) -> list[Answer]:
        """Answer requests one after the other, and commit what they did at once; never raises."""
        answers: list[Answer] = []
        try:
            with self._door.together() as begin:
                answers += [self._answered(received, begin) for received in several]
        except Exception:  # noqa: BLE001 - as below
            return [
                # What was refused had nothing to be stored.
                answer if answer.status >= _REFUSED else errors.render_unexpected(each.request_id)
                for each, answer in zip(several, answers, strict=True)
            ]
        return answers

    def _answered(self, received: Received, begin: Begin) -> Answer:
        notes: dict[str, Any] = {}
        try:
            return self._answer(received, begin, notes)
        except Fault as fault:
            if isinstance(fault, InternalError):
                _log.error("internal error", request_id=received.request_id, exc_info=fault)
            return errors.render(fault, notes)
        except Exception:  # noqa: BLE001 - whatever it is, the caller gets an answer and we a log
            return errors.render_unexpected(received.request_id, notes)

    def _answer(self, received: Received, begin: Begin, notes: dict[str, Any]) -> Answer:
        now = self._door.now()
        caller = self._gate.identify(received, now)
        notes["principal"] = caller.principal_id
        self._gate.admit(caller, received, now)
        match = self._routes.find(received.method, received.raw_path)
        notes["operation"] = match.row.operation.name
        call = _Call(row=match.row, parts=_parts(received, match), caller=caller, now=now)
        return self._run(begin, call, notes)

    def _run(self, begin: Begin, call: _Call, notes: dict[str, Any]) -> Answer:
        operation, binding = call.row.operation, call.row.binding
        parts, caller, now = call.parts, call.caller, call.now
        with begin(write=not operation.is_read) as transaction:
            facts = self._door.facts(transaction)
            asked = binding.peek(parts)
            access.require_access(operation, caller, asked, facts)
            facts.require_existing(asked.labels)
            given = binding.decode(parts)
            attempt = _attempt(operation, parts, given, caller)
            if attempt is not None:
                stored = idempotency.begin(transaction, attempt, now)
                if stored is not None:
                    return Answer(
                        status=stored.status, body=stored.body, notes={**notes, "replayed": True}
                    )
            request = self._door.request(
                transaction, caller, now, asks_engine=operation.asks_engine
            )
            output = operation.handler(request, given)
            answer = Answer(status=operation.status, body=_encode(operation, output), notes=notes)
            if attempt is not None:
                idempotency.finish(transaction, attempt, answer)
        return answer


def _parts(received: Received, match: Match) -> Parts:
    tokens = received.header_values(TOKEN_HEADER.lower())
    if len(tokens) > 1:
        raise ValidationError("clientToken was given more than once.")
    return Parts(
        labels=match.labels,
        query=tuple(
            (name, decode_text(value, name))
            for name, value in (
                (decode_text(name, "A query name"), value) for name, value in received.query_parts()
            )
        ),
        client_token=tokens[0] if tokens else None,
        body=received.body,
    )


def _attempt(
    operation: Operation, parts: Parts, given: Shape, caller: Caller
) -> idempotency.Attempt | None:
    token = getattr(given, "client_token", None)
    if token is None or operation.is_read:
        return None
    return idempotency.Attempt(
        principal_id=caller.principal_id,
        operation=operation.name,
        studio_id=parts.labels.get("studioId", ""),
        token=token,
        digest=idempotency.digest_of(given),
    )


def _encode(operation: Operation, output: Shape) -> bytes:
    if operation.status == _NO_CONTENT:
        return b""
    return b"{}" if isinstance(output, Empty) else shapes.encode(output)
