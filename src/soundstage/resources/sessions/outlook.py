"""What of a start is still to come, worked out from how the last ones like it went. No I/O.

`starts` reads those from the trail of events; the API tells what is worked out here of a start that
goes on. Nothing is guessed: a step that was not measured often enough has no time.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from statistics import median

import msgspec

from soundstage.resources.sessions import steps
from soundstage.resources.sessions.model import StreamingSession
from soundstage.resources.sessions.steps import Origin, StartStep, StepTaken

FEWEST_STARTS = 3
"""A step that fewer starts had says nothing about the next one."""

_NOT_FORESEEN = frozenset({StartStep.TURN})
"""Whether others go first depends on who else starts just then."""
_OF_THE_PROFILE = frozenset({StartStep.SCRIPT, StartStep.SHARES})
"""Steps that another launch profile's starts tell nothing about."""

_Key = tuple[StartStep, str, int]
"""The step, of a script whose it is, and how many of the same came before."""


class PastStep(msgspec.Struct, frozen=True, rename="camel"):
    """A step of a start that is over, as the trail of events has it."""

    step: StartStep
    seconds: float
    component_name: str = ""


class Past(msgspec.Struct, frozen=True, rename="camel"):
    """A start that went well, as the trail of events has it."""

    started_from: Origin
    start_steps: list[PastStep]


class Coming(msgspec.Struct, frozen=True, kw_only=True):
    """A step that is still to come."""

    step: StartStep
    component: str = ""
    """Of a script, whose it is."""
    number: int = 0
    of: int = 0
    usual_seconds: float | None = None
    """What it took the last times; None where that was not measured often enough."""


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be expected of a start that goes on."""

    ahead: list[Coming]
    usual_seconds: float | None
    """What the step that it is at took the last times, likewise."""
    remaining_seconds: float | None
    """How long all that is left takes; None while any of it is not known."""


def outlook(
    session: StreamingSession, own: Sequence[Past], others: Sequence[Past], now: datetime
) -> Outlook:
    """Say what is to come of a start.

    `own` are the last starts of its launch profile, oldest first; `others` those of the whole
    studio, which tell the names of steps where the profile has no start like this one yet.
    """
    origin = steps.origin(session)
    like = [past for past in own if past.started_from is origin]
    taken = steps.taken(session)
    usual = _usual(like)
    ahead = _ahead(_plan(like, others, origin), taken, usual)
    present = next((key for key, each in _keyed_taken(taken) if each.seconds is None), None)
    return Outlook(
        ahead=ahead,
        usual_seconds=None if present is None else usual.get(present),
        remaining_seconds=_remaining(taken, present, ahead, usual, now),
    )


def _plan(like: Sequence[Past], others: Sequence[Past], origin: Origin) -> list[PastStep]:
    """Take the steps of the newest start like this one: what it had, this one is to have."""
    if like:
        return [each for each in like[-1].start_steps if each.step not in _NOT_FORESEEN]
    passing = _NOT_FORESEEN | _OF_THE_PROFILE
    same = [past for past in others if past.started_from is origin]
    return [each for each in same[-1].start_steps if each.step not in passing] if same else []


def _ahead(plan: list[PastStep], taken: list[StepTaken], usual: dict[_Key, float]) -> list[Coming]:
    """Leave out what came already, and what did not come when it was its turn."""
    keys = _keys((each.step, each.component_name) for each in plan)
    known = {key for key, _ in _keyed_taken(taken)}
    behind = max((at for at, key in enumerate(keys) if key in known), default=-1)
    scripts = [key for key in keys if key[0] is StartStep.SCRIPT]
    said = next((each.of for each in taken if each.step is StartStep.SCRIPT), len(scripts))
    return [
        Coming(
            step=key[0],
            component=key[1],
            number=scripts.index(key) + 1 if key in scripts else 0,
            of=len(scripts) if key in scripts else 0,
            usual_seconds=usual.get(key),
        )
        for key in keys[behind + 1 :]
        # Where there are now more scripts, or fewer, the old list of them is no good.
        if key not in known and (key not in scripts or said == len(scripts))
    ]


def _remaining(
    taken: list[StepTaken],
    present: _Key | None,
    ahead: list[Coming],
    usual: dict[_Key, float],
    now: datetime,
) -> float | None:
    times = [each.usual_seconds for each in ahead]
    known = [each for each in times if each is not None]
    if present not in usual or len(known) < len(times):
        return None
    (began_at,) = (each.began_at for each in taken if each.seconds is None)
    left = usual[present] - (now - began_at).total_seconds()
    return round(max(0.0, left) + sum(known), 3)


def _usual(like: Sequence[Past]) -> dict[_Key, float]:
    measured: dict[_Key, list[float]] = {}
    for past in like:
        keys = _keys((each.step, each.component_name) for each in past.start_steps)
        for key, each in zip(keys, past.start_steps, strict=True):
            measured.setdefault(key, []).append(each.seconds)
    return {
        key: round(median(times), 3)
        for key, times in measured.items()
        if len(times) >= FEWEST_STARTS
    }


def _keyed_taken(taken: list[StepTaken]) -> list[tuple[_Key, StepTaken]]:
    return list(zip(_keys((each.step, each.component) for each in taken), taken, strict=True))


def _keys(named: Iterable[tuple[StartStep, str]]) -> list[_Key]:
    """Tell apart what has the same name: a component may have two scripts."""
    before: Counter[tuple[StartStep, str]] = Counter()
    keys = []
    for step, component in named:
        keys.append((step, component, before[step, component]))
        before[step, component] += 1
    return keys
