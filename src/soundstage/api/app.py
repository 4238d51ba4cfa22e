"""Runs one request from its signature to its answer, and makes an ASGI application of that.

`wiring` calls `build`. Everything for one request happens in one thread and one transaction, in the
order signature, throttle, permission, existence, input, operation, commit. Where the database has
one writer, requests that change something share the commit.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection

from soundstage.api import access, errors, idempotency, trail
from soundstage.api.door import ApiSettings, Begin, Door
from soundstage.api.exchange import Answer, Received
from soundstage.api.feed import LAST_ID_HEADER, LONGEST_ID, MEDIA_TYPE, Feed, Feeds
from soundstage.api.identity import Verifier, read_claim
from soundstage.api.middleware import Count, Edge
from soundstage.api.routes import Match, Routes, decode_text
from soundstage.api.throttling import Gate
from soundstage.api.trail import Call
from soundstage.api.writes import Writes
from soundstage.resources.request import Caller
from soundstage.wire import shapes
from soundstage.wire.binding import TOKEN_HEADER, Parts
from soundstage.wire.faults import (
    AccessDeniedError,
    ConflictError,
    Fault,
    InternalError,
    NotFoundError,
    ValidationError,
)
from soundstage.wire.operation import News, Operation
from soundstage.wire.shapes import Empty, Shape

_NO_CONTENT = 204
_REFUSED = 400

_log = structlog.get_logger("soundstage.api")


def build(
    operations: Sequence[Operation],
    door: Door,
    settings: ApiSettings,
    feeds: Feeds | None = None,
    count: Count | None = None,
) -> Edge:
    """Make the application that answers all below the API's base path."""
    api = Api(operations, door, settings)
    return Edge(
        api.answer,
        settings,
        at_once=api.is_quick if door.reads_at_once else None,
        writes=Writes(api.answer_together) if door.reads_at_once else None,
        feeds=feeds,
        count=count,
    )


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

    def answer_together(self, several: Iterable[Received]) -> list[Answer]:
        """Answer requests one after the other, and commit what they did at once; never raises.

        The next is asked for when the one before it is done, so that those who came meanwhile may
        share the commit.
        """
        asked: list[Received] = []
        answers: list[Answer] = []
        try:
            with self._door.together() as begin:
                for received in several:
                    asked.append(received)
                    answers.append(self._answered(received, begin))
        except Exception:  # noqa: BLE001 - as below
            return [
                # What was refused had nothing to be stored.
                answer if answer.status >= _REFUSED else errors.render_unexpected(each.request_id)
                for each, answer in zip(asked, answers, strict=True)
            ]
        return answers

    def _answered(self, received: Received, begin: Begin, *, is_again: bool = False) -> Answer:
        notes: dict[str, Any] = {}
        try:
            return self._answer(received, begin, notes, is_again=is_again)
        except Fault as fault:
            if isinstance(fault, InternalError):
                _log.error("internal error", request_id=received.request_id, exc_info=fault)
            return errors.render(fault, notes)
        except Exception:  # noqa: BLE001 - whatever it is, the caller gets an answer and we a log
            return errors.render_unexpected(received.request_id, notes)

    def _answer(
        self, received: Received, begin: Begin, notes: dict[str, Any], *, is_again: bool
    ) -> Answer:
        now = self._door.now()
        caller = self._gate.identify(received, now)
        notes["principal"] = caller.principal_id
        self._gate.admit(caller, received, now)
        match = self._routes.find(received.method, received.raw_path)
        notes["operation"] = match.row.operation.name
        address = self._gate.address(received)
        call = Call(received=received, match=match, caller=caller, address=address, now=now)
        try:
            return self._run(begin, call, _parts(received, match), notes)
        except AccessDeniedError as fault:
            # What it was refused in is taken back, so it is noted in a transaction of its own.
            return errors.render(fault, notes, afterwards=partial(self._note_refusal, call))
        except (ConflictError, NotFoundError) as fault:
            if is_again or not match.row.operation.names_host:
                raise
            return errors.render(fault, notes, afterwards=partial(self._answer_again, received))

    def _answer_again(self, received: Received) -> Answer | None:
        """Answer once more what was refused, if the engine names other hosts by now: one may have
        joined a moment ago.
        """
        if not self._door.know_hosts():
            return None
        return self._answered(received, self._door.transaction, is_again=True)

    def _note_refusal(self, call: Call) -> None:
        try:
            with self._door.transaction(write=True) as transaction:
                trail.refuse(transaction, call)
        except Exception:  # noqa: BLE001 - it is logged; the caller is refused all the same
            _log.exception("a refusal was not noted", request_id=call.received.request_id)

    def _run(self, begin: Begin, call: Call, parts: Parts, notes: dict[str, Any]) -> Answer:
        operation, binding = call.match.row.operation, call.match.row.binding
        caller, now = call.caller, call.now
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
            if operation.follow is not None and _is_followed(call):
                return self._feed(call, parts, given, transaction, notes)
            if not operation.is_read:
                trail.begin(transaction, call, given)
            request = self._door.request(
                transaction, caller, now, asks_engine=operation.asks_engine
            )
            output = operation.handler(request, given)
            if not operation.is_read:
                trail.finish(transaction, call)
            answer = Answer(status=operation.status, body=_encode(operation, output), notes=notes)
            if attempt is not None:
                idempotency.finish(transaction, attempt, answer)
        return answer

    def _feed(
        self,
        call: Call,
        parts: Parts,
        given: Shape,
        transaction: Connection,
        notes: dict[str, Any],
    ) -> Answer:
        last_id = next(iter(call.received.header_values(LAST_ID_HEADER)), None)
        if last_id is not None and len(last_id) > LONGEST_ID:
            raise ValidationError(f"Last-Event-ID must be at most {LONGEST_ID} characters.")
        feed = Feed(
            principal_id=call.caller.principal_id,
            first=self._news(call, given, transaction, last_id),
            more=partial(self._more, call, parts),
        )
        return Answer(status=200, headers={"Content-Type": MEDIA_TYPE}, notes=notes, feed=feed)

    def _more(self, call: Call, parts: Parts, last_id: str) -> News | None:
        """Look again, as if it was asked again: by a key that works, with the right to."""
        operation, binding = call.match.row.operation, call.match.row.binding
        found = self._door.secret_of(read_claim(call.received).access_key_id)
        if found is None or found[1] != call.caller:
            return None
        with self._door.transaction(write=False) as transaction:
            facts = self._door.facts(transaction)
            asked = binding.peek(parts)
            try:
                access.require_access(operation, call.caller, asked, facts)
                facts.require_existing(asked.labels)
                return self._news(call, binding.decode(parts), transaction, last_id)
            except Fault:
                return None

    def _news(self, call: Call, given: Shape, transaction: Connection, last_id: str | None) -> News:
        request = self._door.request(transaction, call.caller, self._door.now(), asks_engine=False)
        news: News = call.match.row.operation.follow(request, given, last_id)  # type: ignore[misc]
        return news


def _is_followed(call: Call) -> bool:
    """Reports whether the caller wants to go on hearing what is new."""
    return any(MEDIA_TYPE in value for value in call.received.header_values("accept"))


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
