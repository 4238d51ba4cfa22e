"""Starts that died half way, and starts that can't be."""

import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from tests.conftest import Eventually
from tests.engines.incus.conftest import remove, run, run_all, stop

from soundstage.engines.admission import Rules
from soundstage.engines.incus.engine import IncusEngine
from soundstage.engines.incus.records import kept
from soundstage.engines.incus.settings import IncusSettings
from soundstage.engines.incus.starting import NotWantedError
from soundstage.engines.interface import (
    BackupPhase,
    Mount,
    MountKind,
    Phase,
    Reason,
    RetryableError,
    Spec,
    Volume,
)
from soundstage.engines.shares import SharedFolder
from soundstage.kit.jobs import Cancellation

pytestmark = [pytest.mark.incus, pytest.mark.timeout(300)]
SPEC = Spec(image="ami-host", instance_type="g4dn.xlarge", volume=Volume(size_gib=1), attempt=1)


@pytest.fixture
def ref(engine: IncusEngine) -> Iterator[str]:
    made = secrets.token_hex(11)
    yield made
    remove(engine, made)


def test_another_service_goes_on_where_one_died(
    engine: IncusEngine, ref: str, incus_settings: IncusSettings
) -> None:
    engine._place.ensure()
    starter, cancellation = engine._starter, Cancellation()
    image = engine._place.image(SPEC.image)
    engine._workstations.wait(ref, engine._begin(ref, SPEC, None, image))
    # Each step twice, as by two services of which the first did not live to say so.
    for _ in range(2):
        starter._make(cancellation, ref, SPEC)
        starter._give_home(ref, SPEC)
        starter._switch_on(cancellation, ref, SPEC)
    assert engine.observe(ref).phase is Phase.STARTING
    other = IncusEngine(incus_settings)
    try:
        assert run(other, ref, SPEC).phase is Phase.RUNNING
        assert engine.observe(ref).address == other.observe(ref).address
    finally:
        other.close()


def test_a_home_is_restored_into_an_instance_that_runs_and_by_another_service_too(
    engine: IncusEngine, ref: str, incus_settings: IncusSettings, eventually: Eventually
) -> None:
    assert run(engine, ref, SPEC).phase is Phase.RUNNING
    work = "/home/artist/scene.txt"
    engine._client.run(f"ws-{ref}", "sh", "-c", f"echo kept > {work}; chown 1000:1000 {work}")
    stop(engine, ref)
    backup_id = secrets.token_hex(11)

    def back_up() -> bool:
        engine.ensure_backup(ref, backup_id)
        return engine.observe_backup(ref, backup_id).phase is BackupPhase.COMPLETE

    eventually(back_up)
    volume = Volume(size_gib=1, generation=1, backup_id=backup_id)
    again = msgspec.structs.replace(SPEC, attempt=2, volume=volume)
    engine._begin(ref, again, engine._workstations.read(ref), engine._place.image(SPEC.image))
    # Twice, and no more: as by two services that did not live to see the home restored.
    for _ in range(2):
        engine._starter._boot(Cancellation(), ref, again)
    observed = engine.observe(ref)
    assert (observed.phase, observed.volume_generation) == (Phase.STARTING, 0)
    other = IncusEngine(incus_settings)
    try:
        observed = run(other, ref, again)
        assert (observed.phase, observed.volume_generation) == (Phase.RUNNING, 1)
        assert other._client.run(f"ws-{ref}", "cat", work).output == b"kept\n"
        owner = other._client.run(f"ws-{ref}", "stat", "-c", "%u %m", work)
        assert owner.output == b"1000 /home/artist\n"
    finally:
        other.close()


def test_a_restore_that_fails_ends_what_was_switched_on_and_leaves_the_home_of_before(
    engine: IncusEngine, ref: str
) -> None:
    assert run(engine, ref, SPEC).phase is Phase.RUNNING
    stop(engine, ref)
    volume = Volume(size_gib=1, generation=1, backup_id=secrets.token_hex(11))
    observed = run(engine, ref, msgspec.structs.replace(SPEC, attempt=2, volume=volume))
    assert (observed.phase, observed.reason) == (Phase.FAILED, Reason.BACKUP)
    assert observed.volume_generation == 0
    found = engine._workstations.read(ref)
    assert found is not None
    assert not found.is_running
    again = run(engine, ref, msgspec.structs.replace(SPEC, attempt=3))
    assert (again.phase, again.volume_generation) == (Phase.RUNNING, 0)


def test_a_home_of_before_that_a_dead_service_left_goes_with_the_next(
    engine: IncusEngine, ref: str, incus_settings: IncusSettings, eventually: Eventually
) -> None:
    engine._place.ensure()
    image = engine._place.image(SPEC.image)
    engine._workstations.wait(ref, engine._begin(ref, SPEC, None, image))
    for generation in (0, 1):
        volume = Volume(size_gib=1, generation=generation)
        engine._volumes.make(Cancellation(), ref, volume, None)
    engine._workstations.note(ref, kept(generation=1))
    other = IncusEngine(incus_settings)
    try:
        other.listen(lambda _: None)
        eventually(lambda: [home.generation for home in engine._volumes.all()] == [1])
    finally:
        other.close()


def test_a_start_that_was_called_off_takes_no_further_step(engine: IncusEngine, ref: str) -> None:
    engine._place.ensure()
    image = engine._place.image(SPEC.image)
    engine._workstations.wait(ref, engine._begin(ref, SPEC, None, image))
    later = msgspec.structs.replace(SPEC, attempt=2)
    for spec in (later, msgspec.structs.replace(SPEC, attempt=0)):
        with pytest.raises(NotWantedError):
            engine._starter._build(ref, spec)
    engine.ensure_stopped(ref)
    with pytest.raises(NotWantedError):
        engine._starter._switch_on(Cancellation(), ref, SPEC)
    assert engine.observe(ref).phase is Phase.STOPPED


def test_what_incus_refuses_fails_the_start_and_not_the_next(
    incus_settings: IncusSettings, ref: str, home: Path
) -> None:
    folder = SharedFolder(name="tools", path=home)
    settings = msgspec.structs.replace(incus_settings, shared_folders=[folder])
    sharing = IncusEngine(settings)
    mount = Mount(component="T", kind=MountKind.FOLDER, source="tools/none", target="/mnt/t")
    try:
        observed = run(sharing, ref, msgspec.structs.replace(SPEC, mounts=[mount]))
        assert (observed.phase, observed.reason) == (Phase.FAILED, Reason.MOUNT)
        assert "none" in observed.detail
        (home / "none").mkdir()
        (home / "none" / "shared").write_text("seen")
        again = msgspec.structs.replace(SPEC, attempt=2, mounts=[mount])
        observed = run(sharing, ref, again)
        assert observed.phase is Phase.RUNNING, observed.detail
        seen = sharing._client.run(f"ws-{ref}", "cat", "/mnt/t/shared")
        assert seen.output == b"seen"
    finally:
        sharing.close()


def test_of_many_that_are_asked_for_at_once_few_start_together_and_all_come_up(
    incus_settings: IncusSettings, eventually: Eventually
) -> None:
    rules = Rules(cpu_overcommit=100, memory_overcommit=100)
    engine = IncusEngine(msgspec.structs.replace(incus_settings, rules=rules))
    # As on a host with one core.
    engine._starter._cores[""] = 1
    refs = [secrets.token_hex(11) for _ in range(4)]
    try:
        for ref in refs:
            with suppress(RetryableError):
                engine.ensure_running(ref, SPEC)
        said = "waiting until others have started"
        eventually(lambda: any(engine.observe(ref).detail == said for ref in refs))
        observed = run_all(engine, dict.fromkeys(refs, SPEC))
        assert {each.phase for each in observed.values()} == {Phase.RUNNING}
    finally:
        remove(engine, *refs)
        engine.close()
