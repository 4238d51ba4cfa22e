"""What becomes of a session whose host does not answer: rows, observations and times."""

from datetime import timedelta
from typing import Any

import pytest
from tests.resources.sessions.test_lifecycle import NOW, a_backup, a_session

from soundstage.engines.interface import Observed, Phase
from soundstage.resources.backups.model import StreamingSessionState as S
from soundstage.resources.sessions.absence import Absence, Aftermath, after
from soundstage.resources.sessions.lifecycle import Step, blind_step
from soundstage.resources.sessions.model import LeftWorkstation

MINUTE = timedelta(minutes=1)
WHY = "The host n2 does not answer."
MOVES = {"lost_host_move_in_minutes": 10}
COMING: dict[str, Any] = {**MOVES, "unreachable_since": NOW - 9 * MINUTE}
DUE: dict[str, Any] = {**MOVES, "unreachable_since": NOW - 10 * MINUTE}


def step(
    state: S = S.READY, *, has_backup: bool = True, missed: timedelta = timedelta(0), **facts: Any
) -> Step:
    absence = Absence(source=a_backup(S.READY) if has_backup else None, missed=missed)
    return blind_step(
        a_session(state, **facts), None, why=WHY, again_at=NOW + MINUTE, now=NOW, absence=absence
    )


@pytest.mark.parametrize(
    ("facts", "event", "said"),
    [
        ({}, "lost", f"Out of reach. {WHY}"),
        ({"unreachable_since": NOW - 99 * MINUTE}, None, f"Out of reach. {WHY}"),
        (MOVES, "lost", "If that is still so at"),
        (COMING, None, "it is brought up elsewhere from its backup of"),
        (DUE, "move", "After 10 minutes of waiting it is brought up elsewhere from its backup of"),
        ({**DUE, "state": S.START_IN_PROGRESS}, "move", "elsewhere"),
        # Without a backup there is nothing to bring up.
        ({**DUE, "has_backup": False}, None, "There is no backup to bring it up elsewhere from"),
        # A service that was away can't know how long the host was: it is counted anew.
        ({**DUE, "missed": 6 * MINUTE}, "lost", "If that is still so at"),
        ({**DUE, "missed": 4 * MINUTE}, "move", "elsewhere"),
        # The clock was set back.
        ({**MOVES, "unreachable_since": NOW + 99 * MINUTE}, "lost", "If that is still so at"),
        # Of those nobody waits for anything.
        ({**DUE, "state": S.STOPPED}, None, ""),
        ({**DUE, "state": S.STOP_IN_PROGRESS}, None, ""),
        ({**DUE, "state": S.CREATE_IN_PROGRESS}, None, ""),
    ],
)
def test_a_session_waits_or_moves(facts: dict[str, Any], event: str | None, said: str) -> None:
    decided = step(**facts)
    assert decided.event == event
    assert said in decided.message
    assert bool(decided.message) is bool(said)


def test_it_is_looked_at_when_it_is_to_move() -> None:
    decided = step(lost_host_move_in_minutes=10, unreachable_since=NOW - 9.5 * MINUTE)
    assert decided.again_at == NOW + 0.5 * MINUTE


def test_its_end_comes_before_its_move() -> None:
    assert step(**DUE, stop_at=NOW).event == "stop"


LEFT = LeftWorkstation(id="w" * 22, session_id="s" * 22, left_at=NOW)
BACKED_UP = LeftWorkstation(id="w" * 22, session_id="s" * 22, left_at=NOW, backup_id="b" * 22)


@pytest.mark.parametrize(
    ("left", "session", "backup", "phase", "volume", "what"),
    [
        (LEFT, S.READY, None, Phase.RUNNING, 0, Aftermath.STOP),
        (LEFT, S.READY, None, Phase.STARTING, 0, Aftermath.STOP),
        (LEFT, S.READY, None, Phase.STOPPING, 0, Aftermath.STOP),
        (LEFT, S.READY, None, Phase.STOPPED, 0, Aftermath.BACK_UP),
        (LEFT, S.START_FAILED, None, Phase.FAILED, 0, Aftermath.BACK_UP),
        (LEFT, S.READY, None, Phase.STOPPED, None, Aftermath.REMOVE),
        (BACKED_UP, S.READY, S.CREATE_IN_PROGRESS, Phase.STOPPED, 0, Aftermath.WAIT),
        (BACKED_UP, S.READY, S.READY, Phase.STOPPED, 0, Aftermath.REMOVE),
        # The session is being made of that backup.
        (BACKED_UP, S.START_IN_PROGRESS, S.READY, Phase.STOPPED, 0, Aftermath.WAIT),
        (BACKED_UP, S.START_FAILED, S.READY, Phase.STOPPED, 0, Aftermath.WAIT),
        # Rotation was quicker.
        (BACKED_UP, S.READY, S.DELETED, Phase.STOPPED, 0, Aftermath.REMOVE),
        (BACKED_UP, S.READY, None, Phase.STOPPED, 0, Aftermath.REMOVE),
        # No failure removes a disk.
        (BACKED_UP, S.READY, S.CREATE_FAILED, Phase.STOPPED, 0, Aftermath.WAIT),
        # Whoever deletes a session wants nothing of it.
        (LEFT, S.DELETE_IN_PROGRESS, None, Phase.STOPPED, 0, Aftermath.REMOVE),
        (LEFT, None, None, Phase.RUNNING, 0, Aftermath.STOP),
        (LEFT, None, None, Phase.STOPPED, 0, Aftermath.REMOVE),
        (LEFT, S.READY, None, Phase.ABSENT, None, Aftermath.FORGET),
    ],
)
def test_what_was_left_is_stopped_kept_and_removed(
    *,
    left: LeftWorkstation,
    session: S | None,
    backup: S | None,
    phase: Phase,
    volume: int | None,
    what: Aftermath,
) -> None:
    decided = after(
        left,
        None if session is None else a_session(session, volume_backup_id="b" * 22),
        None if backup is None else a_backup(backup),
        Observed(phase=phase, volume_generation=volume),
        NOW,
    )
    assert decided.what is what


def test_a_backup_that_failed_is_tried_again_in_an_hour() -> None:
    stopped = Observed(phase=Phase.STOPPED, volume_generation=0)
    failed = a_backup(S.CREATE_FAILED)
    first = after(BACKED_UP, a_session(S.READY), failed, stopped, NOW)
    assert first.again_at == failed.state_since + timedelta(hours=1)
    again = after(BACKED_UP, a_session(S.READY), failed, stopped, first.again_at)
    assert again.what is Aftermath.BACK_UP
