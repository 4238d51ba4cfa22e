"""The table of what a workstation is, from what is known of it."""

import msgspec
import pytest

from soundstage.engines.incus.judgement import Known, judge
from soundstage.engines.incus.records import Failure, Marks, Seat, Status, Workstation
from soundstage.engines.interface import Address, Phase, Reason, Spec, Stage, Volume
from soundstage.engines.keeping import KeptMark, Wish
from soundstage.kit.places import TlsHost

SPEC = Spec(image="ami-x", instance_type="g5.xlarge", volume=Volume(), attempt=3)
RECORD = Wish(spec=SPEC, wanted="running", asked_at=100.0)
STOPPED = msgspec.structs.replace(RECORD, wanted="stopped")
ABSENT = msgspec.structs.replace(RECORD, wanted="absent")
READY = Status(attempt=3, phase="running", ready=True, detail="it answers", since=200.0)
PREPARED = Status(attempt=3, phase="prepared", detail="everything is there", since=200.0)
WAITING = msgspec.structs.replace(RECORD, spec=msgspec.structs.replace(SPEC, waits=True))
ENDED = Status(attempt=3, phase="ended", ready=True, detail="X is gone", since=300.0)
EARLY = Status(attempt=3, phase="ended", detail="no X", since=300.0)
SCRIPT = msgspec.structs.replace(EARLY, reason=Reason.SCRIPT)
OLD = msgspec.structs.replace(READY, attempt=2)
FAILURE = Failure(attempt=3, reason=Reason.BACKUP, detail="no such backup", at=150.0)
HERE = Address(place=TlsHost(host="10.0.0.1", ports={}, certificate=""), name="s")


def known(address: Address | None = None, **facts: object) -> Known:
    told = {"power": "Running", "record": RECORD, "generation": 1, **facts}
    workstation = Workstation(ref="r", location="", **told)  # type: ignore[arg-type]  # Rows of a table.
    return Known(workstation=workstation, address=address)


ROWS = [
    (known(record=ABSENT), Phase.STOPPING),
    (known(record=ABSENT, power="Stopped"), Phase.STOPPING),
    (known(), Phase.STARTING),
    (known(power="Stopped"), Phase.STARTING),
    (known(power="Stopped", begun=2, status=OLD), Phase.STARTING),
    (known(power="Stopped", begun=3), Phase.FAILED),
    (known(record=WAITING), Phase.STARTING),
    (known(record=WAITING, status=PREPARED), Phase.PREPARED),
    # It was asked to go on, and has not begun to.
    (known(status=PREPARED), Phase.STARTING),
    (known(record=WAITING, status=PREPARED, power="Stopped"), Phase.FAILED),
    (known(status=READY), Phase.STARTING),
    (known(HERE, status=READY), Phase.RUNNING),
    (known(HERE, status=READY, power="Frozen"), Phase.RUNNING),
    (known(HERE, status=OLD), Phase.STARTING),
    (known(status=ENDED), Phase.STOPPING),
    (known(status=READY, power="Stopped"), Phase.STOPPED),
    (known(status=ENDED, power="Stopped"), Phase.STOPPED),
    (known(status=EARLY, power="Stopped"), Phase.FAILED),
    (known(status=SCRIPT, power="Stopped"), Phase.FAILED),
    (known(HERE, status=READY, record=STOPPED), Phase.STOPPING),
    (known(status=READY, record=STOPPED, power="Stopped"), Phase.STOPPED),
    (known(record=STOPPED, power="Stopped"), Phase.STOPPED),
    (known(failure=FAILURE, power="Stopped"), Phase.FAILED),
    (known(failure=FAILURE), Phase.STOPPING),
]


@pytest.mark.parametrize(("facts", "phase"), ROWS)
def test_phase(facts: Known, phase: Phase) -> None:
    observed = judge(facts)
    assert observed.phase is phase
    assert observed.detail
    assert (observed.address is not None) is (phase is Phase.RUNNING)
    assert (observed.attempt, observed.volume_generation) == (3, 1)


def test_a_start_says_what_it_is_at() -> None:
    disk = KeptMark(stage=Stage.DISK, at=110.0)
    turn = KeptMark(stage=Stage.TURN, at=120.0)
    desktop = KeptMark(stage=Stage.DESKTOP, at=130.0)
    kept = Marks(attempt=3, marks=[disk])
    said = msgspec.structs.replace(READY, marks=[desktop])

    def stages(facts: Known) -> list[tuple[Stage, float]]:
        return [(mark.stage, mark.at.timestamp()) for mark in judge(facts).marks]

    machine = (Stage.MACHINE, 100.0)
    assert stages(known(power="Stopped")) == [machine]
    assert stages(known(marks=Marks(attempt=2, marks=[disk]))) == [machine]
    assert stages(known(marks=kept)) == [machine, (Stage.DISK, 110.0)]
    on_its_way = msgspec.structs.replace(known(marks=kept), noted=[disk, turn])
    assert stages(on_its_way) == [machine, (Stage.DISK, 110.0), (Stage.TURN, 120.0)]
    assert stages(known(HERE, marks=kept, status=said)) == [
        machine,
        (Stage.DISK, 110.0),
        (Stage.DESKTOP, 130.0),
    ]


@pytest.mark.parametrize(("home", "phase"), [(None, Phase.ABSENT), (4, Phase.STOPPED)])
def test_a_home_without_its_instance_is_at_rest(home: int | None, phase: Phase) -> None:
    observed = judge(Known(workstation=None, home=home))
    assert (observed.phase, observed.volume_generation, observed.attempt) == (phase, home, None)


@pytest.mark.parametrize(
    ("facts", "reason", "detail"),
    [
        ({"failure": FAILURE}, Reason.BACKUP, "no such backup"),
        ({"status": SCRIPT}, Reason.SCRIPT, "no X"),
        ({"status": EARLY}, Reason.INTERNAL, "no X"),
        ({"begun": 3}, Reason.INTERNAL, "killed"),
    ],
)
def test_a_failure_says_why(facts: dict[str, object], reason: Reason, detail: str) -> None:
    observed = judge(known(None, power="Stopped", **facts))
    assert (observed.phase, observed.reason) == (Phase.FAILED, reason)
    assert detail in observed.detail


def test_a_start_says_which_host_was_chosen_and_why() -> None:
    seat = Seat(member="n2", address="10.78.0.10", why="on n2, with the most room of 3 hosts")
    observed = judge(known(None, power="Stopped", seat=seat))
    assert observed.detail == "making the instance on n2, with the most room of 3 hosts"
