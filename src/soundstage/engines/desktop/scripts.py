"""Runs initialization scripts one after another and says of each how it ended.

A program of its own (`python3 -I -S scripts.py SOURCE RESULTS FOLDER`, standard library only),
started inside the workstation by `first.py` as its root and by `starter.py` as the artist. SOURCE
is a descriptor with the scripts as JSON, RESULTS one that takes a line of JSON for each that has
ended, FOLDER a place that only this user may enter, where a script's text lies while it runs. The
first that fails ends the run with code 1.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

FIRST, LAST = 16 << 10, 48 << 10
"""How much of a script's output is kept: from its beginning, and from its end."""
MASK = b"***"
_SHORTEST_SECRET = 4
_READ = 1 << 16


class Kept:
    """A script's output, with its secrets masked before anything is cut."""

    def __init__(self, secrets: list[str]) -> None:
        wanted = {secret.encode() for secret in secrets if len(secret) >= _SHORTEST_SECRET}
        self.secrets = sorted(wanted, key=len, reverse=True)
        self.longest = max(map(len, wanted), default=1)
        self.waiting = b""
        self.first = b""
        self.last = b""
        self.left_out = 0

    def add(self, piece: bytes) -> None:
        text = self.waiting + piece
        for secret in self.secrets:
            text = text.replace(secret, MASK)
        # A secret may be cut by the end of this piece: as much as one could be waits.
        ready = max(0, len(text) - self.longest + 1)
        self.waiting = text[ready:]
        self._keep(text[:ready])

    def _keep(self, piece: bytes) -> None:
        room = FIRST - len(self.first)
        self.first += piece[:room]
        self.last += piece[room:] if room > 0 else piece
        beyond = max(0, len(self.last) - LAST)
        self.left_out += beyond
        self.last = self.last[beyond:]

    def text(self) -> str:
        """Everything that is kept, and how much is not."""
        self._keep(self.waiting)
        self.waiting = b""
        gap = f"\n[{self.left_out} bytes are left out here]\n".encode() if self.left_out else b""
        return (self.first + gap + self.last).decode(errors="replace")


def run(script: dict, seconds: float, folder: Path) -> dict:  # type: ignore[type-arg]
    """Run one to its end or for as long as it may take; its whole process group goes with it."""
    kept = Kept(script["secrets"])
    began = time.time()
    place = folder / "script"
    try:
        _write(place, script["text"])
        # Its first line may name a program; the kernel starts that.
        words = [str(place)] if script["text"].startswith("#!") else ["/bin/sh", str(place)]
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **script["environment"]},
            start_new_session=True,
            umask=0o022,
        )
    except (OSError, ValueError) as error:
        place.unlink(missing_ok=True)
        kept.add(f"it could not be run: {error}\n".encode())
        code: int | None = 127
    else:
        code = _follow(process, kept, time.monotonic() + seconds)
        place.unlink(missing_ok=True)
    return {"code": code, "began": began, "ended": time.time(), "output": kept.text()}


def _write(place: Path, text: str) -> None:
    place.unlink(missing_ok=True)
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o700)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode())


def _follow(process: subprocess.Popen[bytes], kept: Kept, deadline: float) -> int | None:
    """Read until it has ended; what it left in the background may keep its output open."""
    if process.stdout is None:
        raise ValueError("its output is not read")
    output = process.stdout.fileno()
    os.set_blocking(output, False)
    ended = os.pidfd_open(process.pid)
    poll = select.poll()
    for source in (output, ended):
        poll.register(source, select.POLLIN)
    code: int | None = None
    while True:
        left = deadline - time.monotonic()
        ready = [source for source, _ in poll.poll(max(0.0, left) * 1000)]
        if output in ready and not _read(output, kept):
            poll.unregister(output)
        if ended in ready:
            code = process.wait()
            # In a pipe there is no more than this at once.
            for _ in range(64):
                if not _read(output, kept):
                    break
            break
        if time.monotonic() >= deadline:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            break
    os.close(ended)
    process.stdout.close()
    return code


def _read(output: int, kept: Kept) -> bool:
    try:
        piece = os.read(output, _READ)
    except BlockingIOError:
        return False
    kept.add(piece)
    return bool(piece)


def main(source: str, results: str, folder: str) -> int:
    with os.fdopen(int(source), "rb") as file:
        plan = json.load(file)
    told = int(results)
    os.set_inheritable(told, False)
    os.umask(0o022)
    for script in plan["scripts"]:
        result = run(script, plan["seconds"], Path(folder))
        line = json.dumps(result).encode() + b"\n"
        while line:
            line = line[os.write(told, line) :]
        if result["code"] != 0:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
