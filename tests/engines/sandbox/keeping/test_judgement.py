"""Which phase is told of what is known; a table of cases, without any process."""

import msgspec
import pytest

from soundstage.engines.interface import Address, Phase, Reason, Spec, Stage, Volume
from soundstage.engines.keeping import KeptMark
from soundstage.engines.sandbox.keeping.judgement import Known, judge
from soundstage.engines.sandbox.keeping.process import Life
from soundstage.engines.sandbox.keeping.records import Record, Status
from soundstage.engines.sandbox.keeping.volumes import Phase as VolumePhase
from soundstage.engines.sandbox.keeping.volumes import VolumeState
from soundstage.kit.places import SocketFolder

SPEC = Spec(image="ami-host", instance_type="g5.xlarge", volume=Volume(), attempt=3)
RECORD = Record(uid=1, spec=SPEC, wanted="running", asked_at=100.0, machine_id="0" * 32)
STOPPED = msgspec.structs.replace(RECORD, wanted="stopped")
ABSENT = msgspec.structs.replace(RECORD, wanted="absent")
NEW = Status(attempt=3, phase="starting", pid=7, start_time=1, boot_id="b", detail="how far")
PREPARED = msgspec.structs.replace(NEW, phase="prepared")
WAITING = msgspec.structs.replace(RECORD, spec=msgspec.structs.replace(SPEC, waits=True))
RUNS = msgspec.structs.replace(NEW, phase="running", ready=True, since=200.0)
CLOSING = msgspec.structs.replace(RUNS, phase="stopping", stopped=True)
CLOSED = msgspec.structs.replace(CLOSING, phase="ended")
ENDED = msgspec.structs.replace(RUNS, phase="ended")
BROKEN = msgspec.structs.replace(NEW, phase="ended")
OLD = msgspec.structs.replace(ENDED, attempt=2)
NOTHING = VolumeState(phase=VolumePhase.ABSENT)
DISK = VolumeState(phase=VolumePhase.READY, generation=0)
RESTORING = VolumeState(phase=VolumePhase.PREPARING, generation=0)
SPOILT = VolumeState(phase=VolumePhase.FAILED, generation=0, detail="a bad backup")
MARKED = KeptMark(stage=Stage.MACHINE, at=150.0)
HERE = Address(place=SocketFolder(directory="/d", uid=1), name="s")


@pytest.mark.parametrize(
    ("record", "status", "life", "volume", "address", "phase"),
    [
        (None, None, Life.LOST, NOTHING, None, Phase.ABSENT),
        (None, None, Life.LOST, DISK, None, Phase.STOPPED),
        # Killed between the record and the start.
        (RECORD, None, Life.LOST, NOTHING, None, Phase.STARTING),
        (RECORD, None, Life.LOST, DISK, None, Phase.STARTING),
        (RECORD, OLD, Life.ENDED, DISK, None, Phase.STARTING),
        (RECORD, OLD, Life.ENDED, RESTORING, None, Phase.STARTING),
        (RECORD, OLD, Life.ENDED, SPOILT, None, Phase.FAILED),
        (STOPPED, OLD, Life.ENDED, RESTORING, None, Phase.STOPPING),
        (STOPPED, None, Life.LOST, DISK, None, Phase.STOPPED),
        (STOPPED, OLD, Life.ENDED, SPOILT, None, Phase.STOPPED),
        # Alive.
        (RECORD, None, Life.ALIVE, DISK, None, Phase.STARTING),
        (RECORD, OLD, Life.ALIVE, DISK, HERE, Phase.STARTING),
        (RECORD, NEW, Life.ALIVE, DISK, HERE, Phase.STARTING),
        (WAITING, NEW, Life.ALIVE, DISK, None, Phase.STARTING),
        (WAITING, PREPARED, Life.ALIVE, DISK, None, Phase.PREPARED),
        # It was asked to go on, and has not begun to.
        (RECORD, PREPARED, Life.ALIVE, DISK, None, Phase.STARTING),
        (WAITING, PREPARED, Life.LOST, DISK, None, Phase.FAILED),
        (RECORD, RUNS, Life.ALIVE, DISK, None, Phase.STARTING),
        (RECORD, RUNS, Life.ALIVE, DISK, HERE, Phase.RUNNING),
        (STOPPED, RUNS, Life.ALIVE, DISK, HERE, Phase.STOPPING),
        (RECORD, CLOSING, Life.ALIVE, DISK, HERE, Phase.STOPPING),
        (RECORD, ENDED, Life.ALIVE, DISK, None, Phase.STOPPING),
        # No process any more, or nearly so.
        (RECORD, RUNS, Life.DYING, DISK, None, Phase.STOPPING),
        (STOPPED, CLOSED, Life.ENDED, DISK, None, Phase.STOPPED),
        (RECORD, CLOSED, Life.ENDED, DISK, None, Phase.STOPPED),
        (RECORD, ENDED, Life.ENDED, DISK, None, Phase.STOPPED),
        (RECORD, RUNS, Life.LOST, DISK, None, Phase.STOPPED),
        (STOPPED, NEW, Life.LOST, DISK, None, Phase.STOPPED),
        (RECORD, NEW, Life.LOST, DISK, None, Phase.FAILED),
        (RECORD, BROKEN, Life.ENDED, DISK, None, Phase.FAILED),
        (STOPPED, BROKEN, Life.ENDED, DISK, None, Phase.STOPPED),
        # On its way out, whatever else is known.
        (ABSENT, RUNS, Life.ALIVE, DISK, HERE, Phase.STOPPING),
        (ABSENT, CLOSED, Life.ENDED, NOTHING, None, Phase.STOPPING),
    ],
)
def test_each_case_has_its_phase(  # noqa: PLR0917 -- pytest passes a row's columns by name.
    record: Record | None,
    status: Status | None,
    life: Life,
    volume: VolumeState,
    address: Address | None,
    phase: Phase,
) -> None:
    observed = judge(Known(record=record, status=status, life=life, volume=volume, address=address))
    assert observed.phase is phase
    assert observed.attempt == (None if record is None else 3)
    assert observed.volume_generation == volume.generation
    assert (observed.address is not None) == (phase is Phase.RUNNING)


def test_a_failed_restore_is_told_from_a_failed_desktop() -> None:
    spoilt = judge(Known(record=RECORD, status=None, life=Life.LOST, volume=SPOILT))
    assert (spoilt.reason, spoilt.detail) == (Reason.BACKUP, "a bad backup")
    broken = judge(Known(record=RECORD, status=BROKEN, life=Life.ENDED, volume=DISK))
    assert broken.reason is Reason.INTERNAL
    assert broken.detail == "the desktop did not start: how far"


def test_a_crash_is_told_from_an_end() -> None:
    killed = judge(Known(record=RECORD, status=RUNS, life=Life.LOST, volume=DISK))
    assert killed.detail == "it was killed, or the machine was restarted"
    ended = judge(Known(record=RECORD, status=ENDED, life=Life.ENDED, volume=DISK))
    assert ended.detail == "the desktop ended by itself: how far"
    assert ended.since is not None
    assert ended.since.timestamp() == 200.0


@pytest.mark.parametrize(
    ("status", "stages"),
    [
        (None, [(Stage.DISK, 100.0)]),
        (msgspec.structs.replace(OLD, marks=[MARKED]), [(Stage.DISK, 100.0)]),
        (
            msgspec.structs.replace(NEW, marks=[MARKED]),
            [(Stage.DISK, 100.0), (Stage.MACHINE, 150.0)],
        ),
    ],
)
def test_a_start_says_what_it_came_to(
    status: Status | None, stages: list[tuple[Stage, float]]
) -> None:
    known = Known(record=RECORD, status=status, life=Life.ALIVE, volume=DISK)
    assert [(mark.stage, mark.at.timestamp()) for mark in judge(known).marks] == stages
