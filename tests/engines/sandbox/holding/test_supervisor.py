"""The supervisor as a process, with a script in bubblewrap's place."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from soundstage.engines.interface import Message, Reason, Spec, Volume
from soundstage.engines.sandbox.holding.supervisor import boot_id, start_time
from soundstage.engines.sandbox.keeping import process
from soundstage.engines.sandbox.keeping.records import Record, Records, Status

SPEC = Spec(image="ami-host", instance_type="g5.xlarge", volume=Volume(), attempt=2)
RECORD = Record(uid=1, spec=SPEC, wanted="running", asked_at=0.0, machine_id="0" * 32)


class Bench:
    """Supervises a script as if it were a sandbox."""

    def __init__(self, root: Path) -> None:
        self.records = Records(root / "workstations")
        self.records.write("r", RECORD)
        self.directory = self.records.directory("r")
        (self.directory / "stream").mkdir()
        self.script = root / "stand-in"

    def start(self, script: str, **more: Any) -> None:
        self.script.write_text(f"#!/bin/sh\n{script}\n")
        self.script.chmod(0o755)
        plan = {
            "attempt": 2,
            "directory": str(self.directory),
            "stream_directory": str(self.directory / "stream"),
            "uid": None,
            "program": str(self.script),
            "arguments": ["--fds", "\0fds", "--status", "\0status"],
            "command": [],
            "binds": [],
            "data": {},
            "seccomp": "",
            "cgroups": [],
            "ids": None,
            "scripts": {"root": "", "artist": "", "list": []},
            "script_seconds": 600,
            "cgroups_left": [],
            "parts": {"desktop": "", "programs": []},
            "devices": [],
            **more,
        }
        life = self.records.take_life("r")
        assert life is not None
        process.spawn(sys.executable, plan, life)
        os.close(life)

    def status(self, is_right: Callable[[Status], bool]) -> Status:
        deadline = time.monotonic() + 10
        while True:
            status = self.records.status("r")
            if status is not None and is_right(status):
                return status
            assert time.monotonic() < deadline, status
            time.sleep(0.01)

    def ended(self) -> Status:
        return self.status(lambda status: status.phase == "ended")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


# Reads its own arguments from descriptor $2, as bubblewrap does, and sets $steps, $command and
# $results.
READ = (
    "words=$(tr '\\0' ' ' < /proc/self/fd/$2)\n"
    'for word in $words; do case $word in *=*) eval "$word";; esac; done\n'
    'say() { echo "$1" > /proc/self/fd/$steps; }\n'
)


def test_it_lives_as_long_as_its_child_and_says_how_that_ended(bench: Bench) -> None:
    bench.start("exit 7")
    status = bench.ended()
    assert status.exit_code == 7
    assert (status.ready, status.stopped, status.attempt) == (False, False, 2)
    assert status.boot_id == boot_id()


def test_what_the_child_complained_of_is_told(bench: Bench) -> None:
    bench.start("echo 'bwrap: No such file' >&2; exit 1")
    assert bench.ended().detail == "bwrap: No such file"


def test_steps_are_taken_over_and_cleaned(bench: Bench) -> None:
    bench.start(
        READ
        + "say 'step one\x1b[31m'; say \"step $(printf 'y%.0s' $(seq 900))\"; read x <&$command"
    )
    status = bench.status(lambda status: status.detail.startswith("yyy"))
    assert status.detail == "y" * 200
    assert status.phase == "starting"
    process.kill(status)


def test_ready_makes_it_running(bench: Bench) -> None:
    bench.start(READ + "say 'ready here it is'; read x <&$command; say 'step bye'; exit 0")
    status = bench.status(lambda status: status.ready)
    assert (status.phase, status.detail) == ("running", "here it is")
    assert status.start_time == start_time(status.pid)
    process.ask_to_stop(status)
    ended = bench.ended()
    assert (ended.stopped, ended.exit_code, ended.detail) == (True, 0, "bye")


def test_who_does_not_go_is_killed(bench: Bench) -> None:
    bench.start(READ + "say 'ready x'; trap '' TERM; while :; do sleep 0.1; done", kill_after=0.3)
    status = bench.status(lambda status: status.ready)
    began = time.monotonic()
    process.ask_to_stop(status)
    process.ask_to_stop(status)
    ended = bench.ended()
    assert ended.exit_code == -signal.SIGKILL
    assert 0.25 < time.monotonic() - began < 5


def test_it_cleans_the_folder_of_sockets_without_following_links(
    bench: Bench, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").touch()
    stream = bench.directory / "stream"
    (stream / "link").symlink_to(kept)
    (stream / "folder").mkdir()
    (stream / "folder" / "deep").symlink_to(kept)
    (stream / "socket").touch()
    bench.start("exit 0")
    bench.ended()
    assert list(stream.iterdir()) == []
    assert (kept / "file").exists()


def test_the_lock_is_let_go_after_the_last_word(bench: Bench) -> None:
    bench.start("sleep 0.3")
    while bench.records.is_alive("r"):
        time.sleep(0.01)
    status = bench.records.status("r")
    assert status is not None
    assert status.phase == "ended"


def test_the_child_holds_no_lock_and_dies_with_it(bench: Bench, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    bench.start(READ + f"echo $$ > {pid_file}; say 'ready x'; exec sleep 60")
    status = bench.status(lambda status: status.ready)
    child = int(pid_file.read_text())
    held = []
    for link in Path(f"/proc/{child}/fd").iterdir():
        # The shell may just be closing what it said it with.
        with contextlib.suppress(FileNotFoundError):
            held.append(str(link.readlink()))
    assert not [name for name in held if name.endswith("/life")]
    began = start_time(child)
    process.kill(status)
    deadline = time.monotonic() + 5
    while start_time(child) == began:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert not bench.records.is_alive("r")


def test_it_is_in_no_group_or_session_of_the_service(bench: Bench) -> None:
    bench.start(READ + "say 'ready x'; read x <&$command")
    status = bench.status(lambda status: status.ready)
    assert os.getpgid(status.pid) != os.getpgid(0)
    assert os.getsid(status.pid) != os.getsid(0)
    process.kill(status)


def test_a_program_that_is_not_there_is_a_plain_end(bench: Bench) -> None:
    bench.start("", program="/nonexistent/bwrap")
    status = bench.ended()
    assert status.exit_code == 127
    assert "No such file" in status.detail


def test_each_message_of_this_attempt_reaches_the_desktop_once(
    bench: Bench, tmp_path: Path
) -> None:
    heard = tmp_path / "heard"
    bench.start(READ + f"say 'ready x'; while read line <&$command; do echo $line >> {heard}; done")
    status = bench.status(lambda status: status.ready)
    assert status.takes_messages
    bench.records.add_message("r", 1, Message(key="old", title="Of the start before", text=""))
    process.point_at_messages(status)
    for key in ("a", "b"):
        for _ in range(2):
            bench.records.add_message("r", 2, Message(key=key, title="One\nline", text="stop"))
            process.point_at_messages(status)
    deadline = time.monotonic() + 5
    while not heard.exists() or heard.read_text().count("\n") < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.ask_to_stop(status)
    while not heard.read_text().endswith("stop\n"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    words = [line.split(" ")[0] for line in heard.read_text().splitlines()]
    assert words == ["show", "show", "stop"]
    process.kill(status)


SCRIPTS = {
    "root": "",
    "artist": "",
    "list": [
        {"component": "All", "as_root": True, "failure": "SCRIPT"},
        {"component": "Domain", "as_root": True, "failure": "DIRECTORY"},
        {"component": "Mine", "as_root": False, "failure": "SCRIPT"},
    ],
}
TELL = READ + (
    'tell() { printf \'{"code": %s, "began": 1.5, "ended": 2.5, "output": "%s"}\\n\' "$1" "$2" '
    "> /proc/self/fd/$results; }\n"
)


def test_results_are_kept_in_order_and_no_more_than_there_are_scripts(bench: Bench) -> None:
    bench.start(
        TELL + "tell 0 a; echo nonsense > /proc/self/fd/$results; tell 0 b; tell 0 c; tell 1 d",
        scripts=SCRIPTS,
    )
    status = bench.ended()
    kept = bench.records.script_output("r")
    assert [(each.component, each.as_root, each.output) for each in kept] == [
        ("All", True, "a"),
        ("Domain", True, "b"),
        ("Mine", False, "c"),
    ]
    assert (kept[0].attempt, kept[0].began_at.timestamp()) == (2, 1.5)
    assert status.reason is Reason.INTERNAL


def test_what_scripts_said_is_kept_when_it_is_ready(bench: Bench) -> None:
    said = "tell 0 a; tell 0 b; tell 0 c; say 'ready x'; read x <&$command"
    bench.start(TELL + said, scripts=SCRIPTS)
    status = bench.status(lambda status: status.ready)
    assert [each.output for each in bench.records.script_output("r")] == ["a", "b", "c"]
    process.kill(status)


@pytest.mark.parametrize(
    ("script", "reason", "detail"),
    [
        (
            "tell 3 'one\\u000atwo'; say 'step never shown'",
            Reason.SCRIPT,
            "The system script of the component 'All' ended with code 3: one; two",
        ),
        (
            "tell 0 a; tell null b",
            Reason.DIRECTORY,
            "The system script of the component 'Domain' did not end within 600 s: b",
        ),
        (
            "tell 0 a; tell 0 b; tell 1 ''; say 'fail x'",
            Reason.SCRIPT,
            "The user script of the component 'Mine' ended with code 1 and said nothing",
        ),
    ],
)
def test_a_failure_names_the_component_and_keeps_its_word(
    bench: Bench, script: str, reason: Reason, detail: str
) -> None:
    bench.start(f"{TELL}{script}; echo 'bwrap: also' >&2; exit 1", scripts=SCRIPTS)
    status = bench.ended()
    assert (status.reason, status.detail) == (reason, detail)


def test_a_long_complaint_is_told_by_its_end(bench: Bench) -> None:
    bench.start(TELL + "tell 1 \"$(printf 'y%.0s' $(seq 900))end\"; exit 1", scripts=SCRIPTS)
    detail = bench.ended().detail
    assert detail.endswith("yyyend")
    assert len(detail.split(": ", 1)[1]) == 300


def test_the_output_of_five_starts_is_kept_for_root_alone(bench: Bench) -> None:
    folder = bench.directory / "scripts"
    folder.mkdir()
    for number in (3, 9, 10, 11, 12, 13):
        (folder / f"{number}.json").write_text("[]")
    bench.start(TELL + "tell 0 a", scripts=SCRIPTS)
    bench.ended()
    assert {path.name for path in folder.iterdir()} == {
        *("2.json", "10.json", "11.json", "12.json", "13.json"),
    }
    assert (folder / "2.json").stat().st_mode & 0o777 == 0o600


def test_who_is_asked_to_stop_while_root_sets_up_is_ended_at_once(bench: Bench) -> None:
    bench.start(READ + "say 'step x'; exec sleep 60", scripts=SCRIPTS)
    status = bench.status(lambda status: status.detail == "x")
    process.ask_to_stop(status)
    ended = bench.ended()
    assert (ended.stopped, ended.exit_code) == (True, -signal.SIGKILL)


def test_a_failed_mount_is_told_apart(bench: Bench) -> None:
    bench.start("echo 'The shared file system is not there' >&2; exit 126")
    status = bench.ended()
    assert (status.reason, status.detail) == (
        Reason.MOUNT,
        "The shared file system is not there",
    )
