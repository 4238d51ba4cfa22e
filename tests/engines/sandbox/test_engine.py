"""The sandbox engine with real desktops: started, killed, found again, measured, ended.

What holds for every engine is in tests/contracts; here is what is this one's own.
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from soundstage.engines.interface import (
    Address,
    BackupPhase,
    Message,
    PermanentError,
    Phase,
    Reason,
    RetryableError,
    Stage,
)
from soundstage.engines.repository.backups import Copying, Repository
from soundstage.engines.sandbox.engine import SandboxEngine, make
from soundstage.engines.sandbox.settings import SandboxSettings
from soundstage.kit.clock import system_clock
from soundstage.kit.config import ConfigError, Settings
from soundstage.kit.jobs import Cancellation
from soundstage.kit.places import open_place
from soundstage.testing.workbench import Workbench

STREAM_ENVIRONMENT = Path(__file__).parents[3] / ".venv-stream"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """Its folders may be entered by their owner alone: sandboxes must work below such."""
    made = Workbench(tmp_path_factory.mktemp("home") / "closed", STREAM_ENVIRONMENT)
    made.settings.home.chmod(0o700)
    yield made
    assert made.close() == []


@pytest.fixture(scope="module")
def entered(shared: Workbench) -> str:
    return shared.start_with_shell(environment={"SECRET": "opensesame"})


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    made = Workbench(tmp_path / "data", STREAM_ENVIRONMENT)
    yield made
    assert made.close() == []


def test_the_desktop_is_complete(shared: Workbench, entered: str) -> None:
    def running() -> set[str]:
        code, output = shared.inside(entered, "ps", "-eo", "comm=")
        assert code == 0
        return set(output.split())

    assert {"Xorg", "openbox", "tint2", "pulseaudio", "dbus-daemon"} <= running()
    assert shared.inside(entered, "whoami") == (0, "artist\n")
    code, size = shared.inside(entered, "xprop", "-root", "_NET_DESKTOP_GEOMETRY")
    assert (code, size) == (0, "_NET_DESKTOP_GEOMETRY(CARDINAL) = 1920, 1080\n")


def test_what_is_shown_of_the_host_can_be_read(shared: Workbench, entered: str) -> None:
    for folder in ("/etc/fonts", "/etc/ssl/certs", "/var/cache/fontconfig"):
        code, _ = shared.inside(entered, "ls", folder)
        assert code == 0, folder


def test_it_shows_a_picture(shared: Workbench, entered: str) -> None:
    picture = shared.engine.picture(entered)
    assert picture.startswith(b"\xff\xd8\xff")
    # A single colour at this size is 1.3 kB.
    assert 2_000 < len(picture) < 40_000


def test_a_picture_costs_little(shared: Workbench, entered: str) -> None:
    """A page asks every fifteen seconds, and that is less than a hundredth of a core."""
    shared.asked(entered, "/api/screenshot")
    desktop = shared.processes(entered)
    before = _ticks(desktop)
    for _ in range(10):
        assert shared.asked(entered, "/api/screenshot").startswith(b"\xff\xd8\xff")
    seconds = (_ticks(desktop) - before) / os.sysconf("SC_CLK_TCK")
    assert seconds / 10 / 15 < 0.01, seconds


_BE_TAKEN_FOR_THE_PAINTER = """
import subprocess, time
from selkies.Xlib import display
from selkies.Xlib.Xatom import PIXMAP
server = display.Display()
root = server.screen().root
own = root.create_pixmap(1, 1, 24).id
for name in ("_XROOTPMAP_ID", "ESETROOT_PMAP_ID"):
    root.change_property(server.intern_atom(name), PIXMAP, 32, [own])
server.sync()
# As the window manager does at each change of the screen's size.
size = ["-f", "_NET_DESKTOP_GEOMETRY", "32c", "-set", "_NET_DESKTOP_GEOMETRY", "1920, 1080"]
subprocess.run(["xprop", "-root", *size], check=True)
began = time.monotonic()
while time.monotonic() - began < 15:
    found = root.get_full_property(server.intern_atom("_XROOTPMAP_ID"), PIXMAP)
    if found is not None and found.value[0] != own:
        print("painted, and still here")
        break
"""


def test_a_new_background_ends_no_program_that_has_the_old_one_s_number(
    shared: Workbench, entered: str
) -> None:
    words = ("/opt/stream/bin/python3", "-I", "-c", _BE_TAKEN_FOR_THE_PAINTER)
    assert shared.inside(entered, *words) == (0, "painted, and still here\n")


def test_a_pen_and_an_eraser_are_there_from_the_start(shared: Workbench, entered: str) -> None:
    names = {path.name for path in (shared.directory(entered) / "stream").iterdir()}
    assert {"pen.sock", "eraser.sock"} <= names
    address = shared.engine.observe(entered).address
    assert address is not None
    # It answers once both have taken what it wrote.
    a_pen(address).close()


def test_no_tcp_port_is_opened(shared: Workbench, entered: str) -> None:
    for table in ("tcp", "tcp6", "udp", "udp6"):
        code, rows = shared.inside(entered, "cat", f"/proc/net/{table}")
        assert code == 0
        assert len(rows.splitlines()) == 1, rows


def test_windows_open_and_are_closed_kindly(bench: Workbench) -> None:
    ref = bench.start_with_shell()
    bench.lay_out(ref, "word.sh", "trap 'echo bye > ~/said; exit' HUP TERM; sleep 60 & wait\n")
    command = "setsid lxterminal -e /bin/sh ~/word.sh >/dev/null 2>&1 &"
    bench.inside(ref, "sh", "-c", command)
    deadline = time.monotonic() + 20
    while "lxterminal" not in bench.inside(ref, "wmctrl", "-lx")[1].lower():
        assert time.monotonic() < deadline
    began = time.monotonic()
    bench.stop(ref)
    assert time.monotonic() - began < 10
    assert (bench.home(ref) / "said").read_text() == "bye\n"


def test_the_steps_of_a_start_are_told_with_their_times(bench: Workbench) -> None:
    seen: list[str] = []
    spec = bench.spec()
    while (observed := bench.engine.observe("r" * 22)).phase is not Phase.RUNNING:
        bench.engine.ensure_running("r" * 22, spec)
        if observed.detail not in seen:
            seen.append(observed.detail)
    assert any(re.search(r"X server ready after \d+\.\d\d s", each) for each in seen), seen
    stages = [Stage.DISK, Stage.MACHINE, Stage.DESKTOP, Stage.STREAM]
    assert [mark.stage for mark in observed.marks] == stages
    moments = [mark.at for mark in observed.marks]
    assert observed.since is not None
    assert moments == sorted(moments)
    assert moments[-1] < observed.since
    # Another service finds the same.
    other = SandboxEngine(bench.settings)
    assert other.observe("r" * 22).marks == observed.marks


def test_it_starts_fast(bench: Workbench) -> None:
    """0.5 s on two quiet cores. The work is held to the goal of 1.6 s, the clock to twice that; one
    start that keeps to both is enough, for other programs run on the same cores.
    """
    took, worked = [], []
    for _ in range(10):
        began = time.monotonic()
        ref = bench.start()
        took.append(time.monotonic() - began)
        worked.append(_ticks(bench.processes(ref)) / os.sysconf("SC_CLK_TCK"))
        bench.remove(ref)
        if min(worked) < 1.6 and min(took) < 3.2:
            return
    raise AssertionError(f"{worked} s of work, {took} s")


def lasting_programs(bench: Workbench, ref: str) -> set[tuple[int, str]]:
    """Of a desktop that is just up some programs come and go; these stay."""
    stay = {"bwrap", "Xorg", "openbox", "pulseaudio"}
    running = [psutil.Process(pid) for pid in bench.processes(ref) if psutil.pid_exists(pid)]
    found = {(each.pid, each.name()) for each in running if each.name() in stay}
    assert {name for _, name in found} == stay
    return found


def test_it_outlives_the_service(bench: Workbench) -> None:
    """The service is a process group that is killed whole, as a terminal or a supervisor would."""
    ref = "s" * 22
    script = (
        "import sys, time; from pathlib import Path\n"
        "from soundstage.testing.workbench import Workbench\n"
        "Workbench(Path(sys.argv[1]), Path(sys.argv[2])).start(sys.argv[3])\n"
        "print('up', flush=True); time.sleep(60)\n"
    )
    command = [sys.executable, "-c", script, str(bench.settings.home), str(STREAM_ENVIRONMENT), ref]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as service:
        assert service.stdout is not None
        assert service.stdout.readline() == b"up\n"
        supervisor, lasting = bench.supervisor(ref), lasting_programs(bench, ref)
        os.killpg(service.pid, signal.SIGKILL)
    assert bench.engine.observe(ref).phase is Phase.RUNNING
    assert lasting_programs(bench, ref) == lasting
    bench.engine.ensure_running(ref, bench.spec())
    assert bench.supervisor(ref) == supervisor


def test_it_dies_with_its_supervisor(bench: Workbench) -> None:
    ref = bench.start()
    processes = bench.processes(ref)
    assert len(processes) > 8
    os.kill(bench.supervisor(ref), signal.SIGKILL)
    observed = bench.wait(ref, Phase.STOPPED)
    assert "killed" in observed.detail
    assert [pid for pid in processes if _lives(pid)] == []


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_many_askers_make_one_sandbox(bench: Workbench) -> None:
    ref, spec = "m" * 22, bench.spec()
    # Each with an engine of its own, as several processes of the service would have.
    engines = [SandboxEngine(bench.settings) for _ in range(6)]
    threads = [threading.Thread(target=e.ensure_running, args=(ref, spec)) for e in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bench.wait(ref, Phase.RUNNING)
    supervisors = [
        path
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if b"supervisor.py" in _read(path)
        and str(bench.directory(ref)).encode() in _links(path.parent)
    ]
    assert len(supervisors) == 1


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _links(process: Path) -> bytes:
    try:
        return b"\n".join(os.fsencode(link.readlink()) for link in (process / "fd").iterdir())
    except OSError:
        return b""


@pytest.mark.parametrize("line", range(12))
def test_dying_at_any_step_of_a_start_does_no_harm(bench: Workbench, line: int) -> None:
    """The service is killed after so many file operations of a start; the next one goes on."""
    ref = f"{line:022d}"
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from soundstage.testing.workbench import Workbench\n"
        "bench = Workbench(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "bench.engine._expect_a_fit_machine()\n"
        "left = int(sys.argv[4])\n"
        "def count(event, args):\n"
        "    global left\n"
        "    if event in {'os.mkdir', 'os.rename', 'subprocess.Popen', 'fcntl.flock'}:\n"
        "        left -= 1\n"
        "        if left < 0: os.kill(os.getpid(), signal.SIGKILL)\n"
        "sys.addaudithook(count)\n"
        "bench.engine.ensure_running(sys.argv[3], bench.spec())\n"
    )
    home = str(bench.settings.home)
    command = [sys.executable, "-c", script, home, str(STREAM_ENVIRONMENT), ref, str(line)]
    assert subprocess.run(command, check=False).returncode in {0, -signal.SIGKILL}
    assert bench.engine.observe(ref).phase in {Phase.ABSENT, Phase.STARTING, Phase.RUNNING}
    assert bench.start(ref) == ref
    assert bench.engine.observe(ref).attempt == 0


def test_a_crash_of_the_stream_alone_is_mended_inside(bench: Workbench) -> None:
    ref = bench.start()
    (stream,) = [pid for pid in bench.processes(ref) if b"stream.py" in _read(_cmdline(pid))]
    address = bench.engine.observe(ref).address
    assert address is not None
    with a_pen(address) as pen:
        say(pen, b"pen,primary,stylus,100 100 500 1")
        began, busy = time.monotonic(), x_seconds(bench, ref)
        os.kill(stream, signal.SIGKILL)
        with contextlib.suppress(ConnectionResetError):
            assert pen.recv(64) == b""
    bench.wait(ref, Phase.STARTING, Phase.RUNNING)
    bench.wait(ref, Phase.RUNNING)
    deadline = time.monotonic() + 20
    while not [
        pid
        for pid in bench.processes(ref)
        if pid != stream and b"stream.py" in _read(_cmdline(pid))
    ]:
        assert time.monotonic() < deadline
    assert bench.engine.observe(ref).attempt == 0
    while True:
        with contextlib.suppress(OSError), a_pen(address):
            break
        assert time.monotonic() < deadline
    # Where a pen's writer hangs up, the X server turns in circles from then on.
    assert x_seconds(bench, ref) - busy < 0.4 * (time.monotonic() - began)


def a_pen(address: Address) -> socket.socket:
    """A page's connection for its pen. Raises OSError while nobody answers."""
    connection = open_place(address.place, address.name, timeout=10)
    connection.sendall(
        b"GET /api/pen HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        b"Sec-WebSocket-Version: 13\r\n\r\n"
    )
    heard = b""
    while not heard.endswith(b"\x81\x03pen"):
        piece = connection.recv(4096)
        assert piece, heard
        heard += piece
    return connection


def say(connection: socket.socket, text: bytes) -> None:
    connection.sendall(bytes((0x81, 0x80 | len(text))) + bytes(4) + text)


def x_seconds(bench: Workbench, ref: str) -> float:
    """Processor time of the desktop's X server."""
    (pid,) = [pid for pid in bench.processes(ref) if b"Xorg" in _read(_cmdline(pid))]
    used = psutil.Process(pid).cpu_times()
    return float(used.user + used.system)


def _cmdline(pid: int) -> Path:
    return Path(f"/proc/{pid}/cmdline")


def test_a_desktop_that_can_not_start_says_why(bench: Workbench) -> None:
    ref = "f" * 22
    bench.start(ref)
    bench.stop(ref)
    # The artist's own settings may be anything; a link to nowhere in place of the log's folder.
    state = bench.home(ref) / ".local/state/soundstage"
    (state / "desktop.log").unlink()
    state.rmdir()
    state.write_text("in the way")
    spec = bench.spec(attempt=1)
    bench.engine.ensure_running(ref, spec)
    observed = bench.wait(ref, Phase.FAILED)
    assert observed.attempt == 1
    assert "desktop did not start" in observed.detail
    bench.engine.ensure_running(ref, spec)
    assert bench.engine.observe(ref).phase is Phase.FAILED
    state.unlink()
    bench.made[ref] = spec
    bench.start(ref)


def test_a_message_is_seen_once_on_the_desktop(shared: Workbench, entered: str) -> None:
    text = 'It\'s <b>not</b> bold & "quoted".'

    def seen() -> list[tuple[str, str]]:
        """All that came, newest first; what is on the screen is put into the history first."""
        shared.inside(entered, "dunstctl", "close-all")
        _, told = shared.inside(entered, "dunstctl", "history")
        entries = json.loads(told)["data"][0]
        return [(entry["summary"]["data"], entry["body"]["data"]) for entry in entries]

    for key in ("a", "b"):
        for _ in range(2):
            shared.engine.show_message(entered, Message(key=key, title=f"Soon: {key}", text=text))
        deadline = time.monotonic() + 10
        while (f"Soon: {key}", text) not in seen():
            assert time.monotonic() < deadline, seen()
            time.sleep(0.05)
    assert [title for title, _ in seen()] == ["Soon: b", "Soon: a"]


def test_an_old_supervisor_is_not_signalled(shared: Workbench, entered: str) -> None:
    path = shared.directory(entered) / "status.json"
    written = path.read_text()
    status = json.loads(written)
    del status["takes_messages"]
    path.write_text(json.dumps(status))
    try:
        with pytest.raises(PermanentError, match="before it could"):
            shared.engine.show_message(entered, Message(key="old", title="Soon", text=""))
        assert shared.engine.observe(entered).phase is Phase.RUNNING
    finally:
        path.write_text(written)


def test_work_counts_as_use_and_streaming_does_not(shared: Workbench, entered: str) -> None:
    before = shared.engine.observe_use(entered).cpu_seconds
    for _ in range(200):
        shared.asked(entered, "/api/health")
    between = shared.engine.observe_use(entered).cpu_seconds
    assert between - before < 0.3
    loop = "import time\nwhile time.process_time() < 0.5: pass"
    assert shared.inside(entered, "python3", "-c", loop) == (0, "")
    assert shared.engine.observe_use(entered).cpu_seconds - between >= 0.45


def test_secrets_are_on_no_command_line(shared: Workbench, entered: str) -> None:
    shown = b"".join(_read(_cmdline(pid)) for pid in shared.processes(entered))
    assert shown
    assert b"opensesame" not in shown
    environments = [_read(Path(f"/proc/{pid}/environ")) for pid in shared.processes(entered)]
    assert any(b"SECRET=opensesame" in text for text in environments)
    assert b"SOUNDSTAGE_PLAN" not in environments[-1]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has uids to give")
def test_each_workstation_has_a_uid_of_its_own_that_is_given_again(bench: Workbench) -> None:
    first, second = bench.start(), bench.start()
    uids = [bench.home(ref).stat().st_uid for ref in (first, second)]
    lowest = bench.settings.lowest_uid
    assert uids == [lowest, lowest + 1]
    assert {bench.home(ref).stat().st_mode & 0o777 for ref in (first, second)} == {0o700}
    for ref in (first, second):
        block = bench.settings.block_of(bench.home(ref).stat().st_uid)
        # Programs of a desktop that is just up come and go.
        there = [Path(f"/proc/{pid}") for pid in bench.processes(ref)[1:]]
        owners = set()
        for process in there:
            with contextlib.suppress(FileNotFoundError):
                owners.add(process.stat().st_uid)
        # The sandbox itself is the workstation's root's, all of the desktop the artist's.
        assert owners == {bench.home(ref).stat().st_uid, block}
    bench.remove(first)
    third = bench.start()
    assert bench.home(third).stat().st_uid == lowest


@pytest.mark.skipif(os.geteuid() != 0, reason="control groups are root's on this machine")
def test_limits_bind_and_go_with_the_workstation(bench: Workbench) -> None:
    groups = bench.engine._groups
    assert groups.parents, groups.missing
    ref = bench.start()
    for path in groups.paths(ref):
        lists = [path / "cgroup.procs", *path.glob("*/cgroup.procs")]
        # Programs come and go; those that live before and after do so meanwhile.
        before = set(bench.processes(ref)[1:])
        members = {int(pid) for each in lists for pid in each.read_text().split()}
        assert before & set(bench.processes(ref)) <= members
        assert bench.supervisor(ref) not in members
    bench.stop(ref)
    assert [path for path in groups.paths(ref) if path.exists()] == []


def test_after_a_stop_nothing_is_left_but_the_disk(bench: Workbench) -> None:
    ref = bench.start()
    processes = bench.processes(ref)
    began = time.monotonic()
    bench.stop(ref)
    assert time.monotonic() - began < 10
    assert [pid for pid in processes if _lives(pid)] == []
    assert list((bench.directory(ref) / "stream").iterdir()) == []
    assert bench.home(ref).is_dir()


def test_an_unwatched_desktop_is_frugal(bench: Workbench) -> None:
    """At most 1.5 % of a core and 250 MB, all processes counted; measured over 10 s."""
    ref = bench.start()
    bench.asked(ref, "/api/health")
    _settle(bench, ref)
    processes = bench.processes(ref)
    before, began = _ticks(processes), time.monotonic()
    _pass_seconds(10)
    used = (_ticks(processes) - before) / os.sysconf("SC_CLK_TCK")
    percent = 100 * used / (time.monotonic() - began)
    megabytes = sum(map(_pss, processes)) / 1024
    assert _pss(processes[0]) < 10 * 1024
    assert megabytes <= 250
    assert percent <= 1.5


def _settle(bench: Workbench, ref: str) -> None:
    """Until a second passes in which nothing is drawn or set up any more."""
    deadline = time.monotonic() + 30
    while True:
        before = _ticks(bench.processes(ref))
        _pass_seconds(1)
        if _ticks(bench.processes(ref)) - before <= 3:
            return
        assert time.monotonic() < deadline


def _pass_seconds(seconds: float) -> None:
    """A measurement over time needs time; nothing is waited for."""
    threading.Event().wait(seconds)


def _ticks(processes: list[int]) -> int:
    total = 0
    for pid in processes:
        fields = _read(Path(f"/proc/{pid}/stat")).rsplit(b")", 1)[-1].split()
        total += int(fields[11]) + int(fields[12]) if fields else 0
    return total


def _pss(pid: int) -> int:
    rows = _read(Path(f"/proc/{pid}/smaps_rollup")).decode().splitlines()
    return sum(int(row.split()[1]) for row in rows if row.startswith("Pss:"))


def test_an_ordinary_user_can_run_it(home: Path) -> None:
    """Started, looked at and removed by a user without any right; root shows it what it needs."""
    script = (
        "import os, sys; from pathlib import Path\n"
        "from soundstage.testing.workbench import Workbench\n"
        "bench = Workbench(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "ref = bench.start_with_shell()\n"
        "print(os.geteuid(), bench.inside(ref, 'whoami')[1].strip())\n"
        "print({Path(f'/proc/{pid}').stat().st_uid for pid in bench.processes(ref)})\n"
        "print(bench.inside(ref, 'sh', '-c', 'grep -E ^CapEff /proc/self/status')[1].split()[1])\n"
        "print(bench.close())\n"
    )
    if os.geteuid() != 0:
        uid = os.geteuid()
        command = [sys.executable, "-c", script, str(home), str(STREAM_ENVIRONMENT)]
    else:
        uid = 4242
        command = _as_user(uid, home, script)
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    said = done.stdout.splitlines()
    assert said == [f"{uid} artist", f"{{{uid}}}", "0" * 16, "[]"], done.stderr


def _as_user(uid: int, home: Path, script: str) -> list[str]:
    """In a mount namespace of its own, where what lies below closed folders is shown openly."""
    shown = {
        "source": Path(__file__).parents[3] / "src",
        "packages": Path(pytest.__file__).parents[1],
        "python": Path(sys.base_prefix),
        "stream": STREAM_ENVIRONMENT,
    }
    mounts = []
    for name, source in shown.items():
        (home / name).mkdir()
        mounts.append(f"mount --bind '{source}' '{home / name}'")
    (home / "data").mkdir()
    os.chown(home / "data", uid, uid)
    python = f"{home}/python/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    become = f"setpriv --reuid {uid} --regid {uid} --clear-groups --inh-caps=-all --no-new-privs"
    path = f"PYTHONPATH={home}/source:{home}/packages PYTHONDONTWRITEBYTECODE=1"
    inner = " && ".join(
        [*mounts, f'exec {become} env -i PATH=/usr/bin:/bin {path} {python} -c "$0" "$@"']
    )
    return ["unshare", "-m", "sh", "-c", inner, script, f"{home}/data", f"{home}/stream"]


def test_it_tells_what_it_can(bench: Workbench) -> None:
    told = {capability.name: capability for capability in bench.engine.capabilities()}
    assert {"cpu-limit", "memory-limit", "process-limit", "isolation", "gpu"} <= set(told)
    assert told["isolation"].available
    assert not told["gpu"].available
    assert all(capability.detail for capability in told.values())


def test_an_unknown_image_is_refused(bench: Workbench) -> None:
    with pytest.raises(PermanentError, match="ami-host") as refused:
        bench.engine.ensure_running("i" * 22, bench.spec(image="ami-windows"))
    assert refused.value.reason is Reason.IMAGE
    assert bench.engine.refs() == set()


def test_the_setting_of_images_is_told_when_it_is_wrong(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, stream_environment=tmp_path, images={"film": "film"})
    with pytest.raises(ConfigError, match="SOUNDSTAGE_IMAGES: 'film' can't be an ec2ImageId"):
        make(settings, system_clock)


def test_without_sandboxes_only_on_loopback(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="SOUNDSTAGE_HOST"):
        SandboxEngine(
            SandboxSettings(
                home=tmp_path,
                stream_environment=STREAM_ENVIRONMENT,
                isolation="none",
                loopback_only=False,
            )
        )


def test_without_sandboxes_the_desktop_is_a_plain_process(home: Path) -> None:
    """On loopback and when asked for; closed as completely as one in a sandbox."""
    made = Workbench(home / "data", STREAM_ENVIRONMENT, isolation="none")
    told = {capability.name: capability for capability in made.engine.capabilities()}
    assert not told["isolation"].available
    ref = made.start()
    processes = made.processes(ref)
    assert len(processes) > 6
    namespaces = {Path(f"/proc/{pid}/ns/net").readlink() for pid in processes}
    assert namespaces == {Path("/proc/self/ns/net").readlink()}
    assert made.asked(ref, "/api/health")
    made.stop(ref)
    assert [pid for pid in processes if _lives(pid)] == []
    made.start(ref)
    assert made.close() == []


def test_the_disk_stays_while_it_is_used(bench: Workbench) -> None:
    ref = bench.start()
    with pytest.raises(RetryableError, match="RUNNING"):
        bench.engine.ensure_volume_absent(ref)
    with pytest.raises(RetryableError, match="RUNNING"):
        bench.engine.ensure_backup(ref, "b" * 22)
    bench.stop(ref)
    bench.engine.ensure_volume_absent(ref)
    assert not bench.home(ref).exists()


def test_another_process_s_status_is_believed_only_with_the_lock(bench: Workbench) -> None:
    ref = bench.start()
    path = bench.directory(ref) / "status.json"
    status = json.loads(path.read_text())
    bench.stop(ref)
    # As a machine that lost its power leaves it, with another process under the same pid by now.
    path.write_text(json.dumps({**status, "pid": os.getpid(), "inner_pid": os.getpid()}))
    observed = bench.engine.observe(ref)
    assert observed.phase is Phase.STOPPED
    bench.engine.ensure_stopped(ref)
    bench.engine.ensure_absent(ref)
    assert bench.engine.observe(ref).phase is Phase.ABSENT


def test_a_stop_lets_go_of_a_workstation_that_is_held_still(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing frozen can close its windows, or be killed."""
    held = threading.Event()

    def never_done(
        _: Repository, cancellation: Cancellation, *_given: object, **_more: object
    ) -> None:
        held.set()
        while True:
            cancellation.check()
            time.sleep(0.01)

    monkeypatch.setattr(Repository, "_save", never_done)
    ref, backup_id = bench.start(), "b" * 22
    deadline = time.monotonic() + 60
    while not held.is_set():
        assert time.monotonic() < deadline
        with contextlib.suppress(RetryableError):
            bench.engine.ensure_backup(ref, backup_id, live=True)
        time.sleep(0.1)
    assert bench.engine._stillness.is_held(ref)
    assert bench.engine.observe(ref).phase is Phase.RUNNING
    bench.stop(ref)
    assert bench.engine.observe(ref).phase is Phase.STOPPED
    assert not bench.engine._stillness.is_held(ref)
    assert bench.engine.observe_backup(ref, backup_id).phase is BackupPhase.ABSENT


def test_a_disk_that_is_copied_is_neither_used_nor_removed(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    copying = Copying(backup_id="b" * 22, is_live=False)
    monkeypatch.setattr(Repository, "copying", lambda *_: copying)
    ref, spec = "r" * 22, bench.spec()
    with pytest.raises(RetryableError, match="being copied"):
        bench.engine.ensure_running(ref, spec)
    with pytest.raises(RetryableError, match="being copied"):
        bench.engine.ensure_volume_absent(ref)
    monkeypatch.undo()
    assert bench.start(ref) == ref
