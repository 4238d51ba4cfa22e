"""Backups come back byte for byte, once each, whatever dies when."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from soundstage.engines.interface import BackupPhase, ObservedBackup, PermanentError, RetryableError
from soundstage.engines.repository.backups import Repository
from soundstage.engines.repository.stores import folder_store
from soundstage.kit.jobs import TooSlowError

REF = "r" * 22
ONE, TWO = "-" + "1" * 21, "2" * 22
RESTIC = shutil.which("restic") or "/usr/bin/restic"

Eventually = Callable[..., None]
Describe = Callable[[Path], dict[bytes, dict[str, Any]]]


class Place:
    """A repository, a volume, and a way to be another process that uses them."""

    def __init__(self, root: Path, eventually: Eventually) -> None:
        self.root = root
        self.volume = root / "volume"
        (self.volume / "home").mkdir(parents=True)
        (self.volume / "home" / "file").write_text("first")
        self.bin = root / "bin"
        self.bin.mkdir()
        self.calls = root / "calls"
        self.eventually = eventually
        self.repository = self.open()

    def open(self, **settings: float) -> Repository:
        return Repository(
            folder_store(self.root / "restic"),
            self.root / "password",
            self.root / "restic.state",
            **settings,
        )

    def disguise(self, script: str) -> None:
        """Put a shell script in restic's place."""
        unfinished = self.bin / "new"
        unfinished.write_text(f'#!/bin/sh\necho "$@" >>{self.calls}\n{script}\n')
        unfinished.chmod(0o755)
        unfinished.rename(self.bin / "restic")

    def undisguise(self) -> None:
        (self.bin / "restic").unlink(missing_ok=True)

    def complete(self, backup_id: str, repository: Repository | None = None) -> ObservedBackup:
        """Do as the reconciler does: ask, look, ask again, until it is COMPLETE."""
        chosen = repository or self.repository

        def is_complete() -> bool:
            phase = chosen.observe(backup_id).phase
            if phase in {BackupPhase.ABSENT, BackupPhase.FAILED}:
                chosen.ensure(REF, backup_id, self.volume)
            return phase is BackupPhase.COMPLETE

        self.eventually(is_complete)
        return chosen.observe(backup_id)

    def wait_for(self, phase: BackupPhase, repository: Repository | None = None) -> None:
        chosen = repository or self.repository
        self.eventually(lambda: chosen.observe(ONE).phase is phase)

    def snapshots(self) -> int:
        return len(list((self.root / "restic" / "snapshots").iterdir()))

    def restored(self, backup_id: str = ONE, repository: Repository | None = None) -> str:
        target = self.root / "restored"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        (repository or self.repository).restore(backup_id, target)
        return (target / "home" / "file").read_text()

    def service(self) -> subprocess.Popen[bytes]:
        """Begin the backup ONE in a process of its own, which then only waits."""
        program = (
            "import sys, signal; from pathlib import Path;"
            "from soundstage.engines.repository.backups import Repository;"
            "root = Path(sys.argv[1]);"
            "from soundstage.engines.repository.stores import folder_store;"
            "repository = Repository(folder_store(root / 'restic'), root / 'password',"
            " root / 'restic.state');"
            f"repository.ensure({REF!r}, {ONE!r}, root / 'volume');"
            "signal.pause()"
        )
        return subprocess.Popen([sys.executable, "-c", program, str(self.root)])

    def interrupted(self, script: str) -> None:
        """Kill a service once `script`, in restic's place, has written the file `reached`."""
        self.disguise(script)
        service = self.service()
        self.eventually((self.root / "reached").exists)
        child = int((self.root / "reached").read_text())
        service.send_signal(signal.SIGKILL)
        service.wait()
        self.eventually(lambda: not _is_alive(child))
        self.undisguise()


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def place(
    home: Path, empty_repository: Path, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> Place:
    shutil.copytree(empty_repository / "restic", home / "restic")
    shutil.copy(empty_repository / "password", home / "password")
    place = Place(home, eventually)
    monkeypatch.setenv("PATH", f"{place.bin}:{os.environ['PATH']}")
    return place


def test_a_home_comes_back_byte_for_byte(
    place: Place, grow: Callable[[Path], None], describe: Describe
) -> None:
    """As root everything; sockets and second names of links and fifos are not kept by restic."""
    home = place.volume / "home"
    shutil.rmtree(home)
    home.mkdir()
    grow(home)
    wanted = describe(home)
    assert sum(1 for facts in wanted.values() if facts.get("holes")) == 2
    observed = place.complete(ONE)
    target = place.root / "restored"
    target.mkdir()
    place.repository.restore(ONE, target)
    assert describe(target / "home") == wanted
    assert [path.name for path in target.iterdir()] == ["home"]
    assert [path.name for path in place.volume.iterdir()] == ["home"]
    assert observed.size_bytes is not None
    assert abs(observed.size_bytes - (3 << 20) - (2 << 20)) < 16_384


@pytest.mark.skipif(os.geteuid() != 0, reason="the test before this one ran as an ordinary user")
def test_a_home_comes_back_for_an_ordinary_user(
    home: Path, eventually: Eventually, grow: Callable[[Path], None], describe: Describe
) -> None:
    """Nothing is lost but what such a user can't make: files of other owners, lists naming them.

    Files of mode 000 are read with the rights of a user namespace of one's own.
    """
    place = Place(home, eventually)
    shutil.rmtree(place.volume / "home")
    (place.volume / "home").mkdir()
    grow(place.volume / "home")
    for name in ("strangers", "listed"):
        (place.volume / "home" / name).unlink()
    os.utime(place.volume / "home", ns=(1, 1))
    wanted = describe(place.volume / "home")
    program = (
        "import sys, time; from pathlib import Path;"
        "from soundstage.engines.repository.backups import Repository;"
        "root = Path(sys.argv[1]);"
        "from soundstage.engines.repository.stores import folder_store;"
        "repository = Repository(folder_store(root / 'restic'), root / 'password',"
        " root / 'restic.state');"
        f"repository.ensure({REF!r}, {ONE!r}, root / 'volume');\n"
        f"while repository.observe({ONE!r}).phase == 'RUNNING': time.sleep(0.02)\n"
        "(root / 'restored').mkdir();"
        f"repository.restore({ONE!r}, root / 'restored')"
    )
    # Root's uid under another number and without any of root's rights.
    user = ("unshare", "--user", "--map-user=12345", "--map-group=12345")
    subprocess.run([*user, sys.executable, "-c", program, home], check=True)
    assert describe(home / "restored" / "home") == wanted


def test_an_asked_for_backup_is_made_once_and_with_one_call(place: Place) -> None:
    place.disguise(f'exec {RESTIC} "$@"')
    place.complete(ONE)
    for _ in range(3):
        place.repository.ensure(REF, ONE, place.volume)
    assert place.snapshots() == 1
    assert len(place.calls.read_text().splitlines()) == 1


def test_each_backup_keeps_its_own_state(place: Place) -> None:
    place.complete(ONE)
    (place.volume / "home" / "file").write_text("second")
    place.complete(TWO)
    assert (place.restored(ONE), place.restored(TWO)) == ("first", "second")


def test_two_first_backups_at_once_make_one_repository(home: Path, eventually: Eventually) -> None:
    place = Place(home, eventually)
    other = place.volume.with_name("other")
    shutil.copytree(place.volume, other)
    threads = [
        threading.Thread(target=place.repository.ensure, args=(ref, name, volume))
        for ref, name, volume in ((REF, ONE, place.volume), ("q" * 22, TWO, other))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    place.complete(ONE)
    place.complete(TWO)
    assert place.snapshots() == 2
    assert (home / "password").stat().st_mode & 0o777 == 0o600
    assert len((home / "password").read_text()) >= 40
    # Again from nothing but what is on the disk.
    assert place.restored(ONE, place.open()) == "first"


def test_a_half_made_repository_is_made_anew(home: Path, eventually: Eventually) -> None:
    place = Place(home, eventually)
    (home / "restic.new" / "keys").mkdir(parents=True)
    (home / "password.new").write_text("half")
    place.complete(ONE)
    assert place.restored() == "first"


def test_killed_after_the_snapshot_but_before_it_was_noted(place: Place) -> None:
    place.interrupted(
        f'{RESTIC} "$@"; echo $$ >{place.root}/r && mv {place.root}/r '
        f"{place.root}/reached; exec sleep 60"
    )
    assert place.snapshots() == 1
    again = place.open()
    place.wait_for(BackupPhase.COMPLETE, again)
    again.ensure(REF, ONE, place.volume)
    assert place.snapshots() == 1
    assert place.restored(repository=again) == "first"


def test_killed_before_the_snapshot(place: Place) -> None:
    place.interrupted(
        f"echo $$ >{place.root}/r && mv {place.root}/r {place.root}/reached;exec sleep 60"
    )
    assert place.snapshots() == 0
    again = place.open()
    place.wait_for(BackupPhase.ABSENT, again)
    place.complete(ONE, again)
    assert place.snapshots() == 1


def test_killed_while_restic_works(place: Place) -> None:
    (place.volume / "home" / "big").write_bytes(os.urandom(64 << 20))
    place.interrupted(
        f"echo $$ >{place.root}/r && mv {place.root}/r {place.root}/reached;"
        f'exec {RESTIC} --limit-upload 10000 "$@"'
    )
    again = place.open()
    place.complete(ONE, again)
    assert place.snapshots() == 1
    assert not list((place.root / "restic" / "locks").iterdir())
    assert place.restored(repository=again) == "first"


def test_restic_that_dies_after_its_snapshot_is_not_asked_for_another(place: Place) -> None:
    place.disguise(f'{RESTIC} "$@"; kill -9 $$')
    place.repository.ensure(REF, ONE, place.volume)
    place.wait_for(BackupPhase.FAILED)
    place.undisguise()
    place.complete(ONE)
    assert place.snapshots() == 1


def test_a_failed_backup_says_why_also_later_and_is_tried_again(place: Place) -> None:
    place.disguise("echo 'Fatal: the disk is full' >&2; exit 1")
    place.repository.ensure(REF, ONE, place.volume)
    place.wait_for(BackupPhase.FAILED)
    assert "the disk is full" in place.open().observe(ONE).detail
    place.undisguise()
    place.complete(ONE)


def test_an_incomplete_snapshot_is_no_backup_and_goes(place: Place) -> None:
    place.disguise(f'{RESTIC} "$@"; echo "file: permission denied" >&2; exit 3')
    place.repository.ensure(REF, ONE, place.volume)
    place.wait_for(BackupPhase.FAILED)
    assert "permission denied" in place.repository.observe(ONE).detail
    place.undisguise()
    place.complete(ONE)
    assert place.snapshots() == 1


def test_lost_records_are_read_back_from_the_repository(place: Place) -> None:
    size = place.complete(ONE).size_bytes
    shutil.rmtree(place.root / "restic.state")
    again = place.open()
    with pytest.raises(RetryableError):
        again.observe(ONE)
    place.wait_for(BackupPhase.COMPLETE, again)
    assert again.observe(ONE).size_bytes == size
    assert place.restored(repository=again) == "first"


def test_a_removed_backup_is_gone_and_its_space_comes_back(place: Place) -> None:
    repository = place.open(seconds_between_prunes=0)
    (place.volume / "home" / "big").write_bytes(os.urandom(8 << 20))
    place.complete(ONE, repository)
    (place.volume / "home" / "big").unlink()
    place.complete(TWO, repository)
    assert _size(place.root / "restic") > 8 << 20
    repository.ensure_absent(ONE)
    place.wait_for(BackupPhase.ABSENT, repository)
    repository.ensure_absent(ONE)
    place.eventually(lambda: _size(place.root / "restic") < 1 << 20)
    assert place.restored(TWO, repository) == "first"


def test_space_comes_back_once_in_a_while_only(place: Place) -> None:
    place.complete(ONE)
    (place.root / "restic.state" / "pruned").touch()
    place.disguise(f'exec {RESTIC} "$@"')
    place.repository.ensure_absent(ONE)
    place.wait_for(BackupPhase.ABSENT)
    assert " forget " in place.calls.read_text()
    assert " prune " not in place.calls.read_text()


def test_a_backup_is_given_up_while_it_is_made(place: Place) -> None:
    place.disguise(
        f"echo $$ >{place.root}/r && mv {place.root}/r {place.root}/reached;exec sleep 60"
    )
    place.repository.ensure(REF, ONE, place.volume)
    place.eventually((place.root / "reached").exists)
    place.undisguise()
    place.repository.ensure_absent(ONE)
    place.wait_for(BackupPhase.ABSENT)
    assert not _is_alive(int((place.root / "reached").read_text()))
    assert place.snapshots() == 0


def test_a_backup_that_was_never_made_is_absent_and_not_restored(place: Place) -> None:
    assert place.repository.observe(ONE).phase is BackupPhase.ABSENT
    place.repository.ensure_absent(ONE)
    with pytest.raises(PermanentError):
        place.repository.restore(ONE, place.root)


def test_there_must_be_a_volume(place: Place) -> None:
    with pytest.raises(PermanentError):
        place.repository.ensure(REF, ONE, place.root / "none")
    assert place.repository.observe(ONE).phase is BackupPhase.ABSENT


@pytest.mark.parametrize("wrong", ["", "../" + "x" * 19, "x" * 21, "x" * 23, "x" * 22 + "\n"])
def test_only_ids_become_paths(place: Place, wrong: str) -> None:
    with pytest.raises(PermanentError):
        place.repository.observe(wrong)
    with pytest.raises(PermanentError):
        place.repository.ensure(wrong, ONE, place.volume)
    with pytest.raises(PermanentError):
        place.repository.ensure(REF, wrong, place.volume)
    with pytest.raises(PermanentError):
        place.repository.ensure_absent(wrong)
    with pytest.raises(PermanentError):
        place.repository.restore(wrong, place.root)


def _size(directory: Path) -> int:
    # Files may go while they are counted.
    files = subprocess.run(
        ["find", directory, "-type", "f", "-printf", "%s\n"], check=False, capture_output=True
    )
    return sum(map(int, files.stdout.split()))


class Held:
    """Stands for a workstation that is held still; tells what was done meanwhile."""

    def __init__(self, place: Place, *, too_slow: int = 0) -> None:
        self.place = place
        self.too_slow = too_slow
        self.seconds: list[float] = []

    @contextmanager
    def __call__(self, seconds: float) -> Iterator[None]:
        self.seconds.append(seconds)
        # What is written before the hold is in the copy, what after it is not.
        (self.place.volume / "home" / "file").write_text("at the moment")
        yield
        (self.place.volume / "home" / "file").write_text("after it")
        if len(self.seconds) <= self.too_slow:
            raise TooSlowError


def test_a_running_workstation_is_copied_twice_and_kept_once(place: Place) -> None:
    held = Held(place)
    place.disguise(f'exec {RESTIC} "$@"')
    place.repository.ensure(REF, ONE, place.volume, quiet=held)
    assert place.repository.copying(REF) is not None
    place.wait_for(BackupPhase.COMPLETE)
    assert place.restored() == "at the moment"
    assert held.seconds == [15]
    # The first pass goes, and nobody is left to copy.
    place.eventually(lambda: place.snapshots() == 1)
    assert place.repository.copying(REF) is None
    assert place.calls.read_text().count(" backup ") == 2
    assert place.restored(repository=place.open()) == "at the moment"


def test_one_that_would_not_be_held_is_tried_again_and_then_given_up(place: Place) -> None:
    place.repository.ensure(REF, ONE, place.volume, quiet=Held(place, too_slow=1))
    place.wait_for(BackupPhase.COMPLETE)
    assert place.restored() == "at the moment"
    never = Held(place, too_slow=99)
    place.repository.ensure(REF, TWO, place.volume, quiet=never)
    # Six runs of restic, on a machine that may be busy.
    place.eventually(lambda: place.repository.observe(TWO).phase is BackupPhase.FAILED, seconds=90)
    assert "stop it first" in place.repository.observe(TWO).detail
    assert len(never.seconds) == 3
    place.eventually(lambda: place.snapshots() == 1)


def test_a_first_pass_that_a_killed_service_left_goes(place: Place) -> None:
    killed = threading.Event()

    @contextmanager
    def dies(_: float) -> Iterator[None]:
        killed.set()
        threading.Event().wait()
        yield

    place.repository.ensure(REF, ONE, place.volume, quiet=dies)
    place.eventually(killed.is_set)
    assert place.snapshots() == 1
    # Another service begins; the one above is as good as dead.
    again = place.open()
    place.complete(ONE, again)
    place.eventually(lambda: place.snapshots() == 1)
    assert place.restored(repository=again) == "first"


def test_a_copy_is_given_up_for_a_disk_that_goes(place: Place) -> None:
    place.disguise(
        f"echo $$ >{place.root}/r && mv {place.root}/r {place.root}/reached;exec sleep 60"
    )
    place.repository.ensure(REF, ONE, place.volume)
    place.eventually((place.root / "reached").exists)
    with pytest.raises(RetryableError, match="Another copy"):
        place.repository.ensure(REF, TWO, place.volume)
    place.repository.give_up(REF)
    place.eventually(lambda: place.repository.copying(REF) is None)
    place.wait_for(BackupPhase.ABSENT)
    place.undisguise()
    shutil.rmtree(place.volume / "home")
    with pytest.raises(PermanentError):
        place.repository.ensure(REF, ONE, place.volume)


def test_a_repository_that_vanished_is_not_made_anew(place: Place) -> None:
    place.complete(ONE)
    (place.root / "restic").rename(place.root / "unmounted")
    place.repository.ensure(REF, TWO, place.volume)
    place.eventually(lambda: place.repository.observe(TWO).phase is BackupPhase.FAILED)
    observed = place.repository.observe(TWO)
    assert ("mounted" in observed.detail, observed.may_pass) == (True, True)
    assert not (place.root / "restic").exists()
    (place.root / "unmounted").rename(place.root / "restic")
    place.complete(TWO)
    assert place.snapshots() == 2
