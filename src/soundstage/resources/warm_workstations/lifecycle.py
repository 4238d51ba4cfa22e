"""How a place in a pool goes round, and what to do next with one. No I/O.

`next_step` is a pure function of the row, of what the engine sees, and of the time; the worker in
`reconcile` carries its answer out. Nothing is ever asked of the engine in READY: so whoever takes
a READY one in a transaction has it for good, whatever a worker was about to do.
"""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from soundstage.engines.interface import Capacity, Observed, Phase, Reason, Room
from soundstage.kit.machine import Machine
from soundstage.resources.warm_workstations.model import (
    FIRST_ATTEMPT,
    LONGEST_REST,
    Draft,
    WarmWorkstation,
    WarmWorkstationState,
)

_S = WarmWorkstationState

MACHINE = Machine(
    "warm workstation",
    [
        ([_S.EMPTY], "begin", _S.PREPARING),
        ([_S.PREPARING], "prepared", _S.READY),
        ([_S.PREPARING, _S.READY], "leave", _S.LEAVING),
        ([_S.PREPARING, _S.READY], "failed", _S.LEAVING),
        ([_S.READY], "taken", _S.EMPTY),
        ([_S.LEAVING], "gone", _S.EMPTY),
        ([_S.PREPARING, _S.READY, _S.LEAVING], "lost", _S.EMPTY),
        ([_S.EMPTY], "not wanted", _S.DELETED),
    ],
    {},
    initial=_S.EMPTY,
)

PREPARES_WITHIN = timedelta(minutes=10)
CHECK_EVERY = timedelta(seconds=30)
"""How often one that is READY is looked at, and how often an EMPTY place looks for a reason to be
filled.
"""
YIELDS_FOR = timedelta(minutes=1)
"""How long a place stays empty whose room was needed, or for which there was none."""
_FIRST_REST = timedelta(seconds=15)
_LONGEST_WAIT = timedelta(seconds=2)


class Act(StrEnum):
    """What to ask of the engine."""

    NOTHING = "nothing"
    PREPARE = "prepare"
    REMOVE = "remove"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What to do with a place now."""

    act: Act = Act.NOTHING
    event: str | None = None
    """A transition of MACHINE."""
    message: str = ""
    rests_for: timedelta = timedelta(0)
    """With `failed`: how long to wait before the next try."""
    is_failure: bool = False
    """Whether it counts among those that came to nothing."""
    host: str | None = None
    """With `prepared`: where it is."""
    again_at: datetime


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to know besides the row and the workstation."""

    is_wanted: bool
    """Whether the pool is so large."""
    draft: Draft | None
    """What one would be prepared from now; None when none can be, such as of an image that is
    being changed."""
    oldest: timedelta
    """How old one may get."""
    patience: timedelta = timedelta(0)
    """How much longer preparing may take, for its scripts and mounts."""
    closed: list[str] = []
    """The hosts that are taken out."""


def next_step(
    place: WarmWorkstation, observed: Observed, now: datetime, situation: Situation
) -> Step:
    """Decide what to do with a place and with what stands in it."""
    match place.state:
        case _S.EMPTY:
            return _fill(place, situation, now)
        case _S.LEAVING:
            return _remove(place, observed, now)
        case _:
            leaving = _why_to_leave(place, observed, situation, now)
            if leaving:
                return Step(event="leave", message=leaving, again_at=now)
            if place.state is _S.PREPARING:
                return _prepare(place, observed, now, situation)
            return _keep(place, observed, now, situation)


def blind_step(place: WarmWorkstation, *, why: str, again_at: datetime, now: datetime) -> Step:
    """Decide while the engine can't say what is there."""
    is_late = now - place.state_since > PREPARES_WITHIN
    if place.state is _S.PREPARING and is_late:
        return _failed(place, why, now)
    return Step(again_at=again_at)


def lost_step(why: str, now: datetime) -> Step:
    """Decide when its host does not answer: another is prepared elsewhere. Nobody has had it, so it
    is no loss, and whoever sweeps up what is nobody's removes it when the host is back.
    """
    return Step(event="lost", message=why, again_at=now)


def refused_step(place: WarmWorkstation, reason: Reason, why: str, now: datetime) -> Step:
    """Decide when the engine can't prepare it. That there is no room is nobody's failure."""
    if reason is Reason.CAPACITY:
        return Step(event="failed", message=why, rests_for=YIELDS_FOR, again_at=now)
    return _failed(place, why, now)


def _fill(place: WarmWorkstation, situation: Situation, now: datetime) -> Step:
    if not situation.is_wanted:
        return Step(event="not wanted", again_at=now)
    if place.rests_until is not None and now < place.rests_until <= now + LONGEST_REST:
        return Step(again_at=place.rests_until)
    if situation.draft is None:
        return Step(again_at=now + CHECK_EVERY)
    return Step(event="begin", again_at=now)


def _why_to_leave(
    place: WarmWorkstation, observed: Observed, situation: Situation, now: datetime
) -> str:
    if not situation.is_wanted:
        return "The launch profile wants no such place any more."
    if (observed.host or place.host) in situation.closed:
        return "Its host is taken out for maintenance."
    mine = None if place.draft is None else place.draft.fingerprint
    if situation.draft is None or situation.draft.fingerprint != mine:
        return "The launch profile, its image or a component was changed."
    if place.state is _S.READY and now - place.state_since >= situation.oldest:
        return "It was prepared long ago."
    return ""


def _prepare(
    place: WarmWorkstation, observed: Observed, now: datetime, situation: Situation
) -> Step:
    if observed.attempt == FIRST_ATTEMPT and observed.phase is Phase.PREPARED:
        return Step(event="prepared", host=observed.host, again_at=now + CHECK_EVERY)
    if observed.phase in {Phase.STOPPED, Phase.FAILED}:
        if observed.reason is Reason.CAPACITY:
            return refused_step(place, observed.reason, observed.detail, now)
        return _failed(place, observed.detail, now)
    waited = now - place.state_since
    if waited > PREPARES_WITHIN + situation.patience:
        return _failed(place, "It was not prepared in time. " + observed.detail, now)
    least = timedelta(seconds=1) if observed.is_noticed else timedelta(milliseconds=250)
    soon = now + min(max(least, waited / 10), _LONGEST_WAIT)
    if observed.until is not None:
        soon = max(soon, min(observed.until, now + _LONGEST_WAIT))
    return Step(act=Act.PREPARE, message=observed.detail, again_at=soon)


def _keep(place: WarmWorkstation, observed: Observed, now: datetime, situation: Situation) -> Step:
    if observed.phase is not Phase.PREPARED:
        why = f"It was found {observed.phase}. {observed.detail}".rstrip()
        return _failed(place, why, now)
    return Step(again_at=min(now + CHECK_EVERY, place.state_since + situation.oldest))


def _remove(place: WarmWorkstation, observed: Observed, now: datetime) -> Step:
    if observed.phase is Phase.ABSENT:
        return Step(event="gone", again_at=now)
    waited = now - place.state_since
    soon = now + min(max(timedelta(milliseconds=150), waited / 10), _LONGEST_WAIT)
    return Step(act=Act.REMOVE, again_at=soon)


def _failed(place: WarmWorkstation, why: str, now: datetime) -> Step:
    """Try again ever later: what fails each time must not keep a machine busy."""
    rest = min(_FIRST_REST * 2 ** min(place.failures, 16), LONGEST_REST)
    return Step(event="failed", message=why, rests_for=rest, is_failure=True, again_at=now)


def would_help(room: Room | None, warm: set[str], instance_type: str) -> bool:
    """Reports whether a start of this size could find its place if all these were given up."""
    wanted = None if room is None else room.types.get(instance_type)
    if room is None or wanted is None:
        return True
    spare = promised_to(room, warm)
    return all(
        getattr(wanted, what)
        <= getattr(room.to_promise, what)
        - getattr(room.promised, what)
        + getattr(spare, what)
        + _SLIP
        for what in ("cpus", "memory_bytes", "gpus")
    )


_SLIP = 1e-6
"""The last digits of a sum of fractions must not cost a place."""


def promised_to(room: Room, refs: set[str]) -> Capacity:
    """Add up what these workstations were promised."""
    theirs = [each for ref, each in room.workstations.items() if ref in refs]
    return Capacity(
        cpus=sum(each.cpus for each in theirs),
        memory_bytes=sum(each.memory_bytes for each in theirs),
        gpus=sum(each.gpus for each in theirs),
    )
