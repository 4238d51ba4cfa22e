"""One artist tries to reach another's workstation, the service and the host; nothing may work.

Each attempt stands beside a control: the same probe on what it may reach, or from outside, works,
so that a probe that is itself broken does not pass for a wall.
"""

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from soundstage.testing.workbench import Workbench

STREAM_ENVIRONMENT = Path(__file__).parents[2] / ".venv-stream"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    made = Workbench(tmp_path_factory.mktemp("isolation"), STREAM_ENVIRONMENT)
    (made.settings.home / "soundstage.db").write_text("the database")
    (made.settings.home / "soundstage.db").chmod(0o644)
    yield made
    assert made.close() == []


@pytest.fixture(scope="module")
def mine(bench: Workbench) -> str:
    return bench.start_with_shell(name="mine")


@pytest.fixture(scope="module")
def theirs(bench: Workbench) -> str:
    ref = bench.start_with_shell(name="theirs")
    bench.lay_out(ref, "secret", "theirs")
    (bench.home(ref) / "secret").chmod(0o644)
    return ref


class Attempts:
    """What the artist of one workstation does there."""

    def __init__(self, bench: Workbench, ref: str) -> None:
        self.bench = bench
        self.ref = ref

    def succeeds(self, *words: str) -> bool:
        return self.bench.inside(self.ref, *words)[0] == 0

    def output(self, *words: str) -> str:
        code, output = self.bench.inside(self.ref, *words)
        assert code == 0, output
        return output

    def python(self, code: str) -> str:
        return self.output("/usr/bin/python3", "-c", code).strip()

    def processes(self) -> set[int]:
        """The numbers that it sees; where a host has run for a short time, others' are as low."""
        return {int(name) for name in self.output("ls", "/proc").split() if name.isdigit()}


@pytest.fixture(scope="module")
def me(bench: Workbench, mine: str, theirs: str) -> Attempts:
    assert mine != theirs
    return Attempts(bench, mine)


@pytest.fixture(scope="module")
def them(bench: Workbench, mine: str, theirs: str) -> Attempts:
    assert mine != theirs
    return Attempts(bench, theirs)


def test_credentials_are_as_small_as_can_be(me: Attempts) -> None:
    rows = dict(
        row.split(":", 1)
        for row in me.output("cat", "/proc/self/status").splitlines()
        if ":" in row
    )
    assert int(rows["CapEff"], 16) == 0
    assert int(rows["CapPrm"], 16) == 0
    assert int(rows["CapBnd"], 16) == 0
    assert int(rows["CapAmb"], 16) == 0
    assert rows["NoNewPrivs"].strip() == "1"
    assert rows["Seccomp"].strip() == "2"
    assert rows["Uid"].split() == ["1000"] * 4
    # The control: the same file of this process tells of other rights.
    assert "Seccomp:\t2" not in Path("/proc/self/status").read_text()


def test_files_of_another_can_not_be_named(
    bench: Workbench, me: Attempts, them: Attempts, theirs: str
) -> None:
    secret = bench.home(theirs) / "secret"
    assert secret.read_text() == "theirs"
    assert them.output("cat", "/home/artist/secret") == "theirs"
    assert not me.succeeds("cat", str(secret))
    assert not me.succeeds("cat", "/home/artist/secret")
    found = me.bench.inside(me.ref, "find", "/", "-xdev", "-name", "secret")[1]
    assert "secret" not in [Path(line).name for line in found.splitlines() if line.startswith("/")]


def test_temporary_files_are_apart(me: Attempts, them: Attempts) -> None:
    for folder in ("/tmp", "/var/tmp", "/dev/shm", "/run/user/1000"):
        them.output("touch", f"{folder}/theirs")
        assert them.succeeds("test", "-e", f"{folder}/theirs")
        assert not me.succeeds("test", "-e", f"{folder}/theirs")


def test_processes_of_others_are_not_seen_nor_signalled(
    bench: Workbench, me: Attempts, theirs: str
) -> None:
    seen = me.processes()
    assert len(seen) > 5
    assert "supervisor.py" not in me.output("sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    assert max(seen) < 1000
    victim = max({*bench.processes(theirs)} - seen)
    os.kill(victim, 0)
    assert not me.succeeds("kill", "-0", str(victim))
    assert me.succeeds("sh", "-c", "kill -0 $$")


def test_the_x_display_of_another_is_not_reached(
    bench: Workbench, me: Attempts, them: Attempts, theirs: str
) -> None:
    root = Path(f"/proc/{bench.processes(theirs)[-1]}/root")
    theirs_file = root / "tmp/.X11-unix/X0"
    assert theirs_file.is_socket()
    assert "windows" in them.output(
        "sh", "-c", "xprop -root _NET_SUPPORTING_WM_CHECK && echo windows"
    )
    them.output("xprop", "-root", "-f", "MARK", "8s", "-set", "MARK", "theirs")
    assert "theirs" in them.output("xprop", "-root", "MARK")
    # Both are called :0, so what is reached under that name must be one's own.
    for display in (":0", "unix:/tmp/.X11-unix/X0"):
        assert (
            "theirs" not in bench.inside(me.ref, "xprop", "-display", display, "-root", "MARK")[1]
        )
    for display in (":1", ":2", "localhost:0"):
        assert not me.succeeds("xprop", "-display", display, "-root", "MARK")


def test_abstract_sockets_of_others_are_not_reached(me: Attempts) -> None:
    name = f"\0soundstage-test-{os.getpid()}"
    connect = (
        "import socket; s = socket.socket(socket.AF_UNIX)\n"
        "try: s.connect({!r}); print('reached')\n"
        "except OSError as error: print(type(error).__name__)"
    )
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        server.listen()
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(name)
        assert me.python(connect.format(name)) == "ConnectionRefusedError"
    assert me.python(connect.format("\0/tmp/.X11-unix/X0")) == "reached"


def test_stream_sockets_of_others_are_not_reached(
    bench: Workbench, me: Attempts, theirs: str
) -> None:
    place = bench.directory(theirs) / "stream"
    assert (place / "s.sock").is_socket()
    connect = (
        "import socket; s = socket.socket(socket.AF_UNIX)\n"
        "try: s.connect({!r}); print('reached')\n"
        "except OSError as error: print(type(error).__name__)"
    )
    assert me.python(connect.format("/run/stream/s.sock")) == "reached"
    for name in ("s.sock", "pen.sock", "eraser.sock"):
        assert me.python(connect.format(str(place / name))) == "FileNotFoundError"
    assert sorted(me.output("ls", "/run/stream").split()) == sorted(
        path.name for path in (bench.directory(me.ref) / "stream").iterdir()
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives workstations users of their own")
def test_even_outside_the_walls_the_users_are_apart(
    bench: Workbench, mine: str, theirs: str
) -> None:
    """Should a sandbox break, the host's own rights still stand between its user and the rest."""
    places = {
        "home": bench.home(theirs) / "secret",
        "socket": bench.directory(theirs) / "stream" / "s.sock",
        "record": bench.directory(theirs) / "record.json",
        "own record": bench.directory(mine) / "record.json",
    }
    victim = bench.processes(theirs)[-1]
    pid = os.fork()
    if pid == 0:
        uid = bench.home(mine).stat().st_uid
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        reached = [name for name, place in places.items() if os.access(place, os.F_OK)]
        try:
            os.kill(victim, 0)
            reached.append("process")
        except PermissionError:
            pass
        os._exit(len(reached))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert all(place.exists() for place in places.values())


def test_sound_of_another_is_not_heard(me: Attempts, them: Attempts) -> None:
    def cookieless(attempts: Attempts, server: str) -> bool:
        code = f"import socket; socket.socket(socket.AF_UNIX).connect({server!r})"
        return attempts.succeeds("/usr/bin/python3", "-c", code)

    own = "/run/user/1000/pulse/native"
    assert cookieless(me, own)
    assert cookieless(them, own)
    inode = "/usr/bin/stat -c %i " + own
    assert me.output("sh", "-c", inode) != ""
    namespaces = ("ipc", "mnt", "net", "pid", "user", "uts", "cgroup")
    for name in namespaces:
        link = f"/proc/self/ns/{name}"
        assert me.output("readlink", link) != them.output("readlink", link), name
        assert me.output("readlink", link).strip() != str(Path(link).readlink()), name


def test_the_service_s_own_files_can_not_be_named(bench: Workbench, me: Attempts) -> None:
    database = bench.settings.home / "soundstage.db"
    assert database.read_text() == "the database"
    assert not me.succeeds("cat", str(database))
    assert not me.succeeds("ls", str(bench.settings.home))
    for place in (bench.settings.workstations, bench.settings.home / "volumes"):
        assert place.is_dir()
        assert not me.succeeds("ls", str(place))
    environment = me.output("sh", "-c", "cat /proc/[0-9]*/environ | tr '\\0' '\\n'")
    assert "HOME=/home/artist" in environment
    assert str(bench.settings.home) not in environment


def test_the_mount_table_tells_nothing_that_opens(bench: Workbench, me: Attempts) -> None:
    """Sources of mounts are told by the kernel; nothing of them can be opened."""
    rows = me.output("cat", "/proc/self/mountinfo").splitlines()
    assert any(" /home/artist " in row for row in rows)
    for row in rows:
        source = row.split()[3]
        if str(bench.settings.home) in source:
            assert not me.succeeds("ls", source)


def test_ports_on_the_host_s_loopback_are_not_reached(me: Attempts) -> None:
    connect = (
        "import socket\n"
        "try: socket.create_connection(({!r}, {}), 2); print('reached')\n"
        "except OSError as error: print(type(error).__name__)"
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        socket.create_connection(("127.0.0.1", port)).close()
        for address in ("127.0.0.1", "localhost", "::1"):
            assert me.python(connect.format(address, port)) != "reached"
    control = (
        "import socket; s = socket.create_server(('127.0.0.1', 0));"
        "socket.create_connection(s.getsockname()); print('reached')"
    )
    assert me.python(control) == "reached"


def test_the_host_s_people_and_secrets_are_not_shown(me: Attempts) -> None:
    for place in ("/etc/shadow", "/etc/sudoers", "/root", "/etc/ssh", "/var/log", "/srv", "/mnt"):
        assert not me.succeeds("ls", place), place
    assert me.succeeds("ls", "/usr/bin")
    users = [row.split(":")[0] for row in me.output("cat", "/etc/passwd").splitlines()]
    assert users == ["root", "artist", "nobody"]
    assert me.output("hostname") == "mine\n"
    assert (
        me.output("cat", "/etc/machine-id").strip() != Path("/etc/machine-id").read_text().strip()
    )


def test_what_is_shown_of_the_host_can_not_be_changed(me: Attempts) -> None:
    for place in (
        "/usr/bin/x",
        "/etc/x",
        "/x",
        "/opt/stream/x",
        "/opt/soundstage/x",
        "/var/cache/fontconfig/x",
    ):
        assert not me.succeeds("touch", place), place
    assert me.succeeds("touch", "/home/artist/x")


@pytest.mark.parametrize(
    "words",
    [
        ("mount", "-t", "tmpfs", "none", "/tmp"),
        ("unshare", "-Urm", "mount", "-t", "tmpfs", "none", "/tmp"),
        ("umount", "/home/artist"),
        ("unshare", "-Urm", "umount", "/etc/passwd"),
        ("mknod", "/tmp/disk", "b", "8", "0"),
        ("/usr/sbin/chroot", "/usr", "/bin/true"),
    ],
)
def test_mounts_and_devices_are_not_to_be_had(me: Attempts, words: tuple[str, ...]) -> None:
    assert not me.succeeds(*words)
    # The control: the programs are there, and nested namespaces by themselves are allowed.
    assert me.succeeds("which", words[0])
    assert me.succeeds("unshare", "-Ur", "/bin/true")


def test_other_namespaces_can_not_be_entered(me: Attempts) -> None:
    code = (
        "import ctypes, os; c = ctypes.CDLL(None, use_errno=True)\n"
        "f = os.open('/proc/self/ns/uts', os.O_RDONLY); print(c.setns(f, 0), ctypes.get_errno())"
    )
    assert me.python(code) == "-1 1"
    assert not me.succeeds("nsenter", "-t", "1", "-m", "/bin/true")


def test_nothing_outside_can_be_traced(bench: Workbench, me: Attempts, theirs: str) -> None:
    outside = {*bench.processes(theirs), bench.supervisor(me.ref), os.getpid()}
    # Of those whose number nothing inside has, or gets for this question.
    strangers = {pid for pid in outside if pid > max(me.processes()) + 20}
    assert strangers
    code = (
        "import ctypes; c = ctypes.CDLL(None, use_errno=True)\n"
        f"print({{(c.ptrace(16, pid, 0, 0), ctypes.get_errno()) for pid in {strangers}}})"
    )
    no_such_process = 3
    assert me.python(code) == f"{{(-1, {no_such_process})}}"
    own = (
        "import ctypes, os, time; c = ctypes.CDLL(None, use_errno=True)\n"
        "pid = os.fork()\n"
        "if not pid: time.sleep(5); os._exit(0)\n"
        "print(c.ptrace(16, pid, 0, 0)); os.kill(pid, 9)"
    )
    assert me.python(own) == "0"


def test_links_in_place_of_the_socket_lead_nowhere(
    bench: Workbench, me: Attempts, theirs: str
) -> None:
    """The artist owns the folder of the stream socket; the service may follow nothing put there."""
    target = bench.directory(theirs) / "stream" / "s.sock"
    folder = bench.directory(me.ref) / "stream"
    swap = f"cd /run/stream && mv s.sock kept.sock && ln -s {target} s.sock"
    me.output("sh", "-c", swap)
    try:
        assert (folder / "s.sock").is_socket()
        assert bench.engine.observe(me.ref).address is None
    finally:
        (folder / "s.sock").unlink()
        (folder / "kept.sock").rename(folder / "s.sock")
    assert bench.engine.observe(me.ref).address is not None


def test_the_stream_server_obeys_the_clipboard_policy(bench: Workbench) -> None:
    ref = bench.start(clipboard=False)
    lines = [Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") for pid in bench.processes(ref)]
    (stream,) = [line for line in lines if b"/opt/soundstage/stream.py" in line]
    assert b"--enable-clipboard=false" in stream
    assert b"--file-transfers=none" in stream
    assert b"--command-enabled=false" in stream
    assert json.loads(bench.asked(ref, "/api/status"))
