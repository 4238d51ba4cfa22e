"""Times a home's first backup, its second after a day's work, and a restore.

Soundstage's repository beside plain restic, borg and `cp -a`, each round in a fresh place; with
restic the first includes making the repository, of which 2 s go to its key. "restore" is what a
start from a backup does to the disk: a volume is made, filled and swapped in. Processor time is
that of all programs that were begun, and suffers less from what else the machine does than seconds;
all of it goes before other work. Run by `make bench`, or alone:
`python -m bench.backups --megabytes 2000 --rounds 3`.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.processes import in_front, print_load
from bench.report import ratio, table
from bench.tree import change_tree, make_tree
from soundstage.engines.interface import BackupPhase, Volume
from soundstage.engines.repository.backups import Repository
from soundstage.engines.repository.stores import folder_store
from soundstage.engines.sandbox.keeping.volumes import Phase as VolumePhase
from soundstage.engines.sandbox.keeping.volumes import Volumes

STEPS = ("first", "second", "restore")
_REF = "bench-bench-bench-benc"
_BACKUPS = ("first-first-first-firs", "second-second-second-s")
# Soundstage looks for the end of a backup as often as this.
_LOOK_SECONDS = 0.01

_CPU = "CPU"

Times = dict[str, float]


class _Soundstage:
    name = "soundstage"

    def __init__(self, place: Path, volume: Path) -> None:
        self._volume = volume
        self._repository = Repository(
            folder_store(place / "restic"), place / "password", place / "state"
        )

    def back_up(self, number: int) -> None:
        backup_id = _BACKUPS[number]
        self._repository.ensure(_REF, backup_id, self._volume)
        while (seen := self._repository.observe(backup_id)).phase is BackupPhase.RUNNING:
            time.sleep(_LOOK_SECONDS)
        if seen.phase is not BackupPhase.COMPLETE:
            raise RuntimeError(seen.detail)

    def restore(self, target: Path) -> None:
        # As the engine does it before a start, until the volume is in place.
        volumes = Volumes(target / "volumes", self._repository)
        volume = Volume(generation=1, backup_id=_BACKUPS[1])
        volumes.ensure(_REF, volume, (self._volume / "home").stat().st_uid)
        while (seen := volumes.observe(_REF)).phase is VolumePhase.PREPARING:
            time.sleep(_LOOK_SECONDS)
        if seen.phase is not VolumePhase.READY or seen.directory is None:
            raise RuntimeError(seen.detail)
        (target / "home").symlink_to(seen.directory / "home")


class _Restic:
    name = "plain restic"
    manner: tuple[str, ...] = ()

    def __init__(self, place: Path, volume: Path) -> None:
        self._place = place
        self._volume = volume
        (place / "password").write_text("only for a benchmark")

    def back_up(self, number: int) -> None:
        if number == 0:
            self._run("init")
        self._run("backup", "home")

    def restore(self, target: Path) -> None:
        self._run("restore", "latest", "--target", str(target))

    def _run(self, *words: str) -> None:
        places = ("--repo", "restic", "--password-file", "password", "--cache-dir", "cache")
        named = [str(self._place / word) if word[0] != "-" else word for word in places]
        argv = [*self.manner, "restic", "--quiet", *named, *words]
        subprocess.run(argv, check=True, cwd=self._volume, stdout=subprocess.DEVNULL)


class _GentleRestic(_Restic):
    """As Soundstage runs it: behind everybody who sits at a desktop."""

    name = "restic, nice"
    manner = ("nice", "-n", "10", "ionice", "-c", "2", "-n", "7")


class _Borg:
    name = "borg"

    def __init__(self, place: Path, volume: Path) -> None:
        self._place = place
        self._volume = volume

    def back_up(self, number: int) -> None:
        if number == 0:
            self._run("init", "--encryption=repokey-blake2", self._repository)
        self._run("create", "--compression=lz4", f"{self._repository}::{number}", "home")

    def restore(self, target: Path) -> None:
        self._run("extract", f"{self._repository}::1", cwd=target)

    @property
    def _repository(self) -> str:
        return str(self._place / "borg")

    def _run(self, *words: str, cwd: Path | None = None) -> None:
        places = {"BORG_BASE_DIR": str(self._place), "BORG_PASSPHRASE": "only for a benchmark"}
        environment = {**os.environ, **places}
        subprocess.run(["borg", *words], check=True, cwd=cwd or self._volume, env=environment)


class _Copy:
    name = "cp -a"

    def __init__(self, place: Path, volume: Path) -> None:
        self._place = place
        self._volume = volume

    def back_up(self, number: int) -> None:
        self._copy(self._volume / "home", self._place / str(number))

    def restore(self, target: Path) -> None:
        self._copy(self._place / "1", target / "home")

    def _copy(self, source: Path, target: Path) -> None:
        subprocess.run(["cp", "-a", source, target], check=True)


WAYS = (_Soundstage, _GentleRestic, _Restic, _Borg, _Copy)
Way = _Soundstage | _Restic | _Borg | _Copy


def measure(directory: Path, *, size: int, rounds: int) -> dict[str, dict[str, float]]:
    """Answer the median seconds of each step of each way, and megabytes kept after the second."""
    taken: dict[str, list[Times]] = {way.name: [] for way in WAYS}
    for number in range(rounds):
        # Each way goes first in turn, so that no one always has the warmer cache.
        for way in (*WAYS[number % len(WAYS) :], *WAYS[: number % len(WAYS)]):
            place = Path(tempfile.mkdtemp(prefix="bench-backups-", dir=directory))
            try:
                taken[way.name].append(_one_round(way, place, size))
            finally:
                shutil.rmtree(place)
    return {
        name: {step: statistics.median(times[step] for times in all_times) for step in all_times[0]}
        for name, all_times in taken.items()
    }


def _one_round(way: type[Way], place: Path, size: int) -> Times:
    volume, kept, target = (place / name for name in ("volume", "kept", "target"))
    for folder in (volume / "home", kept, target):
        folder.mkdir(parents=True)
    make_tree(volume / "home", size)
    tool = way(kept, volume)
    times: Times = {}
    _time(times, "first", lambda: tool.back_up(0))
    change_tree(volume / "home", size)
    _time(times, "second", lambda: tool.back_up(1))
    _time(times, "restore", lambda: tool.restore(target))
    same = subprocess.run(
        ["diff", "-r", "--no-dereference", f"{volume}/home/.", f"{target}/home/."], check=False
    )
    if same.returncode != 0:
        raise RuntimeError(f"{way.name} brought back something else")
    used = subprocess.run(["du", "-sm", kept], check=True, capture_output=True)
    times["MB kept"] = float(used.stdout.split()[0])
    return times


def _time(times: Times, step: str, work: Callable[[], None]) -> None:
    """Note how long some work takes until it is on the disk, and how much of a processor."""
    os.sync()
    began, used = time.monotonic(), _used()
    work()
    os.sync()
    times[step] = time.monotonic() - began
    times[f"{step} {_CPU}"] = _used() - used


def _used() -> float:
    """Processor seconds of this process and of those that it has waited for."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in both)


def show(medians: dict[str, dict[str, float]], title: str) -> None:
    """Print medians, and how many times plain restic's ours are."""
    columns = [*STEPS, *(f"{step} {_CPU}" for step in STEPS), "MB kept"]
    rows: list[list[object]] = [
        [name, *(f"{row[column]:.2f}" for column in columns[:-1]), f"{row[columns[-1]]:.0f}"]
        for name, row in medians.items()
    ]
    ours, plain = medians[_Soundstage.name], medians[_Restic.name]
    rows.append(["to plain restic", *(ratio(ours[each], plain[each]) for each in columns)])
    table(title, ["", *columns], rows)


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--directory", type=Path, default=Path(tempfile.gettempdir()))
    chosen = parser.parse_args(arguments)
    with in_front():
        medians = measure(chosen.directory, size=chosen.megabytes * 1_000_000, rounds=chosen.rounds)
    title = f"Backups of {chosen.megabytes} MB, seconds (median of {chosen.rounds}, in turns)"
    show(medians, title)
    print_load()


if __name__ == "__main__":
    main(sys.argv[1:])
