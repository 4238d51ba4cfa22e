"""What `soundstage doctor` says of an Incus."""

from pathlib import Path

import msgspec
import pytest
from tests.engines.incus.conftest import asks_nobody

from soundstage.engines.incus.client import Client
from soundstage.engines.incus.connection import Target
from soundstage.engines.incus.engine import IncusEngine
from soundstage.engines.incus.examining import Examination
from soundstage.engines.incus.lost import Lost
from soundstage.engines.incus.place import Place
from soundstage.engines.incus.settings import IncusSettings
from soundstage.engines.interface import Capability, SupportsExamination


def looks(settings: IncusSettings) -> dict[str, Capability]:
    engine = IncusEngine(settings)
    try:
        assert isinstance(engine, SupportsExamination)
        return {each.name: each for each in engine.examine()}
    finally:
        engine.close()


@asks_nobody
def test_one_that_does_not_answer_is_all_that_is_said(home: Path) -> None:
    said = looks(IncusSettings(home=home, target=Target(addresses=(str(home / "none"),))))
    assert list(said) == ["incus", "backups"]
    assert not said["incus"].available
    assert "does not answer" in said["incus"].detail


@pytest.mark.incus
def test_what_is_there_is_said(client: Client, incus_settings: IncusSettings) -> None:
    before = client.get("/instances")
    said = looks(incus_settings)
    # The kernel may have lost count by what other tests removed.
    assert {each.name for each in said.values() if not each.available} <= {"sizes"}
    assert said["inotify"].detail.endswith("enough for about 40 workstations of one user")
    assert "Incus 6" in said["incus"].detail
    assert "btrfs" in said["pool"].detail
    assert client.get("/instances") == before


@pytest.mark.incus
@pytest.mark.parametrize(
    ("changes", "name", "advice"),
    [
        ({"pool": "fast"}, "pool", "incus storage create fast btrfs"),
        ({"images": {"ami-host": "gone"}}, "images", "incus image import"),
    ],
)
def test_what_is_missing_is_said_with_what_helps(
    client: Client,
    incus_settings: IncusSettings,
    changes: dict[str, object],
    name: str,
    advice: str,
) -> None:
    del client  # It has made the project.
    said = looks(msgspec.structs.replace(incus_settings, **changes))
    assert not said[name].available
    assert advice in said[name].detail


@pytest.mark.incus
def test_a_kernel_that_has_lost_count_is_said(
    client: Client, incus_settings: IncusSettings, tmp_path: Path
) -> None:
    place, lost = Place(client, incus_settings), Lost(client, incus_settings)
    examination = Examination(client, incus_settings, place, lost, file_systems=tmp_path)
    flag = tmp_path / "c690d05d" / "qgroups" / "inconsistent"
    flag.parent.mkdir(parents=True)
    for word, is_well in (("0\n", True), ("1\n", False)):
        flag.write_text(word)
        (said,) = [each for each in examination.all() if each.name == "sizes"]
        assert said.available is is_well
    assert "c690d05d" in said.detail
    assert "btrfs quota rescan" in said.detail


@pytest.mark.incus
def test_a_kernel_that_lends_too_little_inotify_is_said(
    client: Client, incus_settings: IncusSettings, tmp_path: Path
) -> None:
    place, lost = Place(client, incus_settings), Lost(client, incus_settings)
    limit = tmp_path / "max_user_instances"
    limit.write_text("24\n")
    examination = Examination(client, incus_settings, place, lost, inotify=limit)
    (said,) = [each for each in examination.all() if each.name == "inotify"]
    assert not said.available
    assert "24 inotify instances, enough for about 0 workstations" in said.detail
    assert "fs.inotify.max_user_instances=4096" in said.detail
