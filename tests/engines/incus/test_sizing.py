"""Who has a place, and for how long."""

import msgspec
import pytest

from soundstage.engines.admission import Promise
from soundstage.engines.incus.records import Failure, Status, Workstation
from soundstage.engines.incus.sizing import KEEPS_PLACE, holdings
from soundstage.engines.interface import Reason, Spec, Volume
from soundstage.engines.keeping import Wish

NOW = 1000.0
SPEC = Spec(image="ami-x", instance_type="g5.xlarge", volume=Volume(), attempt=1)
RECORD = Wish(spec=SPEC, wanted="running", asked_at=1.0, promise=Promise(cpus=1, memory_bytes=1))
READY = Status(attempt=1, phase="running", ready=True, since=2.0)
LONG_AGO, JUST_NOW = NOW - KEEPS_PLACE - 1, NOW - 1


def workstation(**facts: object) -> Workstation:
    told = {"power": "Stopped", "record": RECORD, **facts}
    return Workstation(ref="r", location="", **told)  # type: ignore[arg-type]  # Rows of a table.


def ended(at: float) -> Status:
    return msgspec.structs.replace(READY, phase="ended", since=at)


def failed(at: float) -> Failure:
    return Failure(attempt=1, reason=Reason.BACKUP, detail="", at=at)


@pytest.mark.parametrize(
    ("facts", "is_held", "is_starting"),
    [
        ({}, True, True),
        ({"power": "Running"}, True, True),
        ({"power": "Running", "status": READY}, True, False),
        ({"record": msgspec.structs.replace(RECORD, wanted="stopped")}, False, False),
        ({"record": msgspec.structs.replace(RECORD, promise=None)}, False, False),
        ({"status": ended(JUST_NOW)}, True, False),
        ({"status": ended(LONG_AGO)}, False, False),
        ({"failure": failed(JUST_NOW)}, True, True),
        ({"failure": failed(LONG_AGO)}, False, False),
        ({"status": READY, "lost_at": JUST_NOW}, True, False),
        ({"status": READY, "lost_at": LONG_AGO}, False, False),
    ],
)
def test_a_place(facts: dict[str, object], is_held: bool, is_starting: bool) -> None:
    held = holdings([workstation(**facts)], NOW)
    assert bool(held) is is_held
    if is_held:
        assert held["r"].is_starting is is_starting
