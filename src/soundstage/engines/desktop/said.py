"""Reads what a desktop says of itself: how far it is, and how its scripts ended.

Whoever holds a desktop imports it: `keeper.py` inside an instance, and the sandbox's supervisor.
What says it belongs to an artist in the end, and may lie: so all of it is bounded and cleaned.
Standard library only, and little of that: one of these lives with every workstation, for days.
"""

import json
import os
import select
import time
from collections.abc import Iterator

LINE_LIMIT = 200
_PIECE = 4096
_MESSAGE_LIMIT = 300
# A result holds 64 KiB of output, each byte of which may take six in JSON.
_RESULT_LIMIT = 600_000
_OUTPUT_LIMIT = 70_000
# What a start may be at, in the words of `interface.py`; scripts are marked by their results.
_STAGES = ("machine", "shares", "desktop", "stream")
_MOST_MARKS = 32


class Said:
    """What one desktop has said."""

    def __init__(self, scripts: list, script_seconds: int) -> None:  # type: ignore[type-arg]
        self.scripts = scripts
        self.script_seconds = script_seconds
        # What ran so far; the next result is of the script that has this number.
        self.outputs: list[dict] = []  # type: ignore[type-arg]
        # What the start came to so far, and when.
        self.marks: list[dict] = []  # type: ignore[type-arg]
        self._steps = b""
        self._results = b""

    def steps(self, piece: bytes) -> list[tuple[str, str]]:
        """The words that a piece completes, each with its sentence. `stage` is noted here: what
        comes now, or that scripts do.
        """
        *whole, self._steps = (self._steps + piece).split(b"\n")
        self._steps = self._steps[-LINE_LIMIT:]
        found = []
        for line in whole:
            word, _, rest = line.decode(errors="replace").partition(" ")
            text = printable(rest)[:LINE_LIMIT]
            if word == "stage":
                self._come_to(text.partition(" ")[0])
                text = ""
            found.append((word, text))
        return found

    def results(self, piece: bytes) -> list[tuple[str, str]]:
        """Take note of the scripts whose end a piece tells; of each that failed what its failure is
        called, and a sentence.
        """
        *whole, self._results = (self._results + piece).split(b"\n")
        failed = [self._learn(line) for line in whole]
        return [each for each in failed if each is not None]

    def results_at_hand(self, source: int) -> Iterator[bytes]:
        """The pieces that `source` has now, for `results`: scripts end before the step that comes
        after them is said, but by another pipe, and a start is told with what they said.
        """
        while not self.is_too_much() and select.select([source], [], [], 0)[0]:
            piece = os.read(source, _PIECE)
            if not piece:
                return
            yield piece

    def _come_to(self, stage: str) -> None:
        if stage == "scripts" and self.waiting():
            self._begin_script(time.time())
        elif stage in _STAGES and len(self.marks) < _MOST_MARKS:
            self.marks.append({"stage": stage, "at": time.time()})

    def _begin_script(self, at: float) -> None:
        if any(mark.get("number") == len(self.outputs) + 1 for mark in self.marks):
            return
        about = {"number": len(self.outputs) + 1, "of": len(self.scripts)}
        component = self.waiting()[0]["component"]
        self.marks.append({"stage": "script", "at": at, "component": component, **about})

    def is_too_much(self) -> bool:
        """Reports whether no result can be as long as what has come of the next one."""
        return len(self._results) >= _RESULT_LIMIT

    def waiting(self) -> list:  # type: ignore[type-arg]
        """The scripts that have not ended."""
        return self.scripts[len(self.outputs) :]

    def _learn(self, line: bytes) -> tuple[str, str] | None:
        """Results come in order, so that the artist speaks for no script of root's: those have all
        been told before the artist is there.
        """
        if not self.waiting():
            return None
        script = self.waiting()[0]
        try:
            told = json.loads(line)
            code = None if told["code"] is None else int(told["code"])
            times = {"began_at": float(told["began"]), "ended_at": float(told["ended"])}
            output = str(told["output"])[:_OUTPUT_LIMIT]
        except (ValueError, KeyError, TypeError):
            return None
        about = {name: script[name] for name in ("component", "as_root")}
        self.outputs.append({**about, **times, "exit_code": code, "output": output})
        if code == 0 and self.waiting() and self.waiting()[0]["as_root"] == script["as_root"]:
            # The one after it began there and then.
            self._begin_script(times["ended_at"])
        return None if code == 0 else (script["failure"], self._blame(script, code, output))

    def _blame(self, script: dict, code: int | None, output: str) -> str:  # type: ignore[type-arg]
        kind = "system" if script["as_root"] else "user"
        ended = f"ended with code {code}"
        if code is None:
            ended = f"did not end within {self.script_seconds} s"
        last = "; ".join(line.strip() for line in output.splitlines() if line.strip())
        text = printable(last[-_MESSAGE_LIMIT:])
        said = f": {text}" if text else " and said nothing"
        return f"The {kind} script of the component {script['component']!r} {ended}{said}"


def printable(text: str) -> str:
    return "".join(c for c in text if c.isprintable())
