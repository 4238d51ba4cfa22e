"""What can be done with shares; called by their operations, and, through `wiring`, by the gateway.

A share lives by its time, its owner's word and its session: nothing works on it by itself.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from soundstage.kit import ids
from soundstage.resources.backups.model import StreamingSessionState
from soundstage.resources.request import Request
from soundstage.resources.session_shares import store
from soundstage.resources.session_shares.model import (
    DEFAULT_MINUTES,
    DEFAULT_VIEWERS,
    MOST_OF_A_SESSION,
    SessionShare,
)
from soundstage.resources.sessions import service as sessions
from soundstage.resources.sessions.model import StreamingSession
from soundstage.wire.codes import Code
from soundstage.wire.faults import ConflictError, NotFoundError, ValidationError
from soundstage.wire.ticket import Ticket, Tickets


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What a session's launch profile allowed when it was made."""

    minutes: int
    viewers: int


def bounds_of(session: StreamingSession) -> Bounds | None:
    """Say how long and by how many a session may be looked at; None where it may not be shared."""
    if session.share_minutes is None or session.share_viewers is None:
        return None
    return Bounds(minutes=session.share_minutes, viewers=session.share_viewers)


def create(
    request: Request,
    studio_id: str,
    session_id: str,
    *,
    minutes: int | None,
    viewers: int | None,
) -> SessionShare:
    """Make a link for looking on. Raises NotFoundError, ConflictError, ValidationError."""
    session = sessions.get(request, studio_id, session_id)
    sessions.require_membership(request, session)
    return make(
        request.transaction,
        session,
        request.now,
        by=request.caller.principal_id,
        minutes=minutes,
        viewers=viewers,
    )


def make(
    transaction: Connection,
    session: StreamingSession,
    now: datetime,
    *,
    by: str,
    minutes: int | None,
    viewers: int | None,
) -> SessionShare:
    """Make a share of a session that is READY. Raises ConflictError, ValidationError."""
    about = {"resourceId": session.id}
    bounds = bounds_of(session)
    if bounds is None:
        raise ConflictError(
            f"The session {session.id} may not be shared: its launch profile has no sessionShare.",
            code=Code.NOT_SHARED,
            context=about,
        )
    if session.state is not StreamingSessionState.READY:
        raise ConflictError.of_state(sessions.KIND, session.id, session.state, to="be shared")
    minutes = _within("lengthInMinutes", minutes, DEFAULT_MINUTES, bounds.minutes)
    viewers = _within("maxViewers", viewers, DEFAULT_VIEWERS, bounds.viewers)
    if len(store.open_of(transaction, session.id, now)) >= MOST_OF_A_SESSION:
        raise ConflictError(
            f"The session {session.id} has {MOST_OF_A_SESSION} open shares, which is the most. "
            "End one of them first.",
            code=Code.MOST_SHARES,
            context={**about, "limit": str(MOST_OF_A_SESSION)},
        )
    share = SessionShare(
        id=ids.new_id(),
        studio_id=session.studio_id,
        session_id=session.id,
        owned_by=session.owned_by,
        created_by=by,
        created_at=now,
        ends_at=now + timedelta(minutes=minutes),
        max_viewers=viewers,
    )
    store.shares.insert(transaction, share)
    detail = {"lengthInMinutes": minutes, "maxViewers": viewers}
    _note(transaction, share, "CREATED", detail, now=now, actor=by)
    return share


def list_open(
    request: Request, studio_id: str, session_id: str
) -> tuple[list[SessionShare], Bounds | None]:
    """List the shares of a session that are open, and what they may be. Raises NotFoundError."""
    session = sessions.get(request, studio_id, session_id)
    return store.open_of(request.transaction, session_id, request.now), bounds_of(session)


def delete(request: Request, studio_id: str, session_id: str, share_id: str) -> None:
    """End a share; whoever looks on is cut within seconds. Raises NotFoundError."""
    sessions.get(request, studio_id, session_id)
    end(
        request.transaction,
        session_id,
        share_id,
        request.now,
        by=request.caller.principal_id,
    )


def end(
    transaction: Connection, session_id: str, share_id: str, now: datetime, *, by: str
) -> SessionShare:
    """End a share of a session; one that has ended stays so. Raises NotFoundError."""
    share = store.shares.get(transaction, share_id)
    if share is None or share.session_id != session_id:
        raise NotFoundError("session share", share_id)
    if not share.is_open(now):
        return share
    store.shares.update(transaction, share.id, {"ended_at": now})
    _note(transaction, share, "ENDED", {}, now=now, actor=by)
    return msgspec.structs.replace(share, ended_at=now)


def url_of(tickets: Tickets, address: str, share: SessionShare) -> str:
    """Sign the address that lets somebody look on until the share ends."""
    ticket = Ticket(
        stream_id=share.id, subject=share.owned_by, expires=int(share.ends_at.timestamp())
    )
    return f"{address}/streams/{share.id}/?ticket={tickets.sign(ticket)}"


def enter(
    transaction: Connection, share_id: str, now: datetime, address: str | None
) -> SessionShare | None:
    """Let one more browser look on, and note that; None when the share is over."""
    share = find_open(transaction, share_id, now)
    if share is not None:
        # Who they are nobody knows: they have the link, and the owner gave it away.
        _note(
            transaction, share, "OPENED", {}, now=now, actor=share.owned_by, source_address=address
        )
    return share


def is_share(transaction: Connection, share_id: str) -> bool:
    """Reports whether there is, or was, a share of this id."""
    return store.shares.get(transaction, share_id) is not None


def find_open(transaction: Connection, share_id: str, now: datetime) -> SessionShare | None:
    """Read a share that leads to a desktop now."""
    found = store.shares.get(transaction, share_id)
    return found if found is not None and living(transaction, {share_id}, now) else None


def living(transaction: Connection, share_ids: set[str], now: datetime) -> set[str]:
    """Say which of these are open shares of sessions that are READY and still their owner's."""
    found = [each for each in store.among(transaction, share_ids) if each.is_open(now)]
    known = {each.session_id: sessions.look_up(transaction, each.session_id) for each in found}
    usable = {
        session_id
        for session_id, session in known.items()
        if session is not None
        and session.state is StreamingSessionState.READY
        and sessions.may_be_worked_in(transaction, session)
    }
    return {each.id for each in found if each.session_id in usable}


def open_of(transaction: Connection, session_id: str, now: datetime) -> list[SessionShare]:
    """List the shares of a session that are open."""
    return store.open_of(transaction, session_id, now)


def note_viewers(transaction: Connection, counts: Mapping[str, int], now: datetime) -> None:
    """Note how many look on by each of these shares."""
    store.note_viewers(transaction, counts, now)


def _within(member: str, given: int | None, default: int, most: int) -> int:
    if given is None:
        return min(default, most)
    if not 1 <= given <= most:
        raise ValidationError(
            f"{member}: {given} is not from 1 to {most}, as the launch profile allows.",
            code=Code.PROFILE_ALLOWS,
            context={"member": member, "limit": str(most)},
        )
    return given


def _note(
    transaction: Connection,
    share: SessionShare,
    what: str,
    detail: dict[str, Any],
    *,
    now: datetime,
    actor: str,
    source_address: str | None = None,
) -> None:
    """Note what happened to a share, under its session's name."""
    told = {"shareId": share.id, **detail}
    sessions.note_of(
        transaction,
        share,
        f"session_shares.{what}",
        told,
        now=now,
        actor=actor,
        source_address=source_address,
    )
