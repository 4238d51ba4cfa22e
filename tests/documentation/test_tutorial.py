"""The tutorial, done to the letter: its commands, its Python, and a browser in between."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from soundstage.testing.browser import Desktop, chromium_browser
from soundstage.testing.clients import ensure_boto3
from soundstage.testing.process import ServiceProcess
from soundstage.testing.walkthrough import Block, Walk, blocks_of
from soundstage.testing.whole import until

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tutorial" / "first-desktop.md"
_ADDRESS = re.compile(r"http://localhost:\d+/streams/\S+")


class FirstTerminal:
    """Where the reader types `make run`; a context manager that presses Ctrl-C."""

    def __init__(self, command: str, variables: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as said:
            self._process = subprocess.Popen(
                ["bash", "-c", f"exec {command}"],
                cwd=ROOT,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *given: object) -> None:
        """Press Ctrl-C, which all of a terminal's programs get, and show what was printed."""
        os.killpg(self._process.pid, signal.SIGINT)
        self._process.wait(30)
        sys.stdout.write(self._log.read_text())

    def address(self) -> str:
        """Wait for the address that opens the desktop."""

        def found() -> re.Match[str] | None:
            assert self._process.poll() is None, self._log.read_text()
            return _ADDRESS.search(self._log.read_text())

        until("an address is printed", found)
        match = found()
        assert match is not None
        return match[0]


@pytest.fixture
def blocks() -> Iterator[Block]:
    return (
        each
        for each in blocks_of(PAGE.read_text())
        if each.language in {"sh", "python"} and each.spared is None
    )


@pytest.mark.timeout(300)
def test_the_tutorial_is_true(home: Path, chromium: Path | None, blocks: Iterator[Block]) -> None:
    data, folder = home / "data", home / "reader"
    data.mkdir(mode=0o711)
    folder.mkdir()
    (folder / ".venv").symlink_to(ROOT / ".venv")
    beside = ServiceProcess(data)
    variables = {
        **{name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ},
        "SOUNDSTAGE_HOME": str(data),
        "SOUNDSTAGE_PORT": str(beside.port),
    }
    python = ensure_boto3(ROOT)
    try:
        with Walk(folder, variables, python) as walk, chromium_browser(chromium) as browser:
            make_run, write = next(blocks).text.strip(), next(blocks).text.strip()
            assert make_run == "make run"
            with FirstTerminal(make_run, variables, home / "first.log") as terminal:
                desktop = Desktop(browser, terminal.address())
                desktop.open_terminal()
                desktop.type(write)
                assert desktop.ask("grep -q 'my first scene' scene.txt")
            with FirstTerminal(make_run, variables, home / "second.log") as terminal:
                terminal.address()
                desktop.come_back()
                assert desktop.ask("grep -q 'my first scene' scene.txt")

                walk.shell(next(blocks).text.replace("/tmp/sdk/bin/python", str(python)))
                walk.say(next(blocks).text)
                walk.say(next(blocks).text)
                opened = next(blocks).text
                spoil = opened.partition("then, inside:")[2].strip()
                assert spoil
                desktop = Desktop(browser, walk.shell(opened).split()[-1])
                desktop.open_terminal()
                desktop.type(spoil)
                assert desktop.ask("grep -q 'oh no' scene.txt")

                walk.say(next(blocks).text)
                assert next(blocks, None) is None
                desktop = Desktop(browser, walk.shell(opened).split()[-1])
                desktop.open_terminal()
                assert desktop.ask("grep -q 'my first scene' scene.txt")
    finally:
        beside.command("clean", "--data")
