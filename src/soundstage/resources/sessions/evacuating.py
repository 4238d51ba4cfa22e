"""Sessions on a host that is taken out: who they are, and how they are told, stopped and let stay.

The noun of hosts decides; it lies below this one, and is handed these functions as its `Occupants`.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from soundstage.kit import hints, lease
from soundstage.resources.backups import service as backups
from soundstage.resources.backups.model import StreamingSessionState
from soundstage.resources.hosts import service as hosts
from soundstage.resources.hosts.model import Evacuation, Occupant, Stage
from soundstage.resources.request import SERVICE_PRINCIPAL
from soundstage.resources.sessions import service, store
from soundstage.resources.sessions.model import Rule, StreamingSession, Vacating
from soundstage.resources.warm_workstations import service as warm

_S = StreamingSessionState
_STAGES = {
    _S.CREATE_IN_PROGRESS: Stage.COMING,
    _S.START_IN_PROGRESS: Stage.COMING,
    _S.READY: Stage.RUNNING,
    _S.STOP_IN_PROGRESS: Stage.LEAVING,
    _S.DELETE_IN_PROGRESS: Stage.LEAVING,
}
"""All others rest."""


def on_host(transaction: Connection, host: str) -> list[Occupant]:
    """Read the sessions whose workstations are on a host."""
    return _occupants(transaction, store.on_host(transaction, host))


def of_refs(transaction: Connection, refs: set[str]) -> list[Occupant]:
    """Read the sessions whose workstations these are."""
    return _occupants(transaction, store.of_refs(transaction, refs))


def count_warm(transaction: Connection, refs: set[str]) -> int:
    """Count which of these are prepared workstations."""
    return len(warm.refs(transaction) & refs)


def tell(
    transaction: Connection, evacuation: Evacuation, session_ids: list[str], now: datetime
) -> None:
    """Have those of these sessions that run count down to the evacuation."""
    order = _order_of(evacuation)
    for session in store.among(transaction, session_ids):
        if session.state is not _S.READY or session.vacating == order:
            continue
        store.sessions.update(
            transaction,
            session.id,
            {"vacating": order, "updated_at": now, **lease.touch(store.table, now)},
        )
        service.note(
            transaction,
            session,
            "VACATING",
            actor=evacuation.created_by,
            now=now,
            message=f"It ends at {order.at:%Y-%m-%d %H:%M:%S} UTC, because {evacuation.because}.",
        )


def give_up_warm(transaction: Connection, now: datetime) -> None:
    """Have prepared workstations looked at now."""
    warm.look_again(transaction, now)


def stop(
    transaction: Connection, evacuation: Evacuation, session_ids: list[str], now: datetime
) -> None:
    """Begin to stop these sessions if they still run, or to end those that can't be stopped."""
    for session in store.among(transaction, session_ids):
        if session.state is not _S.READY:
            continue
        if session.may_be_stopped:
            service.begin_stop(
                transaction,
                session,
                now=now,
                by=SERVICE_PRINCIPAL,
                message=f"The workstation is being stopped, because {evacuation.because}.",
                rule=Rule.HOST_EVACUATION,
                vacating=_order_of(evacuation),
            )
        else:
            service.begin_delete(
                transaction,
                session,
                now=now,
                by=SERVICE_PRINCIPAL,
                message=f"The workstation is being removed, because {evacuation.because}.",
            )
        hints.hint(transaction, "sessions", session.id)


def release(transaction: Connection, host: str, now: datetime) -> None:
    """Have no session of a host count down any more; what was stopped stays so."""
    for session in store.on_host(transaction, host):
        if session.vacating is None:
            continue
        store.sessions.update(
            transaction,
            session.id,
            {"vacating": None, "updated_at": now, **lease.touch(store.table, now)},
        )
        if session.state is _S.READY:
            service.note(
                transaction,
                session,
                "STAYS",
                actor=SERVICE_PRINCIPAL,
                now=now,
                message=f"The host {host} takes workstations again, so it goes on.",
            )
        hints.hint(transaction, "sessions", session.id)


def _occupants(transaction: Connection, sessions: Iterable[StreamingSession]) -> list[Occupant]:
    there = list(sessions)
    copied = backups.being_made(transaction, {session.id for session in there})
    orders = {
        host: None if found is None else _order_of(found)
        for host in {session.host for session in there}
        for found in [hosts.evacuation_of(transaction, host)]
    }
    return [
        Occupant(
            session_id=session.id,
            studio_id=session.studio_id,
            owned_by=session.owned_by,
            state=session.state,
            stage=_STAGES.get(session.state, Stage.RESTING),
            ref=session.ref,
            is_reachable=session.unreachable_since is None,
            last_active_at=session.active_at or session.state_since,
            is_told=session.vacating is not None and session.vacating == orders[session.host],
            is_copied=session.id in copied,
        )
        for session in there
    ]


def _order_of(evacuation: Evacuation) -> Vacating:
    return Vacating(at=evacuation.at, since=evacuation.created_at, reason=evacuation.reason)
