"""What can be done with hosts; called by the operations, their worker, and nouns that place
workstations or count places.
"""

import unicodedata
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection

from soundstage.engines.interface import ObservedHost, RetryableError
from soundstage.kit import hints, journal, lease
from soundstage.resources.hosts import store
from soundstage.resources.hosts.lifecycle import MACHINE, is_busy
from soundstage.resources.hosts.model import (
    DEFAULT_GRACE,
    LONGEST_GRACE,
    Evacuation,
    Host,
    HostState,
    Occupant,
)
from soundstage.resources.request import Request
from soundstage.wire.codes import Code
from soundstage.wire.faults import ConflictError, NotFoundError, ValidationError


class Occupants(Protocol):
    """What runs on hosts: nouns above this one, handed in where the nouns are put together."""

    def on_host(self, transaction: Connection, host: str) -> list[Occupant]:
        """Read the sessions whose workstations are on a host."""
        ...

    def of_refs(self, transaction: Connection, refs: set[str]) -> list[Occupant]:
        """Read the sessions whose workstations these are."""
        ...

    def count_warm(self, transaction: Connection, refs: set[str]) -> int:
        """Count which of these are prepared workstations."""
        ...

    def tell(
        self, transaction: Connection, evacuation: Evacuation, session_ids: list[str], now: datetime
    ) -> None:
        """Have these sessions count down to the evacuation."""
        ...

    def give_up_warm(self, transaction: Connection, now: datetime) -> None:
        """Have prepared workstations looked at now: those on hosts that are closed leave."""
        ...

    def stop(
        self, transaction: Connection, evacuation: Evacuation, session_ids: list[str], now: datetime
    ) -> None:
        """Begin to stop these sessions, or to end those that can't be stopped."""
        ...

    def release(self, transaction: Connection, host: str, now: datetime) -> None:
        """Have no session of a host count down any more."""
        ...


def closed(transaction: Connection) -> list[str]:
    """Name the hosts on which nothing new may be placed."""
    return store.names(transaction)


def evacuation_of(transaction: Connection, host: str | None) -> Evacuation | None:
    """Read the order to take a host out; None when there is none."""
    return None if host is None else store.evacuations.get(transaction, host)


def orders(transaction: Connection) -> list[Evacuation]:
    """Read all orders, by their hosts' names."""
    return sorted(store.find(transaction), key=lambda each: each.id)


def list_all(request: Request, occupants: Occupants) -> list[Host]:
    """Read all hosts, by their names. Raises ConflictError when the engine can't tell."""
    transaction = request.transaction
    ordered = {each.id: each for each in orders(transaction)}
    seen = {each.name: each for each in _observed(request)}
    missing = {
        name: ObservedHost(name=name, is_reachable=False, detail="it is not there any more")
        for name in ordered.keys() - seen.keys()
    }
    return [
        _host(transaction, each, ordered.get(name), occupants, is_known=name in seen)
        for name, each in sorted({**seen, **missing}.items())
    ]


def _host(
    transaction: Connection,
    observed: ObservedHost,
    evacuation: Evacuation | None,
    occupants: Occupants,
    *,
    is_known: bool,
) -> Host:
    refs = observed.running | observed.resting
    return Host(
        observed=observed,
        is_known=is_known,
        evacuation=evacuation,
        sessions=occupants.of_refs(transaction, refs),
        warm=occupants.count_warm(transaction, refs),
    )


def evacuate(
    request: Request,
    occupants: Occupants,
    host: str,
    *,
    at: datetime | None,
    grace: timedelta | None,
    reason: str,
) -> Evacuation:
    """Order a host to be taken out, or change the moment and the reason of the order."""
    transaction, now = request.transaction, request.now
    ends_at = _moment_of(at, grace, now)
    reason = _checked(reason)
    before = store.evacuations.get(transaction, host)
    if before is None:
        _require_known(request, host)
    state = MACHINE.target(HostState.OPEN if before is None else before.state, "evacuate")
    there = occupants.on_host(transaction, host)
    ordered = Evacuation(
        id=host,
        state=state,
        state_since=now,
        at=ends_at,
        reason=reason,
        remaining=sum(map(is_busy, there)),
        created_at=now,
        created_by=request.caller.principal_id,
    )
    if before is None:
        store.evacuations.insert(transaction, ordered, due_at=now)
    else:
        changes = {name: getattr(ordered, name) for name in ordered.__struct_fields__[1:]}
        store.evacuations.update(transaction, host, {**changes, **lease.touch(store.table, now)})
    occupants.tell(transaction, ordered, [each.session_id for each in there], now)
    occupants.give_up_warm(transaction, now)
    hints.hint(transaction, "hosts", host)
    message = f"It is taken out at {ends_at:%Y-%m-%d %H:%M:%S} UTC{_why(reason)}."
    note(transaction, host, state, actor=ordered.created_by, now=now, message=message)
    return ordered


def reopen(request: Request, occupants: Occupants, host: str) -> None:
    """Take the order back: the host takes workstations again, and nothing counts down any more."""
    transaction, now = request.transaction, request.now
    found = store.evacuations.get(transaction, host)
    if found is None:
        _require_known(request, host)
        possible = MACHINE.sources("reopen")
        raise ConflictError.of_state("host", host, "OPEN", to="reopen it", possible=possible)
    state = MACHINE.target(found.state, "reopen")
    store.evacuations.delete(transaction, host)
    occupants.release(transaction, host, now)
    occupants.give_up_warm(transaction, now)
    note(
        transaction,
        host,
        state,
        actor=request.caller.principal_id,
        now=now,
        message="It takes workstations again.",
    )


def note(
    transaction: Connection, host: str, what: str, *, actor: str, now: datetime, message: str
) -> None:
    """Note what happened to a host."""
    journal.append(
        transaction,
        at=now,
        kind=f"hosts.{what}",
        subject=f"host/{host}",
        actor=actor,
        detail={"state": what, "statusMessage": message},
    )


def _moment_of(at: datetime | None, grace: timedelta | None, now: datetime) -> datetime:
    if at is not None and grace is not None:
        raise ValidationError("at: give a moment or graceInMinutes, not both.")
    ends_at = at if at is not None else now + (DEFAULT_GRACE if grace is None else grace)
    if ends_at < now:
        raise ValidationError(f"at: {ends_at.isoformat()} is in the past.")
    if ends_at > now + LONGEST_GRACE:
        raise ValidationError(
            f"at: {ends_at.isoformat()} is too far ahead; it is {LONGEST_GRACE.days} days from now "
            "at the most."
        )
    return ends_at


def _checked(reason: str) -> str:
    reason = reason.strip().rstrip(".")
    if any(unicodedata.category(each).startswith("C") for each in reason):
        raise ValidationError(
            "reason: it is one line, without control characters.",
            code=Code.ONE_LINE,
            context={"member": "reason"},
        )
    return reason


def _why(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _observed(request: Request) -> list[ObservedHost]:
    if request.hosts is None:
        raise ConflictError(
            "This engine does not tell which hosts it has.", code=Code.HOSTS_UNKNOWN
        )
    try:
        return request.hosts.hosts()
    except RetryableError as error:
        raise ConflictError(
            f"The hosts can't be asked just now: {error}.", code=Code.HOSTS_UNKNOWN
        ) from None


def _require_known(request: Request, host: str) -> None:
    """Orders wait for no engine, so what is asked is what it named a minute ago at the most; one
    that is refused here is decided anew when it has named them again (`names_host`).
    """
    if not request.host_names:
        raise ConflictError(
            "Which hosts there are is not known yet: the engine did not answer.",
            code=Code.HOSTS_UNKNOWN,
        )
    if host not in request.host_names:
        raise NotFoundError("host", host)
