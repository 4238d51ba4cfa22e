"""What can be done with streams; called by their operations, their worker, and, through `wiring`,
by the gateway.
"""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from soundstage.kit import hints, ids
from soundstage.resources.backups.model import StreamingSessionState
from soundstage.resources.request import SERVICE_PRINCIPAL, Request
from soundstage.resources.sessions import activity, countdown
from soundstage.resources.sessions import service as sessions
from soundstage.resources.sessions.countdown import NextAction
from soundstage.resources.sessions.model import StreamingSession
from soundstage.resources.streams import store
from soundstage.resources.streams.lifecycle import ENDED, MACHINE
from soundstage.resources.streams.model import (
    StreamingSessionStream,
    StreamingSessionStreamState,
    StreamingSessionStreamStatusCode,
)
from soundstage.wire.faults import ConflictError, NotFoundError
from soundstage.wire.ticket import Ticket

_S = StreamingSessionStreamState
_C = StreamingSessionStreamStatusCode
_CODES = {
    _S.READY: _C.STREAM_READY,
    _S.DELETE_IN_PROGRESS: _C.STREAM_DELETE_IN_PROGRESS,
    _S.DELETED: _C.STREAM_DELETED,
    _S.CREATE_FAILED: _C.NETWORK_CONNECTION_ERROR,
    _S.DELETE_FAILED: _C.INTERNAL_ERROR,
}


class Redeemed(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a ticket: the stream if it opened, else why not."""

    stream: StreamingSessionStream | None = None
    is_used: bool = False
    is_ended: bool = False


def create(
    request: Request, *, studio_id: str, session_id: str, expiration_seconds: int | None
) -> StreamingSessionStream:
    """Open a stream to a READY session: at once where its desktop was just seen to answer, so that
    the stock waiter, which asks once and then again after five seconds, does not wait for nothing.
    """
    transaction, now = request.transaction, request.now
    session = sessions.get(request, studio_id, session_id)
    sessions.require_membership(request, session)
    if session.state is not StreamingSessionState.READY:
        raise ConflictError.of_state(sessions.KIND, session_id, session.state, to="stream it")
    answers = session.running_attempt == session.attempt
    # Old clients send 0 for "not said".
    seconds = expiration_seconds or request.installation.stream_expiration_seconds
    stream = StreamingSessionStream(
        id=ids.new_id(),
        studio_id=studio_id,
        session_id=session_id,
        owned_by=session.owned_by,
        created_by=request.caller.principal_id,
        created_at=now,
        expires_at=now + timedelta(seconds=seconds),
        state=_S.READY if answers else _S.CREATE_IN_PROGRESS,
        state_since=now,
        status_code=_C.STREAM_READY if answers else _C.STREAM_CREATE_IN_PROGRESS,
    )
    store.streams.insert(transaction, stream, due_at=now)
    change = {"state": stream.state, "statusCode": stream.status_code}
    _note(transaction, stream, stream.state, change, now=now, actor=stream.created_by)
    hints.hint(transaction, "streams", session_id)
    return stream


def get(
    request: Request, studio_id: str, session_id: str, stream_id: str
) -> StreamingSessionStream:
    """Read one stream of a session. Raises NotFoundError."""
    sessions.get(request, studio_id, session_id)
    stream = store.streams.get(request.transaction, stream_id)
    if stream is None or stream.session_id != session_id:
        raise NotFoundError("stream", stream_id)
    return stream


def url_of(request: Request, stream: StreamingSessionStream) -> str | None:
    """Sign the address that opens a stream; None when there is nothing to open any more."""
    is_open = stream.state is _S.READY and stream.redeemed_at is None
    if not is_open or request.now >= stream.expires_at:
        return None
    ticket = Ticket(
        stream_id=stream.id,
        subject=stream.owned_by,
        expires=int(stream.expires_at.timestamp()),
    )
    signed = request.tickets.sign(ticket)
    return f"{request.installation.address}/streams/{stream.id}/?ticket={signed}"


def redeem(
    transaction: Connection, stream_id: str, now: datetime, address: str | None = None
) -> Redeemed:
    """Use a stream's ticket up; a stream is opened once."""
    stream = find_open(transaction, stream_id)
    if stream is None:
        return Redeemed(is_ended=True)
    if not store.redeem(transaction, stream_id, now):
        return Redeemed(is_used=True)
    _note(transaction, stream, "OPENED", {}, now=now, actor=stream.owned_by, address=address)
    return Redeemed(stream=stream)


def find_open(transaction: Connection, stream_id: str) -> StreamingSessionStream | None:
    """Read a stream whose session is READY and which has not ended."""
    stream = store.streams.get(transaction, stream_id)
    if stream is None or stream.id in ended(transaction, {stream_id}):
        return None
    return stream


def ended(transaction: Connection, stream_ids: set[str]) -> set[str]:
    """Say which of these must be cut: ended or unknown ones, and those of sessions that stop."""
    streams = store.among(transaction, stream_ids)
    stopping = sessions.not_ready(transaction, {stream.session_id for stream in streams})
    living = {
        stream.id
        for stream in streams
        if stream.state not in ENDED and stream.session_id not in stopping
    }
    return stream_ids - living


def note_input(transaction: Connection, stream_ids: set[str], now: datetime) -> None:
    """Note that somebody uses pointer or keys on these streams."""
    session_ids = {stream.session_id for stream in store.among(transaction, stream_ids)}
    activity.note_input(transaction, session_ids, now)


def next_action(transaction: Connection, stream_id: str) -> NextAction | None:
    """Say what the workstation behind a stream will do by itself; None when nothing."""
    session = session_behind(transaction, stream_id)
    return None if session is None else countdown.next_action(session)


def session_behind(transaction: Connection, stream_id: str) -> StreamingSession | None:
    """Read the session of a stream, ended or not; None of one that is not known any more."""
    stream = store.streams.get(transaction, stream_id)
    return None if stream is None else sessions.look_up(transaction, stream.session_id)


def workstation(transaction: Connection, session_id: str) -> str:
    """Say what the engine knows a session's workstation by."""
    session = sessions.look_up(transaction, session_id)
    return session_id if session is None else session.ref


def shared_session(transaction: Connection, stream_id: str) -> StreamingSession | None:
    """Read the session of an open stream, for who may let others look on: its owner alone, and not
    an administrator who opened it.
    """
    stream = find_open(transaction, stream_id)
    if stream is None or stream.created_by != stream.owned_by:
        return None
    return sessions.look_up(transaction, stream.session_id)


def transfer_rules(
    transaction: Connection, stream: StreamingSessionStream
) -> tuple[str | None, str | None]:
    """Name the folders that a stream's session lets files into and out of."""
    session = sessions.look_up(transaction, stream.session_id)
    return (None, None) if session is None else (session.upload_to, session.download_from)


def note_transfer(
    transaction: Connection,
    stream_id: str,
    *,
    is_upload: bool,
    name: str,
    size: int,
    now: datetime,
) -> None:
    """Note that a file was sent in, or that somebody began to take one out."""
    stream = store.streams.get(transaction, stream_id)
    if stream is None:
        return
    what = "UPLOADED" if is_upload else "DOWNLOADED"
    detail = {"name": name, "size": size}
    _note(transaction, stream, what, detail, now=now, actor=stream.owned_by)


def note_activity(transaction: Connection, stream_ids: set[str], now: datetime) -> None:
    """Note that bytes passed on these streams."""
    store.note_activity(transaction, stream_ids, now)


def move(
    transaction: Connection,
    stream: StreamingSessionStream,
    event: str,
    *,
    now: datetime,
    message: str,
) -> None:
    """Make a transition: the one door through which a stream's state changes."""
    state = MACHINE.target(stream.state, event)
    store.streams.update(
        transaction,
        stream.id,
        {
            "state": state,
            "state_since": now,
            "status_code": _CODES[state],
            "status_message": message,
        },
    )
    change = {
        "oldState": stream.state,
        "state": state,
        "statusCode": _CODES[state],
        "statusMessage": message,
    }
    _note(transaction, stream, state, change, now=now, actor=SERVICE_PRINCIPAL)


def count_live(transaction: Connection) -> int:
    """Count the streams that a browser has opened; for metrics."""
    columns = store.table.c
    is_opened = columns.redeemed_at.is_not(None)
    return store.streams.count(transaction, columns.state == _S.READY, is_opened)


def wake(transaction: Connection, changed: str, now: datetime) -> None:
    """Make the streams of a session, or of a person, due now."""
    store.wake(transaction, changed, now)


def _note(
    transaction: Connection,
    stream: StreamingSessionStream,
    what: str,
    detail: dict[str, Any],
    *,
    now: datetime,
    actor: str,
    address: str | None = None,
) -> None:
    """Note what happened to a stream, under its session's name."""
    told = {"streamId": stream.id, **detail}
    sessions.note_of(
        transaction, stream, f"streams.{what}", told, now=now, actor=actor, source_address=address
    )


def may_stay_open(transaction: Connection, stream: StreamingSessionStream) -> bool:
    """Reports whether its session is READY and its owner may still work in it."""
    session = sessions.look_up(transaction, stream.session_id)
    return (
        session is not None
        and session.state is StreamingSessionState.READY
        and sessions.may_be_worked_in(transaction, session)
    )
