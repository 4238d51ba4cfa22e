"""How a host is taken out: whom to tell, whom to stop now, and when it is empty. No I/O.

`next_step` is a pure function of the order, of what the engine and the sessions' rows say is there,
and of the time; the worker in `reconcile` carries its answer out.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from soundstage.engines.interface import ObservedHost
from soundstage.kit.machine import Machine
from soundstage.resources.hosts.model import Evacuation, HostState, Occupant, Stage

_H = HostState

MACHINE = Machine(
    "host",
    [
        ([_H.OPEN, _H.EVACUATING, _H.EVACUATED], "evacuate", _H.EVACUATING),
        ([_H.EVACUATING], "empty", _H.EVACUATED),
        # Somebody started one there by hand, or the host was away when it was looked at.
        ([_H.EVACUATED], "occupied", _H.EVACUATING),
        ([_H.EVACUATING, _H.EVACUATED], "reopen", _H.OPEN),
    ],
    {},
    initial=_H.OPEN,
)

AT_ONCE = 4
"""So many are on their way down together: each has its disk read for a backup, and those that end
at the same moment would keep each other from it.
"""
LOOK_EVERY = timedelta(seconds=5)
STOP_EVERY = timedelta(seconds=1)
"""How often it is looked at while some are on their way down."""
EMPTY_EVERY = timedelta(minutes=1)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What to do about a host now."""

    tell: list[str] = []
    """The sessions that are to count down to its end, by their ids."""
    stop: list[str] = []
    """Those whose turn it is."""
    event: str | None = None
    """A transition of MACHINE."""
    remaining: int
    again_at: datetime


def next_step(
    evacuation: Evacuation, host: ObservedHost | None, occupants: Sequence[Occupant], now: datetime
) -> Step:
    """Decide what to do. `host` is None when the engine has none of that name."""
    busy = {each.ref for each in occupants if is_busy(each)}
    if host is not None and host.is_reachable:
        busy |= host.running
    remaining = len(busy)
    running = [each for each in occupants if each.stage is Stage.RUNNING]
    return Step(
        tell=[each.session_id for each in running if not each.is_told],
        stop=[] if now < evacuation.at else _whose_turn(occupants),
        event=_event(evacuation, host, remaining),
        remaining=remaining,
        again_at=_next_look(evacuation, remaining, now),
    )


def is_busy(occupant: Occupant) -> bool:
    """Reports whether a session still needs its host: it runs there, or its disk is being read."""
    return occupant.stage is not Stage.RESTING or occupant.is_copied


def _whose_turn(occupants: Sequence[Occupant]) -> list[str]:
    """Those first in which nobody has worked for longest: whoever works on has a little longer.

    One that can't be reached can't be stopped; it waits as it would in any case.
    """
    free = AT_ONCE - sum(each.stage is Stage.LEAVING for each in occupants)
    waiting = [each for each in occupants if each.stage is Stage.RUNNING and each.is_reachable]
    waiting.sort(key=lambda each: (each.last_active_at, each.session_id))
    return [each.session_id for each in waiting[: max(free, 0)]]


def _event(evacuation: Evacuation, host: ObservedHost | None, remaining: int) -> str | None:
    if host is not None and not host.is_reachable:
        # What goes on there nobody can tell: one that was empty may have been switched off.
        return None
    if remaining == 0 and evacuation.state is _H.EVACUATING:
        return "empty"
    if remaining > 0 and evacuation.state is _H.EVACUATED:
        return "occupied"
    return None


def _next_look(evacuation: Evacuation, remaining: int, now: datetime) -> datetime:
    if remaining == 0:
        return now + EMPTY_EVERY
    if now < evacuation.at:
        return min(now + LOOK_EVERY, evacuation.at)
    return now + STOP_EVERY
