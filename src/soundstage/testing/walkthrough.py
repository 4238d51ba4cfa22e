"""Does what a page of the documentation says: its blocks of code, in order, as a reader would.

Tests of the pages use it. A page's shell is one shell from its first block to its last, and so is
its Python. A block that a test cannot run is spared by a comment in the page that gives the reason.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import msgspec

_FENCE = re.compile(r"^( *)```(\w*)\s*$")
_SPARED = re.compile(r"^ *<!-- not run: (.+) -->$")
_SECONDS = 90
# Keeps what was assigned for the next block, as a reader's shell does; the page itself is read
# from the script's own file, so that no block has to be quoted.
_SHELL = """
set -a
[ ! -e "$1" ] || . "$1"
set -e -o pipefail
. "$2"
export -p >"$1"
"""
# Reads one block a line, as JSON; says for each what went wrong, or nothing.
_PYTHON = """
import json, sys, traceback
told, names = sys.stdout, {"__name__": "__main__"}
sys.stdout = sys.stderr
for line in sys.stdin:
    try:
        exec(compile(json.loads(line), "page", "exec"), names)
        wrong = None
    except BaseException:
        wrong = traceback.format_exc()
    told.write(json.dumps(wrong) + "\\n")
    told.flush()
"""


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """A block of code in a page."""

    language: str
    text: str
    line: int
    """Where its fence is, from 1."""
    spared: str | None
    """Why no test runs it."""


def blocks_of(page: str) -> Iterator[Block]:
    """Find a page's blocks. Raises ValueError where one has no end."""
    spared: str | None = None
    lines = iter(enumerate(page.splitlines(), start=1))
    for number, line in lines:
        fence = _FENCE.match(line)
        if fence is None:
            found = _SPARED.match(line)
            spared = found[1] if found else None if line.strip() else spared
            continue
        indent, language = fence.groups()
        body: list[str] = []
        for _, inner in lines:
            if inner.strip() == "```":
                break
            body.append(inner.removeprefix(indent))
        else:
            raise ValueError(f"the block of line {number} has no end")
        text = "\n".join(body) + "\n"
        yield Block(language=language, text=text, line=number, spared=spared)
        spared = None


class Walk:
    """A reader who types what the blocks say; a context manager that ends their Python."""

    def __init__(self, folder: Path, variables: Mapping[str, str], python: Path) -> None:
        """`folder` is where the reader sits, `python` the program that reads blocks of Python."""
        self.folder = folder
        self._variables = dict(variables)
        self._python = python
        self._kept = folder / ".kept"
        self._interpreter: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *given: object) -> None:
        """End its Python."""
        if self._interpreter is not None:
            self._interpreter.kill()
            self._interpreter.communicate()

    def shell(self, text: str) -> str:
        """Type this into the shell, and give what it said. Raises AssertionError."""
        script = self.folder / ".typed"
        script.write_text(text, encoding="utf-8")
        done = self._run(["bash", "-c", _SHELL, "bash", str(self._kept), str(script)])
        if done.returncode:
            raise AssertionError(f"exit code {done.returncode}: {done.stderr[-2000:]}\n{text}")
        return done.stdout

    def say(self, text: str) -> None:
        """Type this into Python, which knows the shell's variables. Raises AssertionError."""
        if self._interpreter is None:
            self._interpreter = subprocess.Popen(
                [self._python, "-c", _PYTHON],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=self.folder,
                env=self._exported(),
                text=True,
            )
        interpreter: Any = self._interpreter
        interpreter.stdin.write(json.dumps(text) + "\n")
        interpreter.stdin.flush()
        wrong = json.loads(interpreter.stdout.readline() or '"Python ended"')
        if wrong:
            raise AssertionError(f"{wrong}\n{text}")

    def _exported(self) -> dict[str, str]:
        done = self._run(["bash", "-c", '[ ! -e "$1" ] || . "$1"; env -0', "bash", str(self._kept)])
        lines = [line for line in done.stdout.split("\0") if "=" in line]
        return dict(line.split("=", 1) for line in lines)

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**self._variables, "PWD": os.fspath(self.folder)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
