"""Parting programs from the desktop, with processes of the test's own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from soundstage.engines.desktop import places
from soundstage.engines.desktop.places import Places

# A desktop of its own: what is parted is below the parent of whoever parts.
_OUTER = "import subprocess, sys; subprocess.run([sys.executable, '-I', '-c', *sys.argv[1:]])"
_SWEEPER = """
import json, os, subprocess, sys
sys.path.insert(0, sys.argv[1])
from places import Places
kept, moved = (subprocess.Popen(["sleep", "60"]) for _ in range(2))
for _ in range(2):
    Places([]).sweep([kept.pid], [])
answer = [os.getpriority(os.PRIO_PROCESS, each.pid) for each in (kept, moved)]
answer += [open(f"/proc/{each.pid}/oom_score_adj").read().strip() for each in (kept, moved)]
answer.append(os.getpriority(os.PRIO_PROCESS, 0))
for each in (kept, moved): each.kill(); each.wait()
print(json.dumps(answer))
"""


class Groups:
    """Files in the place of a group's list and of two doors."""

    def __init__(self, folder: Path) -> None:
        self.list = folder / "list"
        self.doors = [folder / "cpu", folder / "pids"]
        for path in (self.list, *self.doors):
            path.touch()
        self.descriptors = [
            os.open(self.list, os.O_RDONLY),
            *(os.open(door, os.O_WRONLY | os.O_APPEND) for door in self.doors),
        ]

    def moved(self) -> list[str]:
        return [door.read_text() for door in self.doors]


@pytest.fixture
def groups(tmp_path: Path) -> Iterator[Groups]:
    made = Groups(tmp_path)
    yield made
    for descriptor in made.descriptors:
        os.close(descriptor)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def test_what_is_not_the_desktops_own_goes_through_every_door(
    groups: Groups, sleeper: subprocess.Popen[bytes]
) -> None:
    groups.list.write_text(f"{os.getppid()}\n0\n{os.getpid()}\n{sleeper.pid}\n")
    Places(groups.descriptors).sweep([], [])
    assert groups.moved() == [str(sleeper.pid)] * 2
    assert Path(f"/proc/{sleeper.pid}/oom_score_adj").read_text() == f"{places.OOM_SCORE}\n"
    # In its group it is as urgent as it says it is.
    assert os.getpriority(os.PRIO_PROCESS, sleeper.pid) == os.getpriority(os.PRIO_PROCESS, 0)


def test_the_desktops_own_and_what_serves_it_stay(
    groups: Groups, sleeper: subprocess.Popen[bytes]
) -> None:
    groups.list.write_text(f"{sleeper.pid}\n")
    Places(groups.descriptors).sweep([sleeper.pid], [])
    Places(groups.descriptors).sweep([], [os.getpid()])
    assert groups.moved() == ["", ""]
    before = Path("/proc/self/oom_score_adj").read_text()
    assert Path(f"/proc/{sleeper.pid}/oom_score_adj").read_text() == before


def test_the_list_is_read_anew_each_time(groups: Groups, sleeper: subprocess.Popen[bytes]) -> None:
    parted = Places(groups.descriptors)
    parted.sweep([], [])
    groups.list.write_text(f"{sleeper.pid}\n")
    parted.sweep([], [])
    assert groups.moved() == [str(sleeper.pid)] * 2


def test_who_has_ended_meanwhile_is_no_fault(groups: Groups) -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    groups.list.write_text(f"{process.pid}\n")
    Places(groups.descriptors).sweep([], [])


def test_a_program_goes_there_by_itself(groups: Groups) -> None:
    subprocess.run(
        ["true"],
        check=True,
        preexec_fn=Places(groups.descriptors).enter,
    )
    assert groups.moved() == ["0", "0"]


def test_without_groups_programs_are_less_urgent() -> None:
    folder = str(Path(places.__file__).parent)
    command = [sys.executable, "-c", _OUTER, _SWEEPER, folder]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    before = Path("/proc/self/oom_score_adj").read_text().strip()
    assert json.loads(done.stdout) == [nice, max(nice, 10), before, str(places.OOM_SCORE), nice]
