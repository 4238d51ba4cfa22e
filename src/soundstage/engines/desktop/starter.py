"""Starts the desktop inside a workstation, keeps it going, and closes it kindly when told.

The first program of every sandbox (`python3 -I -S starter.py`, standard library only). It gets its
plan in SOUNDSTAGE_PLAN and descriptors by their names in SOUNDSTAGE_FDS: it says each step with its
time on `steps`, and reads `stop`, `go`, or `show` and a message, from `command`. The supervisor
outside is at the other ends. The artist's initialization scripts are in `artist`, and run when the
desktop is there, before it is said to be ready. One that is prepared for whoever comes first waits
before them, for `go`.

What can start at once does: the X server, sound, the session bus, and the stream server's imports.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from io import FileIO
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import tablet  # type: ignore[import-not-found]
from places import SWEEP_SECONDS, Places  # type: ignore[import-not-found]

_START_WITHIN = 45.0
_CLOSE_WINDOWS_WITHIN = 4.0
_END_WITHIN = 2.0
_RESTARTS, _RESTARTS_WITHIN = 4, 60.0
_TRACEBACK = 60
"""So many of the last lines may still be about why a program has just ended."""
# What these begin serves the picture as they do; what others begin is the artist's.
_FAMILIES = ("the X server", "the stream", "sound", "file transfers", "the background")
_BEGAN = time.monotonic()


class Child:
    """One program of the desktop."""

    def __init__(self, name: str, command: list[str], *, needed: bool, **more: str) -> None:
        self.name = name
        self.command = command
        self.needed = needed
        self.more = more
        self.process: subprocess.Popen[bytes] | None = None
        self.ends: list[float] = []
        self.is_artists = False
        """Whether it belongs to the artist's programs, not to the desktop."""
        self.keeps: tuple[int, ...] = ()
        """Descriptors that it has at each of its starts."""


class Desktop:
    """All programs of one workstation's desktop."""

    def __init__(self, plan: dict) -> None:  # type: ignore[type-arg]
        self.plan = plan
        self.here = Path(plan["desktop"])
        self.runtime = Path(os.environ["XDG_RUNTIME_DIR"])
        self.children: list[Child] = []
        self.commands = b""
        self.is_waiting = bool(plan.get("waits"))
        """Whether nobody works here yet."""
        self.places = Places(plan["groups"])
        self.pens: list[socket.socket] = []
        """Held for good; see `tablet.py`."""
        self.log = _open_log()
        os.environ.update(self.environment())

    def environment(self) -> dict[str, str]:
        mine = str(self.here / "xdg")
        return {
            "XAUTHORITY": str(self.runtime / "Xauthority"),
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self.runtime}/bus",
            "PULSE_SERVER": f"unix:{self.runtime}/pulse/native",
            "XDG_CONFIG_DIRS": f"{mine}:/etc/xdg",
            "XDG_DATA_DIRS": f"{self.here}/share:/usr/local/share:/usr/share",
            "XDG_CURRENT_DESKTOP": "soundstage",
            "GTK2_RC_FILES": f"{mine}/gtk-2.0/gtkrc",
            "GTK_THEME": "Adwaita:dark",
            "NO_AT_BRIDGE": "1",
            "QT_STYLE_OVERRIDE": "Fusion",
            "XCURSOR_THEME": "Adwaita",
            "XCURSOR_SIZE": "24",
        }

    def say(self, word: str, text: str) -> None:
        line = f"{word} {text} after {time.monotonic() - _BEGAN:.2f} s\n".encode()
        self.log.write(line)
        try:
            os.write(self.plan["steps_fd"], line)
        except OSError:
            # The supervisor is gone; so will this be, at once.
            sys.exit(1)

    def run_aside(self, command: list[str], *, is_artists: bool = False) -> None:
        """Begin what ends by itself; `look_after` collects it."""
        child = Child(command[-1], command, needed=False)
        child.is_artists = is_artists
        child.ends = [float("inf")] * _RESTARTS
        self.spawn(child)

    def spawn(self, child: Child, *, pass_fds: tuple[int, ...] = ()) -> None:
        child.process = subprocess.Popen(
            child.command,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            env={**os.environ, **child.more},
            pass_fds=(*child.keeps, *pass_fds),
            start_new_session=True,
            preexec_fn=self.places.enter if child.is_artists else None,  # noqa: PLW1509 -- none here.
        )
        if child not in self.children:
            self.children.append(child)

    def start(self) -> None:
        self.say("stage", "desktop")
        self.lay_out_settings()
        _write_cookie(self.runtime / "Xauthority")
        display_r, display_w = os.pipe()
        go_r, go_w = os.pipe()
        self.pens = tablet.unjoined()
        pens = [each.fileno() for each in self.pens]
        serve = [*self.plan["stream"], ",".join(map(str, pens))]
        stream = Child("the stream", [*serve, str(go_r)], needed=True)
        stream.keeps = tuple(pens)
        stream.more = {"MALLOC_ARENA_MAX": "2", "PYTHONDONTWRITEBYTECODE": "1"}
        self.spawn(
            Child("the X server", self.x_command(display_w), needed=True), pass_fds=(display_w,)
        )
        self.spawn(stream, pass_fds=(go_r,))
        self.spawn(Child("the session bus", self.bus_command(), needed=False))
        os.close(display_w)
        os.close(go_r)
        # From its second start on the stream server need not wait for anything.
        stream.command = [*serve, "-1"]
        display = self.wait_for(display_r, "the X server")
        os.environ["DISPLAY"] = f":{display}"
        self.say("step", "starting the desktop: X server ready")
        self.join_pens()
        os.write(go_w, f":{display}\n".encode())
        os.close(go_w)
        self.start_windows()
        self.say("stage", "stream")
        self.wait_for_stream()

    def begin(self) -> None:
        """From here on it is somebody's."""
        self.run_scripts()
        self.say("ready", "the desktop answers")
        # Nobody waits for it: the bus keeps what is sent before it listens.
        notifier = ["dunst", "-conf", self.own_or(".config/dunst/dunstrc", "dunstrc")]
        self.spawn(Child("notifications", notifier, needed=False))
        if self.plan.get("files"):
            self.spawn(Child("file transfers", self.plan["files"], needed=False))

    def run_scripts(self) -> None:
        """Run the artist's initialization scripts; `scripts.py` tells how they end."""
        source, results = self.plan["artist_fd"], self.plan["results_fd"]
        if os.fstat(source).st_size:
            self.say("stage", "scripts")
            self.say("step", "running the initialization scripts")
            runner = [sys.executable, "-I", "-S", str(self.here / "scripts.py")]
            words = [*runner, str(source), str(results), str(self.runtime)]
            done = subprocess.run(words, check=False, pass_fds=(source, results))
            if done.returncode:
                self.fail("an initialization script failed")
        os.close(source)
        os.close(results)

    def join_pens(self) -> None:
        """A desktop without a pen is one all the same."""
        try:
            tablet.join(self.pens, str(Path(self.plan["stream_socket"]).parent))
        except OSError as error:
            self.log.write(f"there is no pen: {error}\n".encode())

    def start_windows(self) -> None:
        ready = self.runtime / "windows-ready"
        os.mkfifo(ready, 0o600)
        listening = os.open(ready, os.O_RDWR | os.O_CLOEXEC)
        command = ["openbox", "--config-file", self.own_or(".config/openbox/rc.xml", "openbox.xml")]
        startup = f"/bin/sh -c 'echo ready > {ready}'"
        windows = Child("the window manager", [*command, "--startup", startup], needed=False)
        self.spawn(windows)
        windows.command = command
        self.spawn(Child("sound", self.sound_command(), needed=False))
        self.wait_for(listening, "the window manager")
        ready.unlink()
        self.say("step", "starting the desktop: window manager ready")
        painter = ["/bin/sh", str(self.here / "background.sh")]
        self.spawn(Child("the background", painter, needed=False))
        panel = ["tint2", "-c", self.own_or(".config/tint2/tint2rc", "tint2rc")]
        self.spawn(Child("the panel", panel, needed=False))
        own = Path.home() / ".config/openbox/autostart"
        if own.is_file():
            self.run_aside(["/bin/sh", str(own)], is_artists=True)

    def lay_out_settings(self) -> None:
        """Copy settings of programs that read them from the home only, where there are none."""
        source = self.here / "home"
        for path in source.rglob("*"):
            target = Path.home() / path.relative_to(source)
            if path.is_file() and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())

    def own_or(self, own: str, ours: str) -> str:
        """The artist's settings where there are some."""
        mine = Path.home() / own
        return str(mine if mine.is_file() else self.here / ours)

    def x_command(self, display_fd: int) -> list[str]:
        return [
            "/usr/lib/xorg/Xorg", *self.plan["x_display"], "-displayfd", str(display_fd),
            "-auth", str(self.runtime / "Xauthority"), "-config", str(self.here / "xorg.conf"),
            "-configdir", "/nonexistent", "-logfile", str(self.runtime / "Xorg.log"),
            "-sharevts", "-novtswitch", "-keeptty", "-noreset", "-nolisten", "tcp",
            "-s", "0", "-dpms", "+extension", "GLX",
            # At its usual level a line is written for each event of a pen.
            "-logverbose", "0",
        ]  # fmt: skip

    def bus_command(self) -> list[str]:
        address = f"unix:path={self.runtime}/bus"
        return ["dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address={address}"]

    def sound_command(self) -> list[str]:
        return [
            "pulseaudio", "-n", "-F", str(self.here / "pulse.pa"), "--daemonize=no",
            "--exit-idle-time=-1", "--disallow-exit=yes", "--use-pid-file=no", "--log-level=warn",
        ]  # fmt: skip

    def wait_for(self, descriptor: int, what: str) -> str:
        """Until it has written a whole line; X writes the number and the line's end apart."""
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        said = b""
        while not said.endswith(b"\n"):
            self.expect_in_time(what)
            if poll.poll(50):
                piece = os.read(descriptor, 64)
                if not piece:
                    self.fail(f"{what} did not start")
                said += piece
        os.close(descriptor)
        return said.decode().strip()

    def wait_for_stream(self) -> None:
        while not _answers(self.plan["stream_socket"]):
            self.expect_in_time("the stream")
            time.sleep(0.01)

    def expect_in_time(self, what: str) -> None:
        for child in self.children:
            if child.needed and child.process is not None and child.process.poll() is not None:
                self.fail(f"{child.name} ended with code {child.process.returncode}")
        if time.monotonic() - _BEGAN > _START_WITHIN:
            self.fail(f"{what} was not ready in time")

    def fail(self, text: str) -> None:
        self.log.flush()
        self.say("fail", f"{text}{_known_cause()}{_last_words()}")
        sys.exit(1)

    def keep(self) -> bool:
        """Until told to stop, or to go on where it waits: start again what ends alone; give up on
        what keeps ending. Reports whether to go on.
        """
        was_waiting = self.is_waiting
        wake_r, wake_w = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_w)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        poll = select.poll()
        poll.register(wake_r, select.POLLIN)
        poll.register(self.plan["command_fd"], select.POLLIN)
        self.look_after()
        while True:
            for descriptor, _ in poll.poll(SWEEP_SECONDS * 1000):
                if descriptor == wake_r:
                    if signal.SIGTERM in os.read(wake_r, 512):
                        return False
                elif not self.obey():
                    return False
            if was_waiting and not self.is_waiting:
                return True
            self.look_after()
            self.part_programs()

    def part_programs(self) -> None:
        """What the artist began is put where it belongs; what serves the picture stays."""
        own = [
            (child.name, child.process.pid)
            for child in self.children
            if child.process is not None and not child.is_artists
        ]
        families = [pid for name, pid in own if name in _FAMILIES]
        self.places.sweep([pid for _, pid in own], families)

    def obey(self) -> bool:
        """Do what the supervisor says; reports whether to go on."""
        piece = os.read(self.plan["command_fd"], 4096)
        *lines, self.commands = (self.commands + piece).split(b"\n")
        for line in lines:
            word, _, rest = line.partition(b" ")
            if word == b"go":
                self.is_waiting = False
            elif word == b"show":
                self.show(json.loads(rest))
            else:
                return False
        return bool(piece)

    def show(self, message: dict) -> None:  # type: ignore[type-arg]
        """By the session bus, so that it comes in whatever way the artist has notifications."""
        urgency = "critical" if message["urgent"] else "normal"
        command = ["dunstify", "--appname=Soundstage", f"--urgency={urgency}", "--replace=7001"]
        self.run_aside([*command, "--", message["title"], message["text"]])

    def look_after(self) -> None:
        now = time.monotonic()
        for child in self.children:
            if child.process is None or child.process.poll() is None:
                continue
            code = child.process.returncode
            if child.name == "the X server":
                self.fail(f"the X server ended with code {code}")
            child.process = None
            child.ends = [at for at in child.ends if now - at < _RESTARTS_WITHIN] + [now]
            if len(child.ends) <= _RESTARTS:
                self.log.write(f"{child.name} ended with code {code}; starting it again\n".encode())
                self.spawn(child)
            elif child.needed:
                self.fail(f"{child.name} ended {len(child.ends)} times in a minute")

    def close(self) -> None:
        """As an artist would: first the windows, which may save, then the rest."""
        signal.set_wakeup_fd(-1)
        deadline = time.monotonic() + _CLOSE_WINDOWS_WITHIN
        asked: set[str] = set()
        while (windows := _windows()) and time.monotonic() < deadline:
            for window in windows - asked:
                subprocess.run(["wmctrl", "-i", "-c", window], check=False, timeout=2)
            asked |= windows
            time.sleep(0.05)
        # The X server last: the others complain when it goes before them.
        first = [child for child in self.children if child.name != "the X server"]
        last = [child for child in self.children if child.name == "the X server"]
        for child in self.children:
            # It has nothing to save, and takes 1.5 s to say goodbye to nobody.
            if child.name == "the stream" and child.process is not None:
                child.process.kill()
        for children in (first, last):
            _end(children)


def _end(children: list[Child]) -> None:
    living = [child.process for child in children if child.process is not None]
    for process in living:
        process.terminate()
    deadline = time.monotonic() + _END_WITHIN
    for process in living:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()


def _open_log() -> FileIO:
    folder = Path.home() / ".local/state/soundstage"
    folder.mkdir(parents=True, exist_ok=True)
    return FileIO(folder / "desktop.log", "wb")


def _last_words() -> str:
    last = _said_last(1)
    return f" ({last[0][:120]})" if last else ""


def _known_cause() -> str:
    """Name what the programs themselves name in a way that helps nobody."""
    if any("inotify instance" in line for line in _said_last(_TRACEBACK)):
        return ": the host has no inotify instances left, raise fs.inotify.max_user_instances"
    return ""


def _said_last(number: int) -> list[str]:
    lines = (Path.home() / ".local/state/soundstage/desktop.log").read_text(errors="replace")
    return [line for line in lines.splitlines() if line.strip()][-number:]


def _write_cookie(path: Path) -> None:
    """One entry that holds for any host name and display (family 0xFFFF, FamilyWild)."""
    name, cookie = b"MIT-MAGIC-COOKIE-1", os.urandom(16)

    def counted(piece: bytes) -> bytes:
        return len(piece).to_bytes(2, "big") + piece

    entry = b"\xff\xff" + counted(b"") + counted(b"") + counted(name) + counted(cookie)
    path.write_bytes(entry)
    path.chmod(0o600)


def _answers(path: str) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2)
            connection.connect(path)
            connection.sendall(b"GET /api/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except OSError:
        return False


def _windows() -> set[str]:
    """Ids of ordinary windows: wmctrl gives the desktop number -1 to panels and wallpapers."""
    try:
        done = subprocess.run(["wmctrl", "-l"], capture_output=True, check=False, timeout=2)
    except (OSError, subprocess.TimeoutExpired):
        return set()
    rows = [line.split(None, 3) for line in done.stdout.decode(errors="replace").splitlines()]
    return {row[0] for row in rows if len(row) > 1 and row[1] != "-1"}


def main() -> None:
    plan = json.loads(os.environ.pop("SOUNDSTAGE_PLAN"))
    for name, number in (pair.split("=") for pair in os.environ.pop("SOUNDSTAGE_FDS").split()):
        plan[f"{name}_fd"] = int(number)
        if name != "root":
            os.set_inheritable(int(number), False)
    plan["groups"] = [int(number) for number in os.environ.pop("SOUNDSTAGE_GROUPS", "").split()]
    for number in plan["groups"]:
        os.set_inheritable(number, False)
    os.umask(0o077)
    desktop = Desktop(plan)
    desktop.start()
    if desktop.is_waiting:
        desktop.say("prepared", "everything is there")
    if not desktop.is_waiting or desktop.keep():
        desktop.begin()
        os.umask(0o022)
        desktop.keep()
    desktop.close()


if __name__ == "__main__":
    main()
