"""The stream's page in a real browser, before a real desktop: X server, terminal, sound, Selkies.

No sandbox and no studio stand around it: what is tested is the gateway. The desktop is started by
hand, as whoever runs the tests.
"""

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from soundstage.kit.places import SocketFolder
from soundstage.wire.ticket import Ticket, Tickets
from soundstage.words.texts import Words

REPOSITORY = Path(__file__).parents[2]
STREAM_ENVIRONMENT = REPOSITORY / ".venv-stream"
STREAM = "AAAAAAAAAAAAAAAAAAAAAA"
SECRET = b"a secret for tests, thirty-two b."
DEADLINE = 30.0

XORG = """
Section "ServerFlags"
    Option "AutoAddDevices" "false"
    Option "AutoAddGPU" "false"
    Option "AllowMouseOpenFail" "true"
EndSection
Section "Device"
    Identifier "card"
    Driver "dummy"
    VideoRam 65536
EndSection
Section "Monitor"
    Identifier "monitor"
    HorizSync 5-1000
    VertRefresh 1-500
EndSection
Section "Screen"
    Identifier "screen"
    Device "card"
    Monitor "monitor"
    DefaultDepth 24
    SubSection "Display"
        Virtual 2560 1440
    EndSubSection
EndSection
"""

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

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.folder = folder
        self.env = env

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
    (folder / "xorg.conf").write_text(XORG)
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
        start("windows", "openbox", "--startup", "xterm -geometry 80x20+40+40")
        start(
            "selkies", str(STREAM_ENVIRONMENT / "bin" / "python"), "-m", "selkies",
            "--unix-socket", str(sockets / "stream.sock"), "--enable-basic-auth=false",
            "--enable-dual-mode=false", "--second-screen=false", "--command-enabled=false",
            "--file-transfers=none", "--video-streaming-mode=false", "--framerate=30",
        )  # fmt: skip
        until("Selkies listens", (sockets / "stream.sock").exists)
        yield Desktop(folder, env)


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

    def tell(self, ended: list[str], coming: dict[str, Any] | None = None) -> None:
        facts = {
            "environment": str(STREAM_ENVIRONMENT),
            "streams": {STREAM: self.place},
            "ended": ended,
            "coming": {} if coming is None else {STREAM: coming},
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


@pytest.fixture
def gateway(tmp_path: Path, desktop: Desktop) -> GatewayProcess:
    return GatewayProcess(tmp_path, desktop.folder / "sockets")


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    context.add_init_script(WATCH_POLICY)
    yield context.new_page()
    context.close()


def a_ticket() -> str:
    ticket = Ticket(stream_id=STREAM, subject="artist", expires=int(time.time()) + 120)
    return Tickets(SECRET).sign(ticket)


def picture(page: Page) -> Image.Image:
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def shows(page: Page, colour: tuple[int, int, int], at: tuple[int, int] = (1000, 600)) -> bool:
    """Reports whether the desktop's ground has this colour, as well as video keeps colours."""
    found = picture(page).getpixel(at)
    assert isinstance(found, tuple)
    return all(abs(a - b) < 24 for a, b in zip(found, colour, strict=True))


def test_a_link_opens_a_desktop_that_one_can_work_in(
    desktop: Desktop, gateway: GatewayProcess, page: Page, tmp_path: Path
) -> None:
    errors: list[str] = []
    asked: list[Request] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    def note(request: Request) -> None:
        asked.append(request)

    page.on("console", hear)
    page.on("request", note)
    ticket = a_ticket()
    with gateway.running():
        desktop.paint("#204080")
        page.goto(gateway.link(ticket))
        assert page.url == f"http://127.0.0.1:{gateway.port}/streams/{STREAM}/"
        until("the desktop's ground is seen", lambda: shows(page, (0x20, 0x40, 0x80)))

        page.mouse.click(300, 200)
        page.keyboard.type("xsetroot -solid '#803020'")
        page.keyboard.press("Enter")
        until("what was typed has run", lambda: shows(page, (0x80, 0x30, 0x20)))
        picture(page).save(tmp_path / "desktop.png")

        page.set_viewport_size({"width": 1104, "height": 640})
        until("the desktop follows the window", lambda: desktop.size() == "1104x640")

        with running(
            "pacat", "--raw", "--rate=44100", "/dev/urandom",
            log=tmp_path / "noise.log", env=desktop.env,
        ):  # fmt: skip
            until("sound is heard", lambda: page.evaluate("window.currentAudioLevel > 0"))

        assert page.title() == "Workstation · Soundstage"
        assert page.evaluate("window.violations") == []
        assert [text for text in errors if "Content Security Policy" in text] == []
        cookies = page.context.cookies()
        until("use is reported", (tmp_path / "activity").exists)

    own = f"http://127.0.0.1:{gateway.port}/streams/"
    assert [
        r.url for r in asked if not r.url.removeprefix("blob:").startswith("http://127.0.0.1")
    ] == []
    assert {r.method for r in asked if r.url.startswith(own)} <= {"GET", "HEAD"}
    assert [(c["name"], c["path"], c["httpOnly"], c["sameSite"]) for c in cookies] == [
        ("soundstage_stream", f"/streams/{STREAM}/", True, "Lax")
    ]
    log = gateway.log.read_text()
    assert "gateway.relay_opened" in log
    assert ticket not in log
    assert cookies[0]["value"] not in log
    # Not even the part of either that stays the same when it is signed again.
    assert ticket.rpartition(".")[2] not in log


def test_the_page_comes_back_by_itself_after_the_gateway_was_killed(
    desktop: Desktop, gateway: GatewayProcess, page: Page
) -> None:
    with gateway.running() as process:
        desktop.paint("#204080")
        page.goto(gateway.link(a_ticket()))
        until("the desktop is seen", lambda: shows(page, (0x20, 0x40, 0x80)))
        page.evaluate("window.neverReloaded = true")
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        desktop.paint("#106020")
    with gateway.running():
        until("the new ground is seen", lambda: shows(page, (0x10, 0x60, 0x20)))
        assert page.evaluate("window.neverReloaded") is True


def test_an_ended_stream_is_cut_and_the_page_says_so(
    desktop: Desktop, gateway: GatewayProcess, page: Page, tmp_path: Path
) -> None:
    with gateway.running():
        desktop.paint("#204080")
        page.goto(gateway.link(a_ticket()))
        until("the desktop is seen", lambda: shows(page, (0x20, 0x40, 0x80)))
        gateway.tell(ended=[STREAM])
        headline = page.get_by_role("heading", name="This stream has ended")
        took = until("the page says that it ended", headline.is_visible, seconds=5)
        assert took < 5
        picture(page).save(tmp_path / "ended.png")
        answer = page.reload()
        assert answer is not None
        assert answer.status == 410


def test_a_used_link_says_so_in_light_and_dark(
    gateway: GatewayProcess, browser: Browser, tmp_path: Path
) -> None:
    ticket = a_ticket()
    grounds = set()
    with gateway.running():
        (tmp_path / "used").touch()
        for scheme in ("light", "dark"):
            context = browser.new_context(color_scheme=scheme)
            context.add_init_script(WATCH_POLICY)
            page = context.new_page()
            answer = page.goto(gateway.link(ticket))
            assert answer is not None
            assert answer.status == 410
            assert page.get_by_role("heading", name="This link was already used").is_visible()
            assert page.get_by_role("link", name="Go to the portal").get_attribute("href") == "/"
            assert page.evaluate("window.violations") == []
            image = picture(page)
            image.save(tmp_path / f"used-{scheme}.png")
            grounds.add(image.getpixel((5, 5)))
            context.close()
    assert len(grounds) == 2


def ground_of_the_note(
    gateway: GatewayProcess,
    browser: Browser,
    look: tuple[Any, str],
    coming: dict[str, Any],
    image_path: Path,
) -> Any:
    """Walk through a countdown on the page, and give the colour that its note is drawn on."""
    scheme, language = look
    words = Words(language)
    stops = words("page.countdown.stops")
    context = browser.new_context(
        color_scheme=scheme, locale=language, viewport={"width": 1280, "height": 720}
    )
    context.add_init_script(WATCH_POLICY)
    page = context.new_page()
    page.goto(gateway.link(a_ticket()))
    note = page.locator(".soundstage-countdown")
    until("the note is shown", note.is_visible)
    until("the desktop is seen", lambda: shows(page, (0x20, 0x40, 0x80), (700, 650)))
    assert page.get_by_role("button", name=words("page.bar.tools"), exact=True).count() == 1
    assert re.search(rf"{stops}4:\d\d", note.inner_text())
    reason = words("ends.MAX_SESSION_LENGTH", length="11 h")
    assert reason in note.inner_text()
    minutes = words("page.countdown.minutes", number=5)
    said = words("page.countdown.said_stops", length=minutes, why=reason)
    assert note.get_by_role("status").inner_text().startswith(said)
    box = note.bounding_box()
    assert box is not None
    assert box["x"] > 800
    assert box["y"] > 480
    image = picture(page)
    image.save(image_path)
    ground = image.getpixel((int(box["x"]) + 30, int(box["y"]) + 5))

    # The keyboard stays where it was, and the note comes back at the next threshold.
    focused = page.evaluate("document.activeElement.outerHTML")
    note.get_by_role("button", name=words("page.countdown.close")).click()
    until("the note is closed", lambda: not note.is_visible())
    assert page.evaluate("document.activeElement.outerHTML") == focused
    page.reload()
    until("the desktop is seen", lambda: shows(page, (0x20, 0x40, 0x80), (700, 650)))
    assert not note.is_visible()
    gateway.tell(ended=[], coming={**coming, "seconds_left": 55.0})
    until("the note is back", note.is_visible, seconds=20)
    assert note.get_by_role("alert").inner_text().startswith(f"{stops}1 ")
    gateway.tell(ended=[])
    until("the note is gone", lambda: not note.is_visible(), seconds=20)
    assert page.evaluate("window.violations") == []
    context.close()
    return ground


def test_what_comes_by_itself_is_shown_in_time_and_in_a_corner(
    desktop: Desktop, gateway: GatewayProcess, browser: Browser, tmp_path: Path
) -> None:
    told = {"rule": "MAX_SESSION_LENGTH", "allowed_seconds": 11 * 3600}
    coming = {"action": "STOP", "seconds_left": 290.0, "warn_before": [900, 300, 60], **told}
    desktop.paint("#204080")
    grounds = set()
    with gateway.running():
        for look in (("light", "en"), ("dark", "de")):
            (tmp_path / "used").unlink(missing_ok=True)
            gateway.tell(ended=[], coming=coming)
            image_path = tmp_path / f"countdown-{look[0]}.png"
            grounds.add(ground_of_the_note(gateway, browser, look, coming, image_path))
    assert len(grounds) == 2


def test_a_hand_on_the_pointer_is_told_from_an_open_page(
    desktop: Desktop, gateway: GatewayProcess, page: Page, tmp_path: Path
) -> None:
    with gateway.running():
        desktop.paint("#204080")
        page.goto(gateway.link(a_ticket()))
        until("the desktop is seen", lambda: shows(page, (0x20, 0x40, 0x80)))
        (tmp_path / "activity").unlink(missing_ok=True)
        until("an open page carries bytes", (tmp_path / "activity").exists)
        assert not (tmp_path / "input").exists()
        page.mouse.move(300, 200)
        page.mouse.move(320, 220)
        until("a pointer is input", (tmp_path / "input").exists)


def test_the_bar_is_out_of_the_way_until_it_is_called(
    desktop: Desktop, gateway: GatewayProcess, page: Page, tmp_path: Path
) -> None:
    """By keyboard alone: its keys reach the desktop, what is typed in it does not."""
    bar = page.get_by_role("region", name="Tools")
    with gateway.running():
        desktop.paint("#204080")
        page.goto(gateway.link(a_ticket()))
        until("the desktop is seen", lambda: shows(page, (0x20, 0x40, 0x80)))
        handle = page.get_by_role("button", name="Tools", exact=True).bounding_box()
        assert handle is not None
        assert handle["y"] + handle["height"] < 16

        def is_heard() -> bool:
            # A page that only just shows the desktop may not pass keys on yet.
            page.mouse.click(300, 200)
            page.keyboard.type(f"touch {desktop.folder}/heard")
            page.keyboard.press("Enter")
            page.wait_for_timeout(500)
            return (desktop.folder / "heard").exists()

        until("keys are passed on", is_heard)
        page.keyboard.type(f"cat -v > {desktop.folder}/typed")
        page.keyboard.press("Enter")
        until("it listens", (desktop.folder / "typed").exists)
        focused = page.evaluate("document.activeElement.outerHTML")

        page.keyboard.press("Control+Alt+Shift+KeyB")
        until("the bar is seen", bar.is_visible)
        full_screen = page.get_by_role("button", name="Full screen")
        until("it has the focus", lambda: full_screen.evaluate("e => e.matches(':focus')"))
        until("the clipboard is told", bar.get_by_text("Clipboard: both ways").is_visible)
        for name in ("Keys", "Statistics"):
            while not bar.get_by_role("button", name=name).evaluate("e => e.matches(':focus')"):
                page.keyboard.press("Tab")
            page.keyboard.press("Enter")
        bar.get_by_role("button", name="F11").focus()
        page.keyboard.type("nothing")
        page.keyboard.press("Enter")
        bar.get_by_role("button", name="Ctrl + Alt + Delete").click()

        def figure(name: str) -> str:
            return bar.locator(f"dt:text-is('{name}') + dd").inner_text()

        until("a way there and back is measured", lambda: figure("Round trip").endswith(" ms"))
        desktop.paint("#803020")
        until("bytes are counted", lambda: figure("Received").endswith("Mbit/s"))
        until("decoding is measured", lambda: figure("Decoding").endswith("ms a frame"))
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            picture(page).save(tmp_path / f"bar-{scheme}.png")
        page.keyboard.press("Escape")
        until("the bar is gone", lambda: not bar.is_visible())
        until(
            "the focus is back",
            lambda: page.evaluate("document.activeElement.outerHTML") == focused,
        )
        until("nothing is measured", lambda: page.evaluate("window.stream_stats.open") is False)
        page.keyboard.press("Enter")
        typed = desktop.folder / "typed"
        until("the keys arrived", lambda: typed.read_text().endswith("\n"))
        assert typed.read_text() == "^[[23~^[[3;7~\n"
        page.keyboard.press("Control+d")
        assert page.evaluate("window.violations") == []


def test_an_address_that_is_not_secure_explains_itself(
    gateway: GatewayProcess, browser: Browser, chromium: Path
) -> None:
    elsewhere = [*CHROMIUM, "--host-resolver-rules=MAP studio.test 127.0.0.1"]
    with gateway.running():
        other = browser.browser_type.launch(executable_path=chromium, args=elsewhere)
        page = other.new_page()
        page.goto(gateway.link(a_ticket()).replace("127.0.0.1", "studio.test"))
        page.wait_for_url(f"**/streams/{STREAM}/not-secure")
        assert page.inner_text("h1") == "This browser needs a secure address"
        assert "https" in page.inner_text(".advice")
        other.close()
