"""Days of a busy studio in minutes: many sessions, accidents, kills, and then every row explained.

`scripts/soak` runs it long, a test runs it short. The engine is simulated and time is moved by
hand; the service dies in the middle of engine calls, before they act and after, and is started
again over what it left. What happens is drawn from a seed, so a finding can be had again.
"""

import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from soundstage.client.calls import CallError
from soundstage.engines.interface import BackupPhase, Phase
from soundstage.engines.simulated.misbehaviour import Misbehaviour
from soundstage.kit import journal
from soundstage.resources.backups import service as backups
from soundstage.resources.backups.model import StreamingSessionState
from soundstage.resources.sessions import activity
from soundstage.resources.sessions import service as sessions
from soundstage.resources.sessions.lifecycle import MACHINE
from soundstage.resources.sessions.model import StreamingSession
from soundstage.testing.world import World

_S = StreamingSessionState
_CALLS = (
    "observe",
    "ensure_running",
    "ensure_stopped",
    "ensure_absent",
    "ensure_backup",
    "show_message",
    "observe_use",
)
_PROFILES: list[dict[str, Any]] = [
    {"maxSessionLengthInMinutes": 90},
    {
        "maxSessionLengthInMinutes": 240,
        "sessionPersistenceMode": "ACTIVATED",
        "sessionBackup": {"mode": "AUTOMATIC", "maxBackupsToRetain": 2},
    },
    {
        "maxSessionLengthInMinutes": 60,
        "sessionPersistenceMode": "ACTIVATED",
        "automaticTerminationMode": "ACTIVATED",
    },
    {
        "maxSessionLengthInMinutes": 120,
        "sessionPersistenceMode": "ACTIVATED",
        "automaticTerminationMode": "ACTIVATED",
        "maxStoppedSessionLengthInMinutes": 600,
        "idleStopInMinutes": 30,
    },
]
"""The rows of the conditional matrix, one of them with an idle stop."""


class KilledError(BaseException):
    """The service's process ends here; nobody catches this as an error of a step."""


class Soak:
    """One studio, and what befalls it."""

    def __init__(self, home: Path, *, seed: int, sessions: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - dice, not secrets
        self.wished = sessions
        self.world = World(home, quota_sessions_per_user=100_000, quota_sessions=100_000)
        self.happened: Counter[str] = Counter()
        self.ids: list[str] = []
        self._next_death = 0
        self._let_die()
        self.studio_id: str = self.world.studio()["studioId"]
        self.profiles: list[str] = [
            self.world.profile(self.studio_id, **rules)["launchProfileId"] for rules in _PROFILES
        ]
        self._next_death = self._draw_death()

    def run(self, length: timedelta) -> None:
        """Let so much time pass, with all that can happen, and then an hour of peace."""
        end = self.world.clock() + length
        while self.world.clock() < end:
            for _ in range(self.random.randint(1, 6)):
                self._alive(self._something)
            self._alive(self._wait)
        self._next_death = 0
        self.world.restart()
        self.world.engine.calm()
        self.world.advance(timedelta(hours=1))
        self.world.service.housekeeping.sweep()
        self.world.advance(timedelta(minutes=1))

    def close(self) -> None:
        """Let go of everything."""
        self.world.close()

    # What happens.

    def _alive(self, act: Callable[[], object]) -> None:
        try:
            act()
        except KilledError:
            self.happened["kill"] += 1
            self.world.restart()
            self._next_death = self._draw_death()

    def _wait(self) -> None:
        self.world.advance(timedelta(seconds=self.random.choice([5, 30, 120, 900, 3600])))

    def _something(self) -> None:
        if len(self.ids) < self.wished:
            self._create()
            return
        choices = [
            (self._create, 6), (self._call, 30), (self._crash, 8), (self._misbehave, 8),
            (self._work, 10), (self.world.restart, 1),
        ]  # fmt: skip
        acts, weights = zip(*choices, strict=True)
        (act,) = self.random.choices(acts, weights)
        act()

    def _create(self) -> None:
        made = self._ask(
            "CreateStreamingSession",
            launchProfileId=self.random.choice(self.profiles),
        )
        if made is not None:
            self.ids.append(made["session"]["sessionId"])

    def _call(self) -> None:
        operation = self.random.choice(["Start", "Start", "Stop", "Stop", "Delete", "Extend"])
        self._ask(f"{operation}StreamingSession", sessionId=self.random.choice(self.ids))

    def _crash(self) -> None:
        self.happened["crash"] += 1
        self.world.engine.crash(self.random.choice(self.ids))

    def _misbehave(self) -> None:
        self.happened["misbehaviour"] += 1
        what = self.random.choice(list(Misbehaviour))
        self.world.engine.misbehave(what, times=self.random.randint(1, 3))

    def _work(self) -> None:
        ready = set(self.random.sample(self.ids, k=min(10, len(self.ids))))
        with self.world.service.database.transaction() as transaction:
            activity.note_input(transaction, ready, self.world.clock())

    def _ask(self, operation: str, **members: Any) -> dict[str, Any] | None:
        try:
            answer: dict[str, Any] = self.world.operator.call(
                operation, studioId=self.studio_id, **members
            )
        except CallError as error:
            if error.status not in {400, 402, 404, 409}:
                raise
            self.happened[f"{operation} refused: {error.status}"] += 1
            return None
        self.happened[operation] += 1
        return answer

    # How the service dies.

    def _draw_death(self) -> int:
        return self.random.randint(50, 2000)

    def _let_die(self) -> None:
        engine = self.world.engine
        for name in _CALLS:
            real = getattr(engine, name)

            def call(*given: Any, real: Callable[..., Any] = real, **named: Any) -> Any:
                is_last = self._count_down()
                if is_last and self.random.random() < 0.5:
                    raise KilledError
                answer = real(*given, **named)
                if is_last:
                    raise KilledError
                return answer

            setattr(engine, name, call)

    def _count_down(self) -> bool:
        if self._next_death <= 0:
            return False
        self._next_death -= 1
        return self._next_death == 0

    # Whether every row can be explained.

    def unexplained(self) -> list[str]:
        """Look at every row and every workstation; a sentence for each that nothing explains."""
        found: list[str] = []
        known: set[str] = set()
        with self.world.service.database.transaction(write=False) as transaction:
            for session_id in self.ids:
                entries = journal.read(transaction, subject=f"streaming-session/{session_id}")
                session = sessions.look_up(transaction, session_id)
                found += _explain_path(session_id, entries, session)
                if session is not None:
                    known.add(session_id)
                    found += self._explain_row(session, entries)
                    found += self._explain_backups(session, transaction)
        found += [
            f"{ref}: a workstation of no session"
            for ref in sorted(self.world.engine.refs() - known)
        ]
        return found

    def _explain_row(self, session: StreamingSession, entries: list[journal.Entry]) -> list[str]:
        observed = self.world.engine.observe(session.id)
        wrong: list[str] = []
        limit = MACHINE.limits.get(session.state)
        # An hour of peace ends all that pass but a start, which may take longer to restore a disk.
        is_on_its_way = limit is not None and self.world.clock() - session.state_since <= limit
        if limit is not None and not is_on_its_way:
            wrong.append("it is stuck")
        is_running = observed.phase is Phase.RUNNING and observed.attempt == session.attempt
        if session.state is _S.READY and not is_running:
            wrong.append(f"its workstation is {observed.phase}")
        is_settled = session.state is not _S.READY and not is_on_its_way
        if is_settled and observed.phase not in _AT_REST:
            wrong.append(f"its workstation is {observed.phase}")
        if session.state is _S.DELETED and observed.phase is not Phase.ABSENT:
            wrong.append("something of it is left")
        has_disk = observed.volume_generation is not None
        if session.state is _S.STOPPED and has_disk is session.is_volume_deleted:
            wrong.append(f"it is said that its disk is gone: {session.is_volume_deleted}")
        for name in ("stop_at", "terminate_at"):
            moment: datetime | None = getattr(session, name)
            if moment is not None and moment <= self.world.clock():
                wrong.append(f"{name} has passed")
        stops = sum(entry.kind == f"sessions.{_S.STOP_IN_PROGRESS}" for entry in entries)
        if stops != session.stop_number:
            wrong.append(f"{stops} stops are noted, {session.stop_number} counted")
        return [f"{session.id} {session.state}: {what}" for what in wrong]

    def _explain_backups(self, session: StreamingSession, transaction: Any) -> list[str]:
        wrong = []
        ready = [
            backup
            for number in range(1, session.stop_number + 1)
            if (backup := backups.of_stop(transaction, session.id, number)) is not None
            and backup.state is _S.READY
        ]
        if len(ready) > max(session.max_backups_to_retain, 0):
            wrong.append(f"{len(ready)} backups are kept")
        for backup in ready:
            kept = self.world.engine.observe_backup(session.id, backup.id).phase
            # The engine loses one now and then when it is told to; a start from it then fails.
            if kept is not BackupPhase.COMPLETE and not self.happened["misbehaviour"]:
                wrong.append(f"its backup {backup.id} is {kept}")
        return [f"{session.id} {session.state}: {what}" for what in wrong]


_AT_REST = frozenset({Phase.STOPPED, Phase.FAILED, Phase.ABSENT})


def _explain_path(
    session_id: str, entries: list[journal.Entry], session: StreamingSession | None
) -> list[str]:
    """Follow what was noted from state to state; the last is the row's, or a purged one's."""
    moves = {(row.source, row.target) for row in MACHINE.transitions}
    state: StreamingSessionState | None = None
    wrong: list[str] = []
    for entry in entries:
        noun, _, what = entry.kind.partition(".")
        if noun != "sessions" or what not in set(_S):
            continue
        target = _S(what)
        is_first = state is None and target is MACHINE.initial
        is_possible = is_first or (state, target) in moves
        if not is_possible:
            wrong.append(f"{session_id}: from {state} to {target} at {entry.at}")
        state = target
    ended = _S.DELETED if session is None else session.state
    if state is not ended:
        wrong.append(f"{session_id}: noted is {state}, stored {ended}")
    return wrong
