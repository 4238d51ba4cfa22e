"""Homes of a real Incus: made, made of backups, and never lost by a failure."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import Eventually

from soundstage.engines.incus.client import Client
from soundstage.engines.incus.copies import Copies
from soundstage.engines.incus.lost import Lost
from soundstage.engines.incus.names import home_of
from soundstage.engines.incus.settings import IncusSettings
from soundstage.engines.incus.volumes import Volumes
from soundstage.engines.interface import BackupPhase, PermanentError, Reason, Volume
from soundstage.engines.repository.opening import open_repository
from soundstage.kit.jobs import Cancellation
from soundstage.testing.incus import IncusDaemon

pytestmark = pytest.mark.incus
CANCELLATION = Cancellation()


@pytest.fixture
def ref() -> str:
    return secrets.token_hex(11)


@pytest.fixture
def volumes(client: Client, incus_settings: IncusSettings, ref: str) -> Iterator[Volumes]:
    repository = open_repository(incus_settings.home, "", None)
    made = Volumes(
        client,
        incus_settings,
        repository,
        Copies(client, incus_settings, Lost(client, incus_settings)),
    )
    yield made
    made.remove_all(ref)


def test_an_empty_home_is_the_artist_s(
    volumes: Volumes,
    ref: str,
    client: Client,
    incus_settings: IncusSettings,
) -> None:
    for _ in range(2):
        volumes.make(CANCELLATION, ref, Volume(size_gib=1), None)
    assert volumes.newest(ref) == 0
    assert [home.ref for home in volumes.all()] == [ref]
    found = client.get(f"{incus_settings.volumes}/{home_of(ref, 0)}")
    assert (found["config"]["size"], found["config"]["security.shifted"]) == ("1GiB", "true")


def test_a_generation_is_made_of_its_backup_alone(
    volumes: Volumes, ref: str, incus_daemon: IncusDaemon, tmp_path: Path, eventually: Eventually
) -> None:
    backup_id = secrets.token_hex(11)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "mine").write_text("kept")
    repository = volumes._repository
    repository.ensure(ref, backup_id, tmp_path)
    eventually(lambda: repository.observe(backup_id).phase is BackupPhase.COMPLETE, seconds=60)
    volumes.make(CANCELLATION, ref, Volume(size_gib=1, generation=2, backup_id=backup_id), None)
    place = incus_daemon.volume(home_of(ref, 2))
    assert (place / "mine").read_text() == "kept"
    assert (place / "mine").stat().st_uid == 1000
    assert volumes.newest(ref) == 2


def test_what_can_not_be_made_is_refused_and_nothing_is_lost(volumes: Volumes, ref: str) -> None:
    volumes.make(CANCELLATION, ref, Volume(size_gib=1), None)
    lost = Volume(size_gib=1, generation=1, backup_id="b" * 22)
    for wanted, present in ((lost, 0), (Volume(generation=1), 0), (Volume(generation=3), 4)):
        with pytest.raises(PermanentError) as raised:
            volumes.make(CANCELLATION, ref, wanted, present)
        assert raised.value.reason is Reason.BACKUP
    assert volumes.newest(ref) == 0


def test_what_is_not_whole_is_no_home(
    volumes: Volumes, ref: str, client: Client, incus_settings: IncusSettings
) -> None:
    name = home_of(ref, 0)
    client.ensure(incus_settings.volumes, {"name": name, "config": {"user.soundstage.ref": ref}})
    assert volumes.newest(ref) is None
    volumes.make(CANCELLATION, ref, Volume(size_gib=1), None)
    assert volumes.newest(ref) == 0


def test_older_generations_go_and_nobody_else_s(volumes: Volumes, ref: str) -> None:
    other = f"{ref[:-2]}-0"
    for each, generation in ((ref, 0), (ref, 2), (other, 0)):
        volumes.make(CANCELLATION, each, Volume(size_gib=1, generation=generation), None)
    for present in ({other: 5}, {ref: 0}, {}):
        volumes.remove_older(present)
        assert generations(volumes, ref) == [0, 2]
    assert generations(volumes, other) == []
    volumes.remove_older({ref: 2})
    assert generations(volumes, ref) == [2]
    volumes.make(CANCELLATION, other, Volume(size_gib=1), None)
    volumes.remove_homes(ref)
    assert volumes.newest(ref) is None
    assert volumes.newest(other) == 0
    volumes.remove_all(other)


def generations(volumes: Volumes, ref: str) -> list[int | None]:
    return sorted((home.generation for home in volumes.all() if home.ref == ref), key=str)
