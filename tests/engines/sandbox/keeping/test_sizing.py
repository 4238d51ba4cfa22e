"""What workstations get of a host: limits that hold in real ones, places, and graphics cards."""

import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from soundstage.engines.admission import Holding, Promise, Rules, rules_of
from soundstage.engines.instance_types import GIB, Size, sizes_of
from soundstage.engines.interface import (
    Capability,
    PermanentError,
    Phase,
    Reason,
    RetryableError,
    Volume,
)
from soundstage.engines.sandbox.engine import SandboxEngine
from soundstage.engines.sandbox.host import cgroups
from soundstage.engines.sandbox.host.cgroups import Hierarchy
from soundstage.engines.sandbox.keeping.sizing import Sizing
from soundstage.engines.sandbox.settings import SandboxSettings
from soundstage.kit.config import Settings
from soundstage.testing.workbench import Workbench

STREAM_ENVIRONMENT = Path(__file__).parents[4] / ".venv-stream"
needs_groups = pytest.mark.skipif(
    os.geteuid() != 0, reason="control groups are root's on this machine"
)
# Two halves of a core and a GiB: small enough to fill, large enough for a desktop.
SMALL = {"g4dn.xlarge": Size(cpus=0.5, memory_gib=1, gpus=0)}
EATER = "pieces = []\nwhile True: pieces.append(b'x' * (1 << 24))"
BURNER = """
import os, time
pids = [os.fork() for _ in range(2)]
end = time.monotonic() + 2
while time.monotonic() < end: pass
if 0 not in pids:
    for pid in pids: os.waitpid(pid, 0)
    times = os.times()
    print(times.user + times.system + times.children_user + times.children_system)
"""
FORKER = """
import os, time
born = []
try:
    while len(born) < 300:
        pid = os.fork()
        if pid == 0: time.sleep(60)
        born.append(pid)
except BlockingIOError: pass
print(len(born))
for pid in born: os.kill(pid, 9)
"""


def bench_of(home: Path, **facts: object) -> Workbench:
    made = Workbench(home, STREAM_ENVIRONMENT)
    made.settings = msgspec.structs.replace(made.settings, **facts)
    made.engine = SandboxEngine(made.settings)
    return made


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    made = bench_of(tmp_path_factory.mktemp("small") / "data", sizes=SMALL, process_limit=100)
    yield made
    assert made.close() == []


@pytest.fixture(scope="module")
def entered(small: Workbench) -> str:
    return small.start_with_shell()


@pytest.fixture
def sizing(tmp_path: Path) -> Sizing:
    settings = SandboxSettings(home=tmp_path, stream_environment=STREAM_ENVIRONMENT, sizes=SMALL)
    nothing = Hierarchy(version=0, missing=dict.fromkeys(cgroups.CONTROLLERS, "there is none"))
    return Sizing(settings, nothing, as_root=True)


def members(bench: Workbench, ref: str, part: str) -> set[int]:
    groups = bench.engine._groups
    text = (groups.parents["cpu"] / ref / part / "cgroup.procs").read_text()
    return {int(pid) for pid in text.split()}


def pid_of(bench: Workbench, ref: str, name: str) -> int:
    (found,) = [
        pid for pid in bench.processes(ref) if Path(f"/proc/{pid}/comm").read_text().strip() == name
    ]
    return found


def until(is_so: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@needs_groups
def test_the_picture_and_the_programs_are_in_groups_of_their_own(
    small: Workbench, entered: str
) -> None:
    desktop = members(small, entered, cgroups.DESKTOP)
    for name in ("Xorg", "openbox", "pulseaudio", "tint2"):
        assert pid_of(small, entered, name) in desktop
    streams = [pid for pid in desktop if b"/stream.py" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert len(streams) == 1
    # What the artist's own start script began, and runs here.
    code, own = small.inside(entered, "cat", "/proc/self/cgroup")
    assert code == 0
    assert "programs" in own
    assert members(small, entered, "") == set()


@needs_groups
def test_what_the_menu_starts_is_moved_to_the_programs(small: Workbench, entered: str) -> None:
    """As a child of the window manager it begins among the desktop's."""
    small.inside(entered, "sh", "-c", "setsid sleep 61 >/dev/null 2>&1 &")
    until(lambda: any(_is(pid, "sleep\x0061") for pid in members(small, entered, "programs")))
    (pid,) = [p for p in members(small, entered, "programs") if _is(p, "sleep\x0061")]
    for parent in {small.engine._groups.parents[name] for name in ("cpu", "pids")}:
        (parent / entered / "desktop/cgroup.procs").write_text(str(pid))
    assert pid in members(small, entered, "desktop")
    until(lambda: pid in members(small, entered, "programs"))
    assert Path(f"/proc/{pid}/oom_score_adj").read_text() == "500\n"
    assert "programs" in Path(f"/proc/{pid}/cgroup").read_text()
    os.kill(pid, 9)


def _is(pid: int, words: str) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().startswith(words)
    except OSError:
        return False


@needs_groups
def test_a_program_that_eats_memory_dies_alone(small: Workbench, entered: str) -> None:
    neighbour = small.start()
    supervisors = {ref: small.supervisor(ref) for ref in (entered, neighbour)}
    servers = {ref: pid_of(small, ref, "Xorg") for ref in supervisors}
    code, _ = small.inside(entered, "python3", "-c", EATER)
    assert code in {-9, 137}
    for ref, server in servers.items():
        assert small.engine.observe(ref).phase is Phase.RUNNING
        assert small.supervisor(ref) == supervisors[ref]
        assert pid_of(small, ref, "Xorg") == server
    small.remove(neighbour)


@needs_groups
def test_a_busy_loop_is_held_at_its_share(small: Workbench, entered: str) -> None:
    """Three loops on half a core for two seconds: one second, and one period more at each end."""
    code, used = small.inside(entered, "python3", "-c", BURNER)
    assert code == 0, used
    assert float(used) < 1.5


@needs_groups
def test_forking_comes_to_an_end(small: Workbench, entered: str) -> None:
    code, born = small.inside(entered, "python3", "-c", FORKER)
    assert code == 0, born
    assert 50 < int(born) < 100
    assert small.engine.observe(entered).phase is Phase.RUNNING


def test_what_there_is_not_is_said(sizing: Sizing) -> None:
    told = sizing.shortfalls(
        ["g4dn.xlarge", "g5.16xlarge"],
        Capability(name="volume-size-limit", available=False, detail="No quota here."),
    )
    assert told[0].startswith("g5.16xlarge is 64 vCPUs, 256 GiB and 1 GPU; this host gives ")
    assert told[1].startswith("Workstations have no")
    assert "No quota here." in told
    assert any(sentence.startswith("A volume's iops and throughput") for sentence in told)


def test_a_heal_waits_where_a_new_one_is_refused(tmp_path: Path) -> None:
    rules = Rules(least_memory_bytes=1 << 60)
    settings = SandboxSettings(home=tmp_path, stream_environment=STREAM_ENVIRONMENT, rules=rules)
    sizing = Sizing(settings, Hierarchy(version=0), as_root=True)
    with pytest.raises(PermanentError, match=r"MiB are free") as refused:
        sizing.promise("g5.xlarge", {}, is_heal=False)
    assert refused.value.reason is Reason.CAPACITY
    with pytest.raises(RetryableError, match=r"MiB are free"):
        sizing.promise("g5.xlarge", {}, is_heal=True)


def test_a_heal_is_not_asked_what_was_promised(tmp_path: Path) -> None:
    settings = SandboxSettings(
        home=tmp_path,
        stream_environment=STREAM_ENVIRONMENT,
        rules=Rules(least_memory_bytes=0, least_disk_bytes=0, least_processes=0),
    )
    sizing = Sizing(settings, Hierarchy(version=0), as_root=True)
    full = {"o": Holding(promise=Promise(cpus=1e6, memory_bytes=1 << 60), is_starting=False)}
    with pytest.raises(PermanentError, match="promised to 1 workstation"):
        sizing.promise("g5.xlarge", full, is_heal=False)
    assert sizing.promise("g5.xlarge", full, is_heal=True).memory_bytes > 0


def test_the_room_adds_up(sizing: Sizing) -> None:
    held = {"a": Holding(promise=Promise(cpus=0.5, memory_bytes=GIB), is_starting=False)}
    room = sizing.room(held)
    assert (room.promised.cpus, room.promised.memory_bytes) == (0.5, GIB)
    assert room.types["g4dn.xlarge"].memory_bytes == GIB
    assert room.details["g4dn.xlarge"] == "g4dn.xlarge is 0.5 vCPUs, 1 GiB and no GPU, as asked"
    assert list(room.workstations) == ["a"]


def test_a_volume_without_wishes_is_not_limited(sizing: Sizing) -> None:
    promise = Promise(cpus=1, memory_bytes=GIB)
    assert sizing.limits(promise, Volume(iops=0, throughput_mib=0)).disk is None


def test_of_two_at_once_for_one_place_one_is_refused(tmp_path: Path) -> None:
    """Each with an engine of its own, as two services or a service and its successor are."""
    rules = Rules(cpu_overcommit=0.4)
    benches = [bench_of(tmp_path / "data", rules=rules, sizes=SMALL) for _ in range(2)]
    refs, refused = ["a" * 22, "b" * 22], []

    def start(bench: Workbench, ref: str) -> None:
        try:
            bench.engine.ensure_running(ref, bench.spec())
        except PermanentError as error:
            refused.append((error.reason, str(error)))

    threads = [
        threading.Thread(target=start, args=pair) for pair in zip(benches, refs, strict=True)
    ]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ((reason, message),) = refused
        assert reason is Reason.CAPACITY
        assert "It asks for 0.5 cores; of 0." in message
        assert "promised to 1 workstation. Stop one" in message
        assert len(benches[0].engine.refs()) == 1
    finally:
        for bench in benches:
            assert bench.close() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make device nodes")
def test_a_card_is_the_workstations_own(tmp_path: Path) -> None:
    """A made-up card (it swallows what is written to it, as /dev/null does), a real workstation."""
    (tmp_path / "dev").mkdir()
    for name, minor in (("nvidia0", 3), ("nvidiactl", 5)):
        os.mknod(tmp_path / "dev" / name, stat.S_IFCHR | 0o600, os.makedev(1, minor))
    made = {"g4dn.xlarge": Size(cpus=0.5, memory_gib=1, gpus=1)}
    bench = bench_of(tmp_path / "data", sizes=made, device_root=tmp_path)
    try:
        ref = bench.start_with_shell()
        script = "echo $CUDA_VISIBLE_DEVICES; ls /dev | grep nvidia; echo x > /dev/nvidia0 && id -u"
        assert bench.inside(ref, "sh", "-c", script) == (0, "0\nnvidia0\nnvidiactl\n1000\n")
        with pytest.raises(PermanentError, match="It asks for 1 GPU; of 1 0 are free"):
            bench.start()
        bench.stop(ref)
        second = bench.start()
        assert bench.engine.room().workstations[second].gpus == 1
        assert (tmp_path / "dev/nvidia0").stat().st_uid == 0
    finally:
        assert bench.close() == []


def test_the_settings_of_the_service_reach_the_rule(tmp_path: Path) -> None:
    settings = Settings(
        home=tmp_path,
        stream_environment=STREAM_ENVIRONMENT,
        cpu_overcommit=2,
        memory_overcommit=3,
        least_free_memory_mib=5,
        least_free_disk_gib=7,
        share_gpus=True,
        instance_types={"g5.xlarge": {"cpus": 3, "gpus": 0}},
    )
    assert rules_of(settings) == Rules(
        cpu_overcommit=2,
        memory_overcommit=3,
        least_memory_bytes=5 << 20,
        least_disk_bytes=7 * GIB,
        share_gpus=True,
    )
    assert sizes_of(settings) == {"g5.xlarge": Size(cpus=3, gpus=0)}
