"""The runner of initialization scripts, as any user on this machine."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from soundstage.engines.desktop import scripts
from soundstage.engines.desktop.scripts import FIRST, LAST, Kept, run


def script(text: str, **more: object) -> dict[str, object]:
    return {"text": text, "environment": {}, "secrets": [], **more}


def test_a_shell_runs_what_names_no_program(tmp_path: Path) -> None:
    result = run(script("echo out; echo err >&2; exit 3"), 10, tmp_path)
    assert (result["code"], result["output"]) == (3, "out\nerr\n")
    assert result["began"] <= result["ended"]


def test_a_first_line_names_the_program(tmp_path: Path) -> None:
    result = run(script(f"#!{sys.executable}\nprint(1 + 1)\n"), 10, tmp_path)
    assert (result["code"], result["output"]) == (0, "2\n")


def test_a_program_that_is_not_there_fails(tmp_path: Path) -> None:
    result = run(script("#!/nonexistent/program\n"), 10, tmp_path)
    assert result["code"] == 127
    assert "it could not be run" in result["output"]


def test_parameters_are_variables_whatever_is_in_them(tmp_path: Path) -> None:
    value = "'; rm -rf / #\n$(id) \"`"
    result = run(script('printf %s "$KEY"', environment={"KEY": value}), 10, tmp_path)
    assert result["output"] == value
    refused = run(script("true", environment={"KEY": "\0"}), 10, tmp_path)
    assert refused["code"] == 127


def test_the_text_is_for_its_user_alone_and_gone_afterwards(tmp_path: Path) -> None:
    result = run(script('stat -c %a "$0"; tr "\\0" " " < /proc/$$/cmdline'), 10, tmp_path)
    mode, line = result["output"].split("\n", 1)
    assert mode == "700"
    assert line.split() == ["/bin/sh", str(tmp_path / "script")]
    assert list(tmp_path.iterdir()) == []


def test_one_that_takes_too_long_goes_with_all_it_began(tmp_path: Path) -> None:
    began = time.monotonic()
    result = run(script("sleep 60 & echo $!; sleep 60"), 0.5, tmp_path)
    assert time.monotonic() - began < 10
    assert result["code"] is None
    child = int(result["output"])
    deadline = time.monotonic() + 5
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        if Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
            break
        time.sleep(0.01)
    else:
        assert not Path(f"/proc/{child}").exists()


def test_what_it_leaves_running_is_not_waited_for(tmp_path: Path) -> None:
    began = time.monotonic()
    result = run(script("sleep 30 & echo $!"), 20, tmp_path)
    assert time.monotonic() - began < 10
    assert result["code"] == 0
    os.kill(int(result["output"]), signal.SIGKILL)


def test_secrets_are_masked_wherever_a_piece_ends() -> None:
    for cut in range(1, 30):
        text = b"before opensesame between opensesame after"
        kept = Kept(["opensesame", "abc"])
        kept.add(text[:cut])
        kept.add(text[cut:])
        assert kept.text() == "before *** between *** after", cut


def test_short_values_are_no_secrets() -> None:
    kept = Kept(["abc", ""])
    kept.add(b"abc")
    assert kept.text() == "abc"


def test_a_long_output_keeps_its_ends_and_says_what_is_gone() -> None:
    kept = Kept(["opensesame"])
    for _ in range(100):
        kept.add(b"a" * 4096)
    kept.add(b"opensesame")
    kept.add(b"the end")
    text = kept.text()
    gone = 100 * 4096 + len("***the end") - FIRST - LAST
    assert text.startswith("a" * FIRST + f"\n[{gone} bytes are left out here]\na")
    assert text.endswith("a***the end")
    assert len(text) < FIRST + LAST + 60


@pytest.mark.parametrize("failing", [0, 1, None])
def test_the_first_failure_ends_the_run(tmp_path: Path, failing: int | None) -> None:
    texts = ["exit 1" if failing == number else "echo ran" for number in range(3)]
    source = os.memfd_create("scripts", 0)
    os.write(source, json.dumps({"seconds": 5, "scripts": list(map(script, texts))}).encode())
    os.lseek(source, 0, os.SEEK_SET)
    told, results = os.pipe()
    done = subprocess.run(
        [sys.executable, "-I", "-S", scripts.__file__, str(source), str(results), str(tmp_path)],
        pass_fds=(source, results),
        check=False,
    )
    os.close(source)
    os.close(results)
    with os.fdopen(told) as lines:
        codes = [json.loads(line)["code"] for line in lines]
    assert done.returncode == (0 if failing is None else 1)
    assert codes == {0: [1], 1: [0, 1], None: [0, 0, 0]}[failing]
