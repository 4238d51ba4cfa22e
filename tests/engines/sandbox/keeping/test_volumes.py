"""Volumes are made, restored and swapped whole; nothing that fails costs the one in place."""

import os
import shutil
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from soundstage.engines.interface import BackupPhase, PermanentError, Volume
from soundstage.engines.repository.backups import Repository
from soundstage.engines.repository.stores import folder_store
from soundstage.engines.sandbox.keeping.volumes import Phase, Volumes
from soundstage.kit.jobs import Cancellation

REF = "r" * 22
BACKUP = "b" * 22
# As root a workstation has a user of its own.
OWNER = 200_123 if os.geteuid() == 0 else os.geteuid()

Eventually = Callable[..., None]


class HeldRepository(Repository):
    """Restores wait until the test lets them go on, and fail when it says so."""

    def __init__(self, root: Path) -> None:
        super().__init__(folder_store(root / "restic"), root / "password", root / "restic.state")
        self.go_on = threading.Event()
        self.failure: Exception | None = None

    def restore(
        self,
        backup_id: str,
        target: Path,
        *,
        cancellation: Cancellation | None = None,
        stays: bool = True,
    ) -> None:
        assert self.go_on.wait(30)
        if self.failure is not None:
            raise self.failure
        super().restore(backup_id, target, cancellation=cancellation, stays=stays)


class Place:
    def __init__(self, root: Path, eventually: Eventually) -> None:
        self.root = root
        self.eventually = eventually
        self.repository = HeldRepository(root)
        self.repository.go_on.set()
        self.volumes = self.open()

    def open(self) -> Volumes:
        return Volumes(self.root / "volumes", self.repository)

    def ensure(self, generation: int = 0, backup_id: str | None = None) -> None:
        volume = Volume(generation=generation, backup_id=backup_id, size_gib=1)
        self.volumes.ensure(REF, volume, OWNER)

    def home(self) -> Path:
        directory = self.volumes.observe(REF).directory
        assert directory is not None
        return directory / "home"

    def back_up(self) -> None:
        """Make generation 0 with one file, and a backup of it."""
        self.ensure()
        (self.home() / "file").write_text("kept")
        os.chown(self.home() / "file", OWNER, OWNER)
        self.repository.ensure(REF, BACKUP, self.home().parent)
        self.eventually(lambda: self.repository.observe(BACKUP).phase is BackupPhase.COMPLETE)
        (self.home() / "file").write_text("changed")

    def is_(self, phase: Phase) -> bool:
        return self.volumes.observe(REF).phase is phase


@pytest.fixture
def place(home: Path, empty_repository: Path, eventually: Eventually) -> Iterator[Place]:
    shutil.copytree(empty_repository / "restic", home / "restic")
    shutil.copy(empty_repository / "password", home / "password")
    place = Place(home, eventually)
    yield place
    eventually(lambda: not list((home / "volumes" / ".trash").iterdir()))


def test_the_first_volume_is_there_at_return_and_is_its_owners_alone(place: Place) -> None:
    assert place.is_(Phase.ABSENT)
    place.ensure()
    state = place.volumes.observe(REF)
    assert (state.phase, state.generation) == (Phase.READY, 0)
    assert state.directory is not None
    for name, mode in {
        "home": 0o700,
        "scratch": 0o700,
        "scratch/tmp": 0o1777,
        "scratch/var-tmp": 0o1777,
    }.items():
        about = (state.directory / name).stat()
        assert (about.st_uid, stat.S_IMODE(about.st_mode)) == (OWNER, mode)
    assert stat.S_IMODE(state.directory.stat().st_mode) == 0o710
    assert place.volumes.refs() == {REF}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")
def test_only_its_owner_comes_in(place: Place) -> None:
    place.ensure()
    place.home().chmod(0o777)
    come_in = ["ls", str(place.home())]
    for user, may in ((OWNER, True), (OWNER + 1, False)):
        ids = ["setpriv", "--reuid", str(user), "--regid", str(user), "--clear-groups"]
        done = subprocess.run([*ids, *come_in], check=False, capture_output=True)
        assert (done.returncode == 0) is may


def test_asking_again_changes_nothing(place: Place) -> None:
    place.ensure()
    (place.home() / "file").write_text("mine")
    place.ensure()
    assert (place.open().observe(REF).phase, (place.home() / "file").read_text()) == (
        Phase.READY,
        "mine",
    )


def test_a_restore_swaps_in_a_whole_volume(place: Place) -> None:
    place.back_up()
    place.repository.go_on.clear()
    place.ensure(1, BACKUP)
    state = place.volumes.observe(REF)
    assert (state.phase, state.generation) == (Phase.PREPARING, 0)
    assert (place.home() / "file").read_text() == "changed"
    place.ensure(1, BACKUP)
    place.repository.go_on.set()
    place.eventually(lambda: place.is_(Phase.READY))
    assert place.volumes.observe(REF).generation == 1
    assert (place.home() / "file").read_text() == "kept"
    assert (place.home().parent / "scratch" / "tmp").is_dir()
    assert {path.name for path in (place.root / "volumes" / REF).iterdir()} == {"1"}


def test_a_failed_restore_leaves_the_old_volume_in_place(place: Place) -> None:
    place.back_up()
    place.repository.failure = OSError("the disk is full")
    place.ensure(1, BACKUP)
    place.eventually(lambda: place.is_(Phase.FAILED))
    place.volumes = place.open()
    state = place.volumes.observe(REF)
    assert (state.phase, state.generation) == (Phase.FAILED, 0)
    assert "the disk is full" in state.detail
    assert (place.home() / "file").read_text() == "changed"
    # The same again fails as it did; what was in place is READY when asked for, a new one is made.
    place.ensure(1, BACKUP)
    assert place.is_(Phase.FAILED)
    place.ensure(0)
    assert place.is_(Phase.READY)
    place.repository.failure = None
    place.ensure(2, BACKUP)
    place.eventually(lambda: place.is_(Phase.READY))
    assert place.volumes.observe(REF).generation == 2


def test_a_failure_can_be_forgotten(place: Place) -> None:
    place.back_up()
    place.repository.failure = OSError("for now")
    place.ensure(1, BACKUP)
    place.eventually(lambda: place.is_(Phase.FAILED))
    place.repository.failure = None
    place.volumes.clear_failure(REF)
    place.ensure(1, BACKUP)
    place.eventually(lambda: place.is_(Phase.READY))


def test_a_backup_that_is_not_there_fails(place: Place) -> None:
    place.ensure()
    place.ensure(1, "n" * 22)
    place.eventually(lambda: place.is_(Phase.FAILED))
    assert "no such backup" in place.volumes.observe(REF).detail


def test_a_volume_never_goes_back_nor_starts_empty_again(place: Place) -> None:
    place.back_up()
    place.ensure(3, BACKUP)
    place.eventually(lambda: place.is_(Phase.READY))
    for wanted in ((0, None), (2, BACKUP), (4, None)):
        with pytest.raises(PermanentError):
            place.ensure(*wanted)
    assert (place.home() / "file").read_text() == "kept"


@pytest.mark.parametrize("left", ["1.new", "2.new"])
def test_what_a_killed_service_left_half_made_is_made_anew(place: Place, left: str) -> None:
    place.back_up()
    (place.root / "volumes" / REF / left / "home").mkdir(parents=True)
    place.volumes = place.open()
    assert place.volumes.observe(REF).generation == 0
    place.ensure(1, BACKUP)
    place.eventually(lambda: place.is_(Phase.READY))
    assert {path.name for path in (place.root / "volumes" / REF).iterdir()} == {"1"}


def test_killed_between_the_swap_and_the_removal_of_the_old(place: Place) -> None:
    place.ensure()
    (place.root / "volumes" / REF / "1" / "home").mkdir(parents=True)
    assert place.open().observe(REF).generation == 1
    place.ensure(1, BACKUP)
    assert {path.name for path in (place.root / "volumes" / REF).iterdir()} == {"1"}


def test_a_removed_volume_is_absent_at_once_and_its_space_comes_back(place: Place) -> None:
    place.ensure()
    (place.home() / "locked").mkdir()
    (place.home() / "locked" / "file").touch()
    (place.home() / "locked").chmod(0)
    place.volumes.ensure_absent(REF)
    assert place.is_(Phase.ABSENT)
    assert place.volumes.refs() == set()
    place.volumes.ensure_absent(REF)
    place.eventually(lambda: not list((place.root / "volumes" / ".trash").iterdir()))


def test_a_volume_is_removed_while_it_is_restored(place: Place) -> None:
    place.back_up()
    place.repository.go_on.clear()
    place.ensure(1, BACKUP)
    place.eventually((place.root / "volumes" / REF / "1.new").exists)
    place.volumes.ensure_absent(REF)
    place.repository.go_on.set()
    place.eventually(lambda: place.is_(Phase.ABSENT))
    assert place.volumes.refs() == set()


def test_trash_of_a_killed_service_is_emptied_at_the_next_start(place: Place) -> None:
    trash = place.root / "volumes" / ".trash"
    (trash / "old" / "deep").mkdir(parents=True)
    place.open()
    place.eventually(lambda: not list(trash.iterdir()))


def test_scratch_is_emptied_and_home_is_not(place: Place) -> None:
    place.volumes.clear_scratch(REF)
    place.ensure()
    scratch = place.home().parent / "scratch"
    (scratch / "tmp" / "file").touch()
    (place.home() / "file").touch()
    place.volumes.clear_scratch(REF)
    assert [list((scratch / name).iterdir()) for name in ("tmp", "var-tmp")] == [[], []]
    assert scratch.stat().st_uid == OWNER
    assert (place.home() / "file").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
def test_a_restored_home_belongs_to_whom_the_workstation_runs_as_now(place: Place) -> None:
    place.back_up()
    place.volumes.ensure(REF, Volume(generation=1, backup_id=BACKUP), OWNER + 7)
    place.eventually(lambda: place.is_(Phase.READY))
    owners = {path.stat().st_uid for path in (place.home(), place.home() / "file")}
    assert owners == {OWNER + 7}


def test_only_ids_become_paths(place: Place) -> None:
    for wrong in ("", "..", "../" + "x" * 19, ".trash"):
        with pytest.raises(PermanentError):
            place.volumes.ensure(wrong, Volume(), OWNER)
        with pytest.raises(PermanentError):
            place.volumes.observe(wrong)
        with pytest.raises(PermanentError):
            place.volumes.ensure_absent(wrong)
    with pytest.raises(PermanentError):
        place.ensure(1, "../" + "x" * 19)


def test_what_the_file_system_can_not_do_is_said(place: Place) -> None:
    (capability,) = place.volumes.capabilities()
    assert capability.name == "volume-size-limit"
    assert capability.available or "not limited here: " in capability.detail


@pytest.fixture
def small_disk(home: Path) -> Iterator[Path]:
    image, mounted = home / "disk", home / "mounted"
    mounted.mkdir()
    with image.open("wb") as file:
        file.truncate(64 << 20)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, mounted], check=True)
    try:
        yield mounted
    finally:
        subprocess.run(["umount", mounted], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")
def test_a_restore_that_fills_the_disk_loses_nothing(
    small_disk: Path, home: Path, eventually: Eventually
) -> None:
    place = Place(home, eventually)
    place.volumes = Volumes(small_disk, place.repository)
    place.ensure()
    (place.home() / "big").write_bytes(os.urandom(30 << 20))
    place.back_up()
    place.ensure(1, BACKUP)
    place.eventually(lambda: place.is_(Phase.FAILED))
    assert "No space left" in place.volumes.observe(REF).detail.replace("no space", "No space")
    assert (place.home() / "file").read_text() == "changed"
    place.ensure(0)
    assert place.is_(Phase.READY)
    place.eventually(lambda: not list((small_disk / ".trash").iterdir()))
