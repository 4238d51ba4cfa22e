"""Instances are changed by one at a time, and never while Incus is at work on their disks."""

import re
import secrets
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.engines.incus.conftest import remove, run, stop

from soundstage.engines.incus.client import Client
from soundstage.engines.incus.connection import NO_QUERY, Query, Target
from soundstage.engines.incus.engine import IncusEngine
from soundstage.engines.incus.instances import Workstations
from soundstage.engines.incus.lost import Lost
from soundstage.engines.incus.names import instance_of
from soundstage.engines.incus.records import kept
from soundstage.engines.incus.settings import IncusSettings
from soundstage.engines.interface import PermanentError, Phase, RetryableError, Spec, Volume
from soundstage.engines.keeping import Wish
from soundstage.kit.jobs import Cancellation
from soundstage.testing.incus import IncusDaemon

pytestmark = pytest.mark.timeout(300)
SPEC = Spec(image="ami-host", instance_type="g4dn.xlarge", volume=Volume(size_gib=1), attempt=1)
FACTS = kept(record=Wish(spec=SPEC, wanted="stopped", asked_at=1.0))


@pytest.fixture
def ref() -> str:
    return secrets.token_hex(11)


@pytest.fixture
def workstations(client: Client, incus_settings: IncusSettings) -> Workstations:
    return Workstations(client, Lost(client, incus_settings))


def body_of(ref: str, facts: dict[str, str]) -> dict[str, Any]:
    return {
        "name": instance_of(ref),
        "type": "container",
        "source": {"type": "image", "alias": "workstation"},
        "profiles": [],
        "config": facts,
        "devices": {"root": {"type": "disk", "path": "/", "pool": "default"}},
    }


@pytest.fixture
def made(workstations: Workstations, ref: str) -> Iterator[str]:
    workstations.wait(ref, workstations.begin(ref, body_of(ref, FACTS)))
    yield ref
    workstations.remove(ref)


def spoil(daemon: IncusDaemon, ref: str) -> None:
    """Leave what a change in a bad moment leaves: a folder where the disk was."""
    containers = daemon.directory / "storage-pools" / "default" / "containers"
    disk = containers / f"soundstage_{instance_of(ref)}"
    subprocess.run(["btrfs", "subvolume", "delete", disk], check=True, capture_output=True)
    disk.mkdir()


class Idle(Client):
    """An Incus that has nothing to do."""

    def __init__(self) -> None:
        pass

    def get(self, path: str, query: Query = NO_QUERY, *, within: float | None = None) -> Any:
        del path, query, within
        return {}


def test_who_waits_for_a_turn_has_it_before_who_had_it_last(
    ref: str, tmp_path: Path, eventually: Callable[..., None]
) -> None:
    settings = IncusSettings(home=tmp_path, target=Target(addresses=("nowhere",)))
    workstations = Workstations(Idle(), Lost(Idle(), settings))
    had: list[str] = []

    def wait_for_a_turn() -> None:
        with workstations._turn(ref):
            had.append("who waited")

    waiting = threading.Thread(target=wait_for_a_turn)
    with workstations._turn(ref):
        waiting.start()
        eventually(lambda: len(workstations._lines[ref]) == 2)
    with workstations._turn(ref):
        had.append("who had it last")
    waiting.join()
    assert had == ["who waited", "who had it last"]
    assert workstations._lines == {}


@pytest.mark.incus
def test_changes_while_a_disk_is_made_wait_and_spoil_nothing(
    workstations: Workstations, made: str
) -> None:
    is_over = threading.Event()

    def change_again_and_again() -> None:
        while not is_over.is_set():
            try:
                workstations.note(made, kept(lost_at=1.0))
                workstations.change(made, lambda found: found["config"].update(kept(lost_at=None)))
            except RetryableError:
                continue

    changing = threading.Thread(target=change_again_and_again)
    changing.start()
    try:
        rebuilt = 0
        while rebuilt < 5:
            try:
                workstations.rebuild(made, lambda facts: body_of(made, facts))
                rebuilt += 1
            except RetryableError:
                continue
    finally:
        is_over.set()
        changing.join()
    assert workstations._lost.all() == []
    found = workstations.read(made)
    assert found is not None
    assert found.record.spec == SPEC


@pytest.mark.incus
def test_one_that_is_being_made_is_there_and_is_removed_when_it_is_made(
    workstations: Workstations, ref: str
) -> None:
    operation = workstations.begin(ref, body_of(ref, FACTS))
    coming = workstations.read(ref)
    assert coming is not None
    assert coming.record.spec == SPEC
    assert ref in {each.ref for each in workstations.all()}
    with pytest.raises(RetryableError):
        workstations.note(ref, kept(lost_at=1.0))
    workstations.wait(ref, operation)
    # Asked twice, it is silent.
    for _ in range(2):
        workstations.remove(ref)
    assert workstations.read(ref) is None
    assert workstations._lost.all() == []


@pytest.mark.incus
def test_one_that_a_dead_service_began_is_removed_when_it_is_made(
    workstations: Workstations, ref: str, client: Client
) -> None:
    client.begin("POST", "/instances", body_of(ref, FACTS))
    workstations.settle(ref)
    workstations.remove(ref)
    assert workstations.read(ref) is None
    assert workstations._lost.all() == []


@pytest.mark.incus
def test_one_that_can_not_be_made_is_not_there(workstations: Workstations, ref: str) -> None:
    body = {**body_of(ref, FACTS), "source": {"type": "image", "alias": "none"}}
    with pytest.raises(PermanentError):
        workstations.wait(ref, workstations.begin(ref, body))
    assert workstations.read(ref) is None


@pytest.mark.incus
def test_a_spoilt_one_is_made_anew_with_its_facts(
    workstations: Workstations, made: str, incus_daemon: IncusDaemon
) -> None:
    spoil(incus_daemon, made)
    workstations.rebuild(made, lambda facts: body_of(made, facts))
    found = workstations.read(made)
    assert found is not None
    assert found.record.spec == SPEC
    clear(workstations, incus_daemon)


@pytest.mark.incus
def test_a_spoilt_one_is_removed_and_holds_up_nobody(
    engine: IncusEngine, ref: str, incus_daemon: IncusDaemon
) -> None:
    assert run(engine, ref, SPEC).phase is Phase.RUNNING
    stop(engine, ref)
    spoil(incus_daemon, ref)
    other = secrets.token_hex(11)
    engine.ensure_running(other, SPEC)
    remove(engine, ref)
    assert ref not in engine.refs()
    assert run(engine, other, SPEC).phase is Phase.RUNNING
    remove(engine, other)
    (named,) = [each for each in engine.examine() if each.name == "disks"]
    assert not named.available
    assert "lost-" in named.detail
    clear(engine._workstations, incus_daemon)
    assert [each.name for each in engine.examine() if not each.available] in ([], ["sizes"])


@pytest.mark.incus
def test_a_removal_that_fails_is_tried_again_after_growing_pauses(
    engine: IncusEngine, ref: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine._place.ensure()
    engine._client.do("POST", "/instances", body_of(ref, FACTS))
    tried = []

    def fail(_cancellation: Cancellation, _ref: str) -> None:
        tried.append(1)
        raise OSError("the pool is away")

    monkeypatch.setattr(engine, "_remove", fail)
    said: list[RetryableError] = []
    began = time.monotonic()
    while len(tried) < 3:
        try:
            engine.ensure_absent(ref)
        except RetryableError as error:
            if "the pool is away" in str(error):
                said.append(error)
    assert time.monotonic() - began > 0.5 + 1.0
    assert re.search(r"the pool is away \(tried [23] times, again in [012] s\)", str(said[-1]))
    assert said[-1].after_seconds <= 2.0
    monkeypatch.undo()
    remove(engine, ref)


def clear(workstations: Workstations, daemon: IncusDaemon) -> None:
    """As the operator is told to."""
    for path in workstations._lost.all():
        name = path.rpartition("/")[2]
        folder = daemon.directory / "storage-pools" / "default" / "containers"
        subprocess.run(["rm", "-rf", folder / f"soundstage_{name}"], check=True)
    workstations._lost.try_again()
    assert workstations._lost.all() == []
