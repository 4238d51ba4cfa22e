"""What is to be done with a backup, row by row."""

from datetime import datetime, timedelta

import pytest

from soundstage.engines.interface import BackupPhase, ObservedBackup
from soundstage.kit.machine import READABLE_FOR
from soundstage.resources.backups.lifecycle import MACHINE, Act, Step, next_step
from soundstage.resources.backups.model import (
    StreamingSessionBackup,
    StreamingSessionState,
    StreamingSessionStatusCode,
)
from soundstage.testing import rows

S, P = StreamingSessionState, BackupPhase
NOW = rows.NOW
SECOND = timedelta(seconds=1)
LATE_COPY = timedelta(hours=90, seconds=1)
LATE_REMOVAL = timedelta(hours=6, seconds=1)


def a_backup(
    state: StreamingSessionState, age: timedelta = SECOND, purge_at: datetime | None = None
) -> StreamingSessionBackup:
    return rows.backup(
        state=state,
        state_since=NOW - age,
        status_code=StreamingSessionStatusCode.INTERNAL_ERROR,
        purge_at=purge_at,
        created_at=NOW - age,
        updated_at=NOW - age,
    )


def step(backup: StreamingSessionBackup, phase: BackupPhase, size: int | None = None) -> Step:
    return next_step(backup, ObservedBackup(phase=phase, size_bytes=size), NOW)


@pytest.mark.parametrize(
    ("state", "age", "phase", "act", "event"),
    [
        (S.CREATE_IN_PROGRESS, SECOND, P.ABSENT, Act.COPY, None),
        (S.CREATE_IN_PROGRESS, SECOND, P.RUNNING, Act.COPY, None),
        (S.CREATE_IN_PROGRESS, SECOND, P.COMPLETE, Act.NOTHING, "kept"),
        (S.CREATE_IN_PROGRESS, LATE_COPY, P.COMPLETE, Act.NOTHING, "kept"),
        (S.CREATE_IN_PROGRESS, SECOND, P.FAILED, Act.NOTHING, "failed"),
        (S.CREATE_IN_PROGRESS, LATE_COPY, P.RUNNING, Act.NOTHING, "failed"),
        (S.DELETE_IN_PROGRESS, SECOND, P.COMPLETE, Act.REMOVE, None),
        (S.DELETE_IN_PROGRESS, SECOND, P.FAILED, Act.REMOVE, None),
        (S.DELETE_IN_PROGRESS, SECOND, P.ABSENT, Act.NOTHING, "gone"),
        (S.DELETE_IN_PROGRESS, LATE_REMOVAL, P.ABSENT, Act.NOTHING, "gone"),
        (S.DELETE_IN_PROGRESS, LATE_REMOVAL, P.COMPLETE, Act.NOTHING, "failed"),
        (S.READY, timedelta(days=999), P.COMPLETE, Act.NOTHING, None),
    ],
)
def test_making_and_removing(
    *,
    state: StreamingSessionState,
    age: timedelta,
    phase: BackupPhase,
    act: Act,
    event: str | None,
) -> None:
    decided = step(a_backup(state, age), phase)
    assert (decided.act, decided.event) == (act, event)
    if act is not Act.NOTHING:
        assert decided.again_at is not None
        assert decided.again_at > NOW


def test_a_backup_that_is_kept_knows_its_size() -> None:
    assert step(a_backup(S.CREATE_IN_PROGRESS), P.COMPLETE, 4096).size_bytes == 4096


@pytest.mark.parametrize("state", [S.READY, S.CREATE_FAILED])
def test_a_backup_whose_session_is_gone_goes_in_its_time(state: StreamingSessionState) -> None:
    assert step(a_backup(state), P.COMPLETE) == Step()
    waiting = step(a_backup(state, purge_at=NOW + SECOND), P.COMPLETE)
    assert waiting == Step(again_at=NOW + SECOND)
    assert step(a_backup(state, purge_at=NOW), P.COMPLETE).event == "delete"


def test_a_deleted_backup_is_read_for_a_day() -> None:
    young = a_backup(S.DELETED, READABLE_FOR - SECOND)
    assert step(young, P.ABSENT) == Step(again_at=NOW + SECOND)
    assert step(a_backup(S.DELETED, READABLE_FOR), P.ABSENT) == Step(event="purge")


@pytest.mark.parametrize("state", [state for state in S if "ST" not in state])
def test_only_what_the_table_allows_is_decided(state: StreamingSessionState) -> None:
    for age in (SECOND, LATE_REMOVAL, LATE_COPY):
        for phase in P:
            event = step(a_backup(state, age, NOW), phase).event
            assert event in {None, "purge"} or MACHINE.allows(state, event or "")
