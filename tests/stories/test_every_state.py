"""Stop, start, delete, extend and stream in every state, whatever the workstation does just then.

The answers are those of the public state table; afterwards nothing is stuck or runs unseen.
"""

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from soundstage.client.calls import CallError
from soundstage.engines.interface import Observed, Phase, Spec, Volume
from soundstage.engines.simulated.misbehaviour import Misbehaviour
from soundstage.kit import ids
from soundstage.resources.backups.model import StreamingSessionState
from soundstage.resources.sessions import store
from soundstage.resources.sessions.lifecycle import MACHINE
from soundstage.testing.walks import Studio

S, P = StreamingSessionState, Phase
OPERATIONS = {
    "start": "StartStreamingSession",
    "stop": "StopStreamingSession",
    "delete": "DeleteStreamingSession",
    "extend": "ExtendStreamingSession",
    "stream": "CreateStreamingSessionStream",
}
ACCEPTED: dict[str, set[StreamingSessionState]] = {
    "start": {S.STOPPED, S.START_FAILED},
    "stop": {S.READY, S.STOP_FAILED},
    "delete": {
        S.CREATE_IN_PROGRESS, S.READY, S.STOPPED,
        S.CREATE_FAILED, S.START_FAILED, S.STOP_FAILED, S.DELETE_FAILED,
    },
    "extend": {S.READY},
    "stream": {S.READY},
}  # fmt: skip
Case = tuple[StreamingSessionState, str, Phase]


class Cases:
    """A session for each case, put into its state, and its workstation into its phase."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        first = studio.launch()
        with studio.world.service.database.transaction(write=False) as transaction:
            stored = store.sessions.get(transaction, first["sessionId"])
        assert stored is not None
        self.pattern = stored
        self.ids: dict[Case, str] = {
            case: ids.new_id() for case in itertools.product(S, OPERATIONS, Phase)
        }
        self._move_workstations()
        self._store_sessions()

    def _move_workstations(self) -> None:
        engine, clock = self.studio.world.engine, self.studio.world.clock
        spec = Spec(image="ami-host", instance_type="g4dn.xlarge", volume=Volume(), attempt=1)

        def each(*phases: Phase) -> list[str]:
            return [ref for case, ref in self.ids.items() if case[2] in phases]

        for ref in each(P.FAILED):
            engine.misbehave(Misbehaviour.DIES_WHILE_STARTING, ref=ref)
        for ref in each(P.FAILED, P.RUNNING, P.STOPPING, P.STOPPED):
            engine.ensure_running(ref, spec)
        for ref in each(P.PREPARED):
            engine.ensure_running(ref, msgspec.structs.replace(spec, waits=True))
        clock.advance(timedelta(seconds=3))
        for ref in each(P.STOPPED):
            engine.ensure_stopped(ref)
        clock.advance(timedelta(seconds=2))
        for ref in each(P.STOPPING):
            engine.misbehave(Misbehaviour.STOPS_SLOWLY, ref=ref)
            engine.ensure_stopped(ref)
        for ref in each(P.STARTING):
            engine.misbehave(Misbehaviour.NEVER_STARTS, ref=ref)
            engine.ensure_running(ref, spec)
        for (_, _, phase), ref in self.ids.items():
            assert engine.observe(ref).phase is phase

    def _store_sessions(self) -> None:
        now = self.studio.world.clock()
        with self.studio.world.service.database.transaction() as transaction:
            for (state, _, _), ref in self.ids.items():
                is_ready = state is S.READY
                session = msgspec.structs.replace(
                    self.pattern,
                    id=ref,
                    state=state,
                    state_since=now,
                    stop_at=self.pattern.stop_at if is_ready else None,
                    running_attempt=None if state is S.CREATE_IN_PROGRESS else 1,
                    attempt=2 if state is S.START_IN_PROGRESS else 1,
                    stop_number=1 if state is S.STOP_IN_PROGRESS else 0,
                )
                store.sessions.insert(transaction, session, due_at=now)

    def call(self, case: Case) -> int:
        """Ask for the operation and say which status came."""
        try:
            self.studio.call(OPERATIONS[case[1]], {"sessionId": self.ids[case]})
        except CallError as error:
            return error.status
        return 200

    def states(self) -> dict[Case, StreamingSessionState]:
        with self.studio.world.service.database.transaction(write=False) as transaction:
            found = {session.id: session.state for session in store.sessions.find(transaction)}
        return {case: found[ref] for case, ref in self.ids.items()}

    def observed(self, case: Case) -> Observed:
        return self.studio.world.engine.observe(self.ids[case])


def expected(case: Case) -> StreamingSessionState:
    """Say where a case comes to rest within half an hour."""
    state, operation, phase = case
    if state in ACCEPTED[operation]:
        asked = {"stop": S.STOPPED, "delete": S.DELETED, "start": S.READY}
        if operation in asked:
            return asked[operation]
    starts = {P.RUNNING: S.READY, P.ABSENT: S.READY, P.PREPARED: S.READY}
    match state:
        case S.CREATE_IN_PROGRESS:
            return starts.get(phase, S.CREATE_FAILED)
        case S.START_IN_PROGRESS:
            # What is seen is of the attempt before, so it is a start like any other.
            return S.READY
        case S.STOP_IN_PROGRESS:
            return S.STOPPED
        case S.DELETE_IN_PROGRESS:
            return S.DELETED
        case _:
            return state


def test_every_state_operation_and_phase(studio: Studio) -> None:
    cases = Cases(studio)
    answers = {case: cases.call(case) for case in cases.ids}
    wrong = {
        case: answer
        for case, answer in answers.items()
        if (answer == 200) is not (case[0] in ACCEPTED[case[1]]) or answer not in {200, 409}
    }
    assert wrong == {}
    studio.world.advance(timedelta(minutes=30))
    states = cases.states()
    assert {case: state for case, state in states.items() if state is not expected(case)} == {}
    assert [state for state in states.values() if state in MACHINE.limits] == []
    for case, state in states.items():
        phase = cases.observed(case).phase
        if state is S.DELETED:
            # What was DELETED before is the sweep's to find, not the worker's.
            assert phase is P.ABSENT or case[0] is S.DELETED, case
        elif state is S.READY:
            # One that neither runs nor rests may still come back; it is not pulled away.
            assert phase is P.RUNNING or case[2] is P.STARTING, case
        else:
            assert phase in {P.STOPPED, P.FAILED, P.ABSENT}, case
    studio.world.service.housekeeping.sweep()
    studio.world.advance(timedelta(minutes=1))
    gone = {ref for case, ref in cases.ids.items() if states[case] is S.DELETED}
    assert gone & studio.world.engine.refs() == set()


@pytest.mark.parametrize(
    ("before", "operation", "after"),
    [
        ("launch", "delete", "DELETED"),
        ("launch", "stop", "READY"),
        ("ready", "stop", "STOPPED"),
        ("ready", "delete", "DELETED"),
        ("ready", "extend", "READY"),
        ("stop", "start", "STOPPED"),
        ("stop", "delete", "STOPPED"),
        ("rest", "start", "READY"),
        ("rest", "delete", "DELETED"),
        ("start", "stop", "READY"),
        ("end", "start", "DELETED"),
        ("end", "delete", "DELETED"),
    ],
)
@pytest.mark.parametrize("nth", [1, 2])
def test_a_call_that_comes_while_the_worker_acts(
    studio: Studio, before: str, operation: str, after: str, nth: int
) -> None:
    """Between the worker's look and its write, at its first or second step."""
    world = studio.world
    session = studio.launch()
    ways: dict[str, Callable[[], Any]] = {
        "launch": lambda: None,
        "ready": lambda: world.engine.crash(session["sessionId"]),
        "stop": lambda: studio.call("StopStreamingSession", session),
        "rest": lambda: studio.stop(session),
        "start": lambda: (studio.stop(session), studio.call("StartStreamingSession", session)),
        "end": lambda: studio.call("DeleteStreamingSession", session),
    }
    if before == "launch":
        session = world.operator.call(
            "CreateStreamingSession", studioId=studio.id, launchProfileId=studio.profile_id
        )["session"]
    ways[before]()
    looks = itertools.count(1)
    observe = world.engine.observe
    answers: list[int] = []

    def interrupted(ref: str) -> Observed:
        seen = observe(ref)
        if ref == session["sessionId"] and next(looks) == nth:
            try:
                studio.call(OPERATIONS[operation], session)
                answers.append(200)
            except CallError as error:
                answers.append(error.status)
        return seen

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.engine, "observe", interrupted)
        if before == "rest":
            with world.service.database.transaction() as transaction:
                store.sessions.update(transaction, session["sessionId"], {"due_at": world.clock()})
            interrupted(session["sessionId"])
        world.advance(timedelta(seconds=30))
    assert len(answers) == 1
    final = world.see(session)["state"]
    accepted = {
        "stop": "STOPPED", "delete": "DELETED", "start": "READY", "extend": "READY",
    }  # fmt: skip
    assert final == (accepted[operation] if answers == [200] else after)
    if final == "READY":
        assert observe(session["sessionId"]).phase is P.RUNNING
