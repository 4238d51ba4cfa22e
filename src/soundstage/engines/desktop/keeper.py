"""Holds a desktop inside an instance, as root there: begins it, says how far it is, closes it.

`starting.py` puts it into the instance and has systemd run it (`python3 -I -S keeper.py keep`,
standard library only). What it was told is in memory (/run) and removed as soon as it was read.
The other words are how the engine asks it something, by a socket that only root may open:

    wait             the status as JSON, once the start has come to its end, whichever
    go               the same of one that waits, which goes on
    show MESSAGE     a message on the desktop
    streaming        processor seconds of what streams the picture
"""

import json
import os
import pwd
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from said import LINE_LIMIT, Said, printable  # type: ignore[import-not-found]

ROOM = Path("/run/soundstage")
STREAM = Path("/run/stream")
STATUS = ROOM / "status.json"
_PLAN = ROOM / "plan.json"
_CONTROL = ROOM / "control"
_RELAY_LOG = ROOM / "relay.log"
_ARTIST = 1000
_RUNTIME = Path(f"/run/user/{_ARTIST}")
_KILL_AFTER = 9.0
_BEGINS_WITHIN = 5.0
_ERROR_LIMIT = 400
_REQUEST_LIMIT = 20_000


class Keeper:
    """One desktop from its start to its last process."""

    def __init__(self, plan: dict) -> None:  # type: ignore[type-arg]
        self.plan = plan
        self.said = Said(plan["scripts"]["list"], plan["script_seconds"])
        self.status = {
            "attempt": plan["attempt"],
            "phase": "starting",
            "ready": False,
            "reason": "INTERNAL",
            "detail": "starting the desktop",
            "since": time.time(),
            "outputs": self.said.outputs,
            "marks": self.said.marks,
        }
        self.told: set[str] = set()
        self.errors = b""
        self.deadline: float | None = None
        self.waiting: list[socket.socket] = []
        self.poll = select.poll()
        self.relay: subprocess.Popen[bytes] | None = None

    # -- the start -----------------------------------------------------------------------------

    def listen(self) -> None:
        """For who asks something; only root may come near."""
        _CONTROL.unlink(missing_ok=True)
        self.control = socket.socket(socket.AF_UNIX)
        self.control.bind(str(_CONTROL))
        self.control.listen(16)

    def start(self) -> None:
        wake, wake_w = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_w)
        for number in (signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        self.wake = wake
        self.steps, steps_w = os.pipe2(os.O_CLOEXEC)
        self.results, results_w = os.pipe2(os.O_CLOEXEC)
        self.stderr, stderr_w = os.pipe2(os.O_CLOEXEC)
        command_r, self.command = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self.command, False)
        given = {
            "steps": steps_w,
            "command": command_r,
            "results": results_w,
            "root": _document(self.plan["scripts"]["root"]),
            "artist": _document(self.plan["scripts"]["artist"]),
        }
        with _RELAY_LOG.open("wb") as log:
            words = ["stunnel4", str(ROOM / "relay.conf")]
            self.relay = subprocess.Popen(words, stderr=log, start_new_session=True)
        self.desktop = subprocess.Popen(
            [sys.executable, "-I", "-S", self.plan["first"]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr_w,
            env={
                **self.plan["environment"],
                "SOUNDSTAGE_FDS": " ".join(f"{name}={number}" for name, number in given.items()),
            },
            pass_fds=tuple(given.values()),
            cwd=self.plan["environment"]["HOME"],
            start_new_session=True,
        )
        for end in (*given.values(), stderr_w):
            os.close(end)
        # What is no longer needed, and may be secret, must not stay in memory.
        del self.plan["scripts"], self.plan["environment"]
        # Results before steps, so that none is still to be read when a step has caught up.
        for source in (wake, self.results, self.steps, self.stderr, self.control.fileno()):
            self.poll.register(source, select.POLLIN)

    # -- its life ------------------------------------------------------------------------------

    def watch(self) -> None:
        while True:
            left = None
            if self.deadline is not None and self.deadline < float("inf"):
                left = max(0.0, (self.deadline - time.monotonic()) * 1000)
            for source, _ in self.poll.poll(left):
                if not self.take(source):
                    self.poll.unregister(source)
            if self.deadline is not None and time.monotonic() >= self.deadline:
                self.desktop.kill()
                self.deadline = float("inf")
            if self.desktop.poll() is not None:
                for source in (self.steps, self.results, self.stderr):
                    os.set_blocking(source, False)
                    while self.take(source):
                        pass
                self.end()
                return
            if self.relay is not None and self.relay.poll() is not None:
                self.fail(f"the relay of the stream ended{_last_line(_RELAY_LOG)}")

    def take(self, source: int) -> bool:
        """Read one piece; reports whether more may come."""
        if source == self.control.fileno():
            self.answer(self.control.accept()[0])
            return True
        try:
            piece = os.read(source, 4096)
        except BlockingIOError:
            return source == self.wake
        if source == self.wake:
            if signal.SIGTERM in piece:
                self.close()
        elif source == self.steps:
            for early in self.said.results_at_hand(self.results):
                self.learn_results(early)
            for word, text in self.said.steps(piece):
                self.step(word, text)
        elif source == self.results:
            self.learn_results(piece)
            return bool(piece) and not self.said.is_too_much()
        else:
            self.errors = (self.errors + piece)[:_ERROR_LIMIT]
        return bool(piece)

    def step(self, word: str, text: str) -> None:
        """The desktop's starter says how far it is."""
        if text and self.status["reason"] == "INTERNAL":
            self.status["detail"] = text
        if word == "prepared":
            self.status.update(phase="prepared", since=time.time())
            self.tell()
        if word == "ready" and not self.status["ready"]:
            self.status.update(ready=True, phase="running", since=time.time())
            self.tell()
        self.write_status()

    def learn_results(self, piece: bytes) -> None:
        """Scripts have ended; the first one that failed is what the start failed of."""
        failed = self.said.results(piece)
        if failed and self.status["reason"] == "INTERNAL":
            reason, sentence = failed[0]
            self.status.update(reason=reason, detail=sentence)
        self.write_status()

    # -- its end -------------------------------------------------------------------------------

    def close(self) -> None:
        """Systemd asks for it when the instance stops, and kills after a while."""
        self.deadline = self.deadline or time.monotonic() + _KILL_AFTER
        try:
            os.write(self.command, b"stop\n")
        except OSError:
            self.desktop.kill()

    def fail(self, text: str) -> None:
        self.status["detail"] = text
        self.desktop.kill()
        self.desktop.wait()

    def end(self, why: str = "") -> None:
        errors = self.errors.decode(errors="replace").strip().replace("\n", "; ")
        is_early = not self.status["ready"] and self.status["reason"] == "INTERNAL"
        if why or (errors and is_early):
            self.status["detail"] = why or printable(errors)
        self.status.update(phase="ended", since=time.time())
        self.write_status()
        self.tell()
        if self.relay is not None:
            self.relay.terminate()

    def serve_last(self) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        while True:
            self.answer(self.control.accept()[0])

    # -- who asks ------------------------------------------------------------------------------

    def answer(self, connection: socket.socket) -> None:
        """One line is asked, one is answered; who waits is answered later."""
        connection.settimeout(1)
        try:
            word, _, rest = connection.recv(_REQUEST_LIMIT).decode().strip().partition(" ")
            if word == "go" and self.status["phase"] == "prepared":
                os.write(self.command, b"go\n")
                self.status.update(phase="starting", since=time.time())
                self.write_status()
            if word in {"wait", "go"}:
                self.waiting.append(connection)
                if self.status["phase"] != "starting":
                    self.tell()
                return
            said = self.streaming() if word == "streaming" else self.show(rest)
            connection.sendall(said.encode())
        except (OSError, ValueError):
            pass
        connection.close()

    def tell(self) -> None:
        """Answer all who wait for the start's end."""
        for connection in self.waiting:
            with suppress(OSError), connection:
                connection.sendall(json.dumps(self.status).encode())
        self.waiting = []

    def show(self, text: str) -> str:
        if self.status["phase"] != "running":
            return "no desktop\n"
        message = json.loads(text)
        if message["key"] not in self.told:
            os.write(self.command, b"show " + text.encode() + b"\n")
            self.told.add(message["key"])
        return "shown\n"

    def streaming(self) -> str:
        """Whoever borrows the name only makes a workstation seem more idle than it is."""
        seconds = 0.0
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")[:4]
                is_stream = any(word.endswith((b"/stream.py", b"stunnel4")) for word in words)
                fields = (folder / "stat").read_bytes().rsplit(b")", 1)[1].split()
            except OSError:
                continue
            if is_stream:
                seconds += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return f"{seconds}\n"

    def write_status(self) -> None:
        new = STATUS.with_suffix(".new")
        new.write_text(json.dumps(self.status))
        new.replace(STATUS)


def _document(text: str) -> int:
    """A file in memory that one process reads."""
    made = os.memfd_create("scripts", 0)
    with os.fdopen(os.dup(made), "wb") as file:
        file.write(text.encode())
    os.lseek(made, 0, os.SEEK_SET)
    return made


def _last_line(log: Path) -> str:
    with suppress(OSError):
        lines = log.read_text(errors="replace").strip().splitlines()
        return f": {printable(lines[-1])[:LINE_LIMIT]}" if lines else ""
    return ""


def set_up(plan: dict) -> None:  # type: ignore[type-arg]
    """The machine's name, the artist, and the artist's folders."""
    socket.sethostname(plan["name"])
    hosts = Path("/etc/hosts")
    text = hosts.read_text() if hosts.exists() else "127.0.0.1 localhost\n"
    hosts.write_text(f"{text}127.0.1.1 {plan['name']}\n")
    try:
        pwd.getpwuid(_ARTIST)
    except KeyError:
        words = ["useradd", "--uid", str(_ARTIST), "--no-create-home", "--shell", "/bin/bash"]
        subprocess.run([*words, "artist"], check=True)
    _RUNTIME.parent.mkdir(exist_ok=True)
    for folder in (_RUNTIME, STREAM):
        folder.mkdir(mode=0o700, exist_ok=True)
        os.chown(folder, _ARTIST, _ARTIST)


def keep() -> None:
    plan = json.loads(_PLAN.read_bytes())
    _PLAN.unlink()
    os.umask(0o022)
    keeper = Keeper(plan)
    keeper.write_status()
    keeper.listen()
    try:
        set_up(plan)
        keeper.start()
    except (OSError, subprocess.SubprocessError) as error:
        keeper.end(f"the desktop could not be begun: {error}")
    else:
        keeper.watch()
    if keeper.deadline is None:
        # It ended by itself: somebody hears why, and then stops the instance.
        keeper.serve_last()


def ask(words: list[str]) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        _connect(connection)
        connection.sendall(" ".join(words).encode())
        connection.shutdown(socket.SHUT_WR)
        while piece := connection.recv(65536):
            sys.stdout.buffer.write(piece)


def _connect(connection: socket.socket) -> None:
    """The keeper may only just have been begun."""
    deadline = time.monotonic() + _BEGINS_WITHIN
    while True:
        try:
            connection.connect(str(_CONTROL))
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


if __name__ == "__main__":
    if sys.argv[1:] == ["keep"]:
        keep()
    else:
        ask(sys.argv[1:])
