"""A stream's page in a real browser, before a real desktop: X server, terminal, sound, Selkies.

No sandbox and no studio stand around it: what is tested is the gateway. The desktop is started by
hand, as whoever runs the tests.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import msgspec
import pytest
import structlog
from playwright.sync_api import Browser, Page, sync_playwright

from soundstage.engines.desktop import tablet
from soundstage.kit.places import SocketFolder
from soundstage.testing.browser import picture_of
from soundstage.wire.ticket import Ticket, Tickets

log = structlog.get_logger(__name__)

REPOSITORY = Path(__file__).parents[3]
STREAM_ENVIRONMENT = REPOSITORY / ".venv-stream"
PROGRAMS = REPOSITORY / "src/soundstage/engines/desktop"
STREAM = "AAAAAAAAAAAAAAAAAAAAAA"
SECRET = b"a secret for tests, thirty-two b."
DEADLINE = 30.0
SHOWN = 4000
"""Characters of each log that are shown beside a failure."""

CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]

WATCH_POLICY = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(event.violatedDirective + " " + event.blockedURI);
});
"""


def until(what: str, holds: Callable[[], object], seconds: float = DEADLINE) -> float:
    """Wait for a condition and say how long it took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, f"after {seconds} s: not {what}"
        time.sleep(0.05)
    return time.monotonic() - began


@contextmanager
def running(
    *command: str, log: Path, env: dict[str, str] | None = None, **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as sink:
        process = subprocess.Popen(
            command, env=env, stdout=sink, stderr=subprocess.STDOUT, cwd=log.parent, **options
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


class Desktop:
    """A desktop with a terminal, a sound server and Selkies on a unix socket."""

    def __init__(self, folder: Path, env: dict[str, str], pens: list[int]) -> None:
        self.folder = folder
        self.env = env
        self.pens = pens
        """Descriptors of the lines to the X server's pens, as the stream server has them."""

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command, env=self.env, check=True, capture_output=True, text=True, timeout=10
        )
        return done.stdout

    def paint(self, colour: str) -> None:
        self.run("xsetroot", "-solid", colour)

    def size(self) -> str:
        line = next(line for line in self.run("xdpyinfo").splitlines() if "dimensions:" in line)
        return line.split()[1]


@pytest.fixture(scope="module")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    folder = tmp_path_factory.mktemp("desktop")
    sockets = folder / "sockets"
    sockets.mkdir(mode=0o700)
    screen = (PROGRAMS / "xorg.conf").read_text().replace("/run/stream", str(sockets))
    (folder / "xorg.conf").write_text(screen)
    env = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder),
        "LANG": "C.UTF-8",
    }
    with ExitStack() as stack:

        def start(name: str, *command: str, **options: Any) -> None:
            log = folder / f"{name}.log"
            stack.enter_context(running(*command, log=log, env=env, **options))

        told, tell = os.pipe()
        start(
            "xorg", "/usr/lib/xorg/Xorg", "-displayfd", str(tell), "-config",
            str(folder / "xorg.conf"), "-configdir", str(folder / "none"), "-sharevts",
            "-novtswitch", "-keeptty", "-noreset", "-nolisten", "tcp", "-s", "0",
            "-logfile", str(folder / "xorg-server.log"), pass_fds=[tell],
        )  # fmt: skip
        os.close(tell)
        with os.fdopen(told) as answer:
            env["DISPLAY"] = f":{answer.readline().strip()}"
        start(
            "sound", "pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1",
            "-L", "module-null-sink sink_name=output", "-L", "module-native-protocol-unix",
        )  # fmt: skip
        lines = tablet.unjoined()
        for line in lines:
            stack.enter_context(line)
        tablet.join(lines, str(sockets))
        pens = [line.fileno() for line in lines]
        start("windows", "openbox", "--startup", "xterm -geometry 80x20+40+40")
        start(
            "selkies", str(STREAM_ENVIRONMENT / "bin" / "python"), str(PROGRAMS / "stream.py"),
            "--unix-socket", str(sockets / "stream.sock"), "--enable-basic-auth=false",
            "--enable-dual-mode=false", "--second-screen=true", "--command-enabled=false",
            "--file-transfers=none", "--video-streaming-mode=false", "--framerate=30",
            ",".join(map(str, pens)), "-1", pass_fds=pens,
        )  # fmt: skip
        until("Selkies listens", (sockets / "stream.sock").exists)
        yield Desktop(folder, env, pens)


class GatewayProcess:
    """A gateway that can be killed and started again on the same port."""

    def __init__(self, folder: Path, sockets: Path) -> None:
        self.folder = folder
        self.log = folder / "gateway.log"
        folder_of_sockets = SocketFolder(directory=str(sockets), uid=os.getuid())
        self.place = {"place": msgspec.to_builtins(folder_of_sockets), "name": "stream.sock"}
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = int(free.getsockname()[1])
        self.tell(ended=[])

    def tell(
        self,
        ended: list[str],
        coming: dict[str, Any] | None = None,
        shares: dict[str, Any] | None = None,
    ) -> None:
        facts = {
            "environment": str(STREAM_ENVIRONMENT),
            "streams": {STREAM: self.place},
            "ended": ended,
            "coming": {} if coming is None else {STREAM: coming},
            "shares": {} if shares is None else {STREAM: shares},
        }
        draft = self.folder / "draft.json"
        draft.write_text(json.dumps(facts))
        draft.rename(self.folder / "control.json")

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        program = str(Path(__file__).with_name("gateway_process.py"))
        command = (sys.executable, program, str(self.folder), str(self.port))
        with running(*command, log=self.log) as process:
            until("the gateway listens", self.answers)
            yield process

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def link(self, ticket: str) -> str:
        return f"http://127.0.0.1:{self.port}/streams/{STREAM}/?ticket={ticket}"


class Line:
    """A way to a port of this machine that can fall silent: nothing passes, nothing is closed."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._passes = threading.Event()
        self._passes.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._ends: list[socket.socket] = [self._listener]

    def fall_silent(self) -> None:
        self._passes.clear()

    def go_on(self) -> None:
        self._passes.set()

    @contextmanager
    def open(self) -> Iterator[None]:
        self._begin(self._accept)
        try:
            yield
        finally:
            self.go_on()
            for end in self._ends:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def _begin(self, work: Callable[..., None], *arguments: socket.socket) -> None:
        threading.Thread(target=work, args=arguments, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self._begin(self._join, near)

    def _join(self, near: socket.socket) -> None:
        self._ends.append(near)
        self._passes.wait()
        with suppress(OSError):
            far = socket.create_connection(("127.0.0.1", self._target))
            self._ends.append(far)
            self._begin(self._carry, near, far)
            self._carry(far, near)

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._passes.wait()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def gateway(tmp_path: Path, desktop: Desktop) -> Iterator[GatewayProcess]:
    gateway = GatewayProcess(tmp_path, desktop.folder / "sockets")
    yield gateway
    # Shown beside a failure, this and what the page said is all that a stream in trouble leaves.
    for file in (gateway.log, *sorted(desktop.folder.glob("*.log"))):
        if file.exists():
            log.info("log", of=file.name, end=file.read_text(errors="replace")[-SHOWN:])


@pytest.fixture(scope="module")
def browser(chromium: Path | None) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    context.add_init_script(WATCH_POLICY)
    yield heard(context.new_page())
    context.close()


def heard(page: Page) -> Page:
    """Have a page's console and its ways shown beside a failure."""
    page.on("console", lambda said: log.info("page.said", text=said.text[:300]))
    page.on("framenavigated", lambda frame: log.info("page.went", to=urlsplit(frame.url).path))
    return page


def a_ticket() -> str:
    ticket = Ticket(stream_id=STREAM, subject="artist", expires=int(time.time()) + 120)
    return Tickets(SECRET).sign(ticket)


_SEEN: WeakKeyDictionary[Page, tuple[int, ...]] = WeakKeyDictionary()


def shows(page: Page, colour: tuple[int, int, int], at: tuple[int, int] = (1000, 600)) -> bool:
    """Reports whether the desktop's ground has this colour, as well as video keeps colours."""
    found = picture_of(page).getpixel(at)
    assert isinstance(found, tuple)
    if _SEEN.get(page) != found:
        _SEEN[page] = found
        log.info("page.shows", pixel=found, at=at)
    return all(abs(a - b) < 24 for a, b in zip(found, colour, strict=True))
