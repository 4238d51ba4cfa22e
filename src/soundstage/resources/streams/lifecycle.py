"""How a stream moves from state to state, and what to do next with one. No I/O."""

from datetime import datetime, timedelta

import msgspec

from soundstage.engines.interface import Observed, Phase
from soundstage.kit.machine import READABLE_FOR, Machine
from soundstage.resources.streams.model import (
    StreamingSessionStream,
    StreamingSessionStreamState,
)

_S = StreamingSessionStreamState

MACHINE = Machine(
    "streaming session stream",
    [
        ([_S.CREATE_IN_PROGRESS], "answered", _S.READY),
        ([_S.CREATE_IN_PROGRESS], "failed", _S.CREATE_FAILED),
        ([_S.CREATE_IN_PROGRESS, _S.READY], "end", _S.DELETE_IN_PROGRESS),
        ([_S.READY], "expired", _S.DELETED),
        ([_S.DELETE_IN_PROGRESS], "gone", _S.DELETED),
        ([_S.DELETE_IN_PROGRESS], "failed", _S.DELETE_FAILED),
    ],
    {
        # The stock waiter gives up after 150 s.
        _S.CREATE_IN_PROGRESS: timedelta(seconds=60),
        _S.DELETE_IN_PROGRESS: timedelta(seconds=60),
    },
    initial=_S.CREATE_IN_PROGRESS,
)

LOOK_EVERY = timedelta(seconds=30)
"""How often an open stream is looked at, in case a hint was lost."""
ENDED = {_S.DELETE_IN_PROGRESS, _S.DELETED, _S.CREATE_FAILED, _S.DELETE_FAILED}


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What to do with a stream now."""

    event: str | None = None
    """A transition of MACHINE, or `purge`, which removes the row."""
    message: str = ""
    again_at: datetime | None = None


def next_step(
    stream: StreamingSessionStream,
    observed: Observed,
    now: datetime,
    *,
    may_stay_open: bool,
) -> Step:
    """Decide from what is stored, what is seen, and what time it is."""
    match stream.state:
        case _S.CREATE_IN_PROGRESS | _S.READY if not may_stay_open:
            return Step(
                event="end",
                message="The session has stopped, or its owner may not use it any more.",
                again_at=now,
            )
        case _S.CREATE_IN_PROGRESS if observed.phase is Phase.RUNNING:
            return Step(event="answered", again_at=_next_look(stream, now))
        case _S.CREATE_IN_PROGRESS if now - stream.state_since > MACHINE.limits[stream.state]:
            return Step(
                event="failed",
                message="The desktop's stream server did not answer within a minute.",
                again_at=now + READABLE_FOR,
            )
        case _S.CREATE_IN_PROGRESS:
            return Step(again_at=now + timedelta(milliseconds=200))
        case _S.READY if stream.redeemed_at is None and now >= stream.expires_at:
            return Step(
                event="expired",
                message="Nobody opened it before it expired.",
                again_at=now + READABLE_FOR,
            )
        case _S.READY:
            return Step(again_at=_next_look(stream, now))
        case _S.DELETE_IN_PROGRESS:
            # The gateway asks every second which streams have ended and cuts them.
            return Step(event="gone", message="The stream has ended.", again_at=now + READABLE_FOR)
        case _ if now - stream.state_since >= READABLE_FOR:
            return Step(event="purge")
        case _:
            return Step(again_at=stream.state_since + READABLE_FOR)


def _next_look(stream: StreamingSessionStream, now: datetime) -> datetime:
    later = now + LOOK_EVERY
    is_open = stream.redeemed_at is not None or stream.expires_at <= now
    return later if is_open else min(later, stream.expires_at)
