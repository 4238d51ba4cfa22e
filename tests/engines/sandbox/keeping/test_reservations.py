"""Who has a place, by the files that services and supervisors leave behind."""

import os
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from soundstage.engines.admission import Promise
from soundstage.engines.interface import Spec, Volume
from soundstage.engines.sandbox.engine import repository_of
from soundstage.engines.sandbox.keeping.records import Record, Records, Status
from soundstage.engines.sandbox.keeping.reservations import KEEPS_PLACE, Reservations
from soundstage.engines.sandbox.keeping.volumes import Volumes
from soundstage.engines.sandbox.settings import SandboxSettings

REF = "r" * 22
LONG_AGO = KEEPS_PLACE + 1


class Home:
    """One workstation's files."""

    def __init__(self, folder: Path) -> None:
        self.records = Records(folder / "workstations")
        settings = SandboxSettings(home=folder, stream_environment=folder)
        volumes = Volumes(folder / "volumes", repository_of(settings))
        self.reservations = Reservations(self.records, volumes)

    def asked(self, *, ago: float = 0.0, **facts: Any) -> None:
        spec = Spec(image="i", instance_type="t", volume=Volume(), attempt=3)
        record = Record(
            uid=1,
            spec=spec,
            wanted="running",
            asked_at=time.time() - ago,
            machine_id="m",
            promise=Promise(cpus=2, memory_bytes=5),
        )
        self.records.write(REF, msgspec.structs.replace(record, **facts))

    def said(self, phase: str, *, ago: float = 0.0, **facts: Any) -> None:
        status = {"attempt": 3, "phase": phase, "pid": 1, "start_time": 1, "boot_id": "other"}
        content = {**status, "since": time.time() - ago, **facts}
        (self.records.directory(REF) / "status.json").write_bytes(msgspec.json.encode(content))
        assert self.records.status(REF) == msgspec.convert(content, Status)

    def places(self) -> dict[str, bool]:
        """Who has one, and whether it is yet to be taken."""
        return {ref: held.is_starting for ref, held in self.reservations.holdings().items()}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_nobody_has_a_place_at_first(home: Home) -> None:
    assert home.places() == {}


def test_what_was_only_asked_for_has_one_for_a_while(home: Home) -> None:
    home.asked()
    assert home.places() == {REF: True}
    home.asked(ago=LONG_AGO)
    assert home.places() == {}


def test_who_runs_has_one_for_as_long(home: Home) -> None:
    home.asked(ago=LONG_AGO)
    life = home.records.take_life(REF)
    assert life is not None
    home.said("starting", ago=LONG_AGO)
    assert home.places() == {REF: True}
    home.said("running", ago=LONG_AGO, ready=True)
    assert home.places() == {REF: False}
    # Until it is gone, whatever is wanted of it.
    home.asked(ago=LONG_AGO, wanted="stopped")
    assert home.places() == {REF: False}
    os.close(life)
    assert home.places() == {}


def test_who_ended_by_itself_has_one_until_a_heal_is_due(home: Home) -> None:
    home.asked(ago=LONG_AGO)
    home.said("ended", ready=True)
    assert home.places() == {REF: True}
    home.said("ended", ready=True, ago=LONG_AGO)
    assert home.places() == {}


def test_who_was_killed_has_one_from_when_that_was_seen(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ran for hours and left no last word; what was seen is kept for the next service."""
    home.asked(ago=9999)
    home.said("running", ready=True, ago=9999)
    assert home.places() == {REF: True}
    later = time.time() + LONG_AGO
    monkeypatch.setattr("soundstage.engines.sandbox.keeping.reservations.time.time", lambda: later)
    assert home.places() == {}
    home.asked(ago=9999, spec=Spec(image="i", instance_type="t", volume=Volume(), attempt=4))
    home.said("running", ready=True, ago=9999, attempt=4)
    assert home.places() == {REF: True}


def test_who_was_told_to_stop_or_gave_it_back_has_none(home: Home) -> None:
    home.asked(wanted="stopped")
    assert home.places() == {}
    home.asked(promise=None)
    assert home.places() == {}
