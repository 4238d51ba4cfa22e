"""Programs are run without a shell, within bounds, and what they print is nobody's to repeat."""

import os
import time
from contextlib import suppress
from pathlib import Path

import pytest

from soundstage.kit.command import CommandError, read_output


def run(command: str, *, seconds: float = 20, most_bytes: int = 64) -> bytes:
    return read_output(command, seconds=seconds, most_bytes=most_bytes)


def refusal(command: str, *, seconds: float = 20) -> str:
    with pytest.raises(CommandError) as caught:
        run(command, seconds=seconds)
    return str(caught.value)


def test_words_are_split_and_no_shell_reads_them(tmp_path: Path) -> None:
    assert run("printf '%s|' one 'two words' $HOME ';' id") == b"one|two words|$HOME|;|id|"
    assert run(f"echo >{tmp_path}/made", most_bytes=4096) == f">{tmp_path}/made\n".encode()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("", "it is no command line (it is empty)"),
        ("'", "it is no command line (No closing quotation)"),
        ("/nowhere/vault read", "its program can't be started (No such file or directory)"),
        ("/ read", "its program can't be started (Permission denied)"),
        ("a\x00b", "its program can't be started (a null byte in it)"),
        ("sh -c 'echo hush; echo hush >&2; exit 7'", "it ended with exit code 7"),
        ("sh -c 'kill -9 $$'", "it ended with exit code -9"),
        ("head -c 65 /dev/zero", "it prints more than 64 bytes"),
        ("cat /dev/zero", "it prints more than 64 bytes"),
    ],
)
def test_what_goes_wrong_is_said_without_what_was_printed(
    capfd: pytest.CaptureFixture[str], command: str, reason: str
) -> None:
    assert refusal(command) == reason
    assert capfd.readouterr() == ("", "")


def test_as_much_as_allowed_is_read_in_however_many_parts() -> None:
    assert run("head -c 64 /dev/zero") == b"\0" * 64
    assert run("sh -c 'printf a; printf b; printf c'") == b"abc"
    assert run("true") == b""


@pytest.mark.parametrize("closes", ["", "exec >&-; "])
def test_one_that_does_not_end_is_killed_with_what_it_started(tmp_path: Path, closes: str) -> None:
    pids = tmp_path / "pids"
    began = time.monotonic()
    script = f"{closes}sleep 60 & echo $$ $! > {pids}; wait"
    assert refusal(f"sh -c '{script}'", seconds=2) == "it does not end within 2 s"
    assert time.monotonic() - began < 20
    deadline = time.monotonic() + 20
    for pid in map(int, pids.read_text().split()):
        while is_alive(pid):
            assert time.monotonic() < deadline
            time.sleep(0.01)


def is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError, FileNotFoundError):
        os.kill(pid, 0)
        # Nobody may wait for an orphan in a container without an init.
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    return False


def test_it_reads_nothing_from_the_terminal() -> None:
    assert run("cat") == b""
