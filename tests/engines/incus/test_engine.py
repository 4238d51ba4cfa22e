"""A workstation on a real Incus: what it may reach, who may reach it, and what it outlives."""

import re
import secrets
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.conftest import Eventually
from tests.engines.incus.conftest import SUBNET, asks_nobody, remove, run

from soundstage.engines.incus.engine import IncusEngine
from soundstage.engines.incus.names import instance_of
from soundstage.engines.incus.records import STREAM_PORT
from soundstage.engines.incus.settings import IncusSettings
from soundstage.engines.interface import (
    Message,
    Observed,
    Phase,
    RetryableError,
    Script,
    Spec,
    Transfers,
    Volume,
)
from soundstage.kit.places import TlsHost, open_place
from soundstage.testing.incus import IncusDaemon

pytestmark = [pytest.mark.incus, pytest.mark.timeout(300)]
SECRET = "opensesame-" + secrets.token_hex(8)
SPEC = Spec(
    image="ami-host",
    instance_type="g4dn.xlarge",
    name="lighthouse",
    volume=Volume(size_gib=1),
    attempt=1,
    transfers=Transfers(upload_to="$HOME/Uploads"),
    environment={"TOKEN": SECRET},
    scripts=[Script(component="Tools", as_root=True, text=f"echo {SECRET} >/dev/null")],
)


class Stage:
    """One workstation that runs, and an engine to ask."""

    def __init__(self, engine: IncusEngine, daemon: IncusDaemon) -> None:
        self.engine = engine
        self.daemon = daemon
        self.ref = secrets.token_hex(11)
        self.name = instance_of(self.ref)

    def inside(self, command: str, instance: str | None = None) -> tuple[int, str]:
        done = self.engine._client.run(instance or self.name, "bash", "-c", command, seconds=60)
        return done.code, (done.output + done.errors).decode()

    def observed(self) -> Observed:
        return self.engine.observe(self.ref)

    def place(self) -> TlsHost:
        address = self.observed().address
        assert address is not None
        assert isinstance(address.place, TlsHost)
        return address.place


@pytest.fixture(scope="module")
def stage(incus_daemon: IncusDaemon) -> Iterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="soundstage-test-", dir="/tmp") as home:
        settings = IncusSettings(
            home=Path(home),
            target=incus_daemon.target,
            images={"ami-host": "workstation"},
            subnet=SUBNET,
        )
        engine = IncusEngine(settings)
        made = Stage(engine, incus_daemon)
        assert run(engine, made.ref, SPEC).phase is Phase.RUNNING, made.observed().detail
        yield made
        remove(engine, made.ref)
        engine.close()


def test_it_has_the_size_and_the_name_that_were_asked_for(stage: Stage) -> None:
    found = stage.engine._workstations.read(stage.ref)
    assert found is not None
    promise = found.record.promise
    assert promise is not None
    assert stage.inside("hostname") == (0, "lighthouse\n")
    _, memory = stage.inside("grep MemTotal /proc/meminfo")
    assert int(memory.split()[1]) * 1024 == pytest.approx(promise.memory_bytes, rel=0.01)
    group = "cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null"
    assert stage.inside(group)[1].strip() == "4096"
    # Of swap as much again; the older kind of control groups counts both together.
    swap = "cat /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes /sys/fs/cgroup/memory.swap.max"
    given = int(stage.inside(f"{swap} 2>/dev/null")[1].split()[0])
    megabytes = promise.memory_bytes // 2**20 * 2**20
    assert given in {megabytes, 2 * megabytes}
    stage.daemon.count_anew()
    assert stage.inside("dd if=/dev/zero of=/home/artist/big bs=1M count=1500")[0] != 0
    stage.inside("rm -f /home/artist/big")


def test_its_disk_gives_so_many_bytes_and_so_many_operations_in_a_second(stage: Stage) -> None:
    limits = "cat /sys/fs/cgroup/blkio/blkio.throttle.{read,write}_{bps,iops}_device"
    _, said = stage.inside(f"{limits} /sys/fs/cgroup/io.max 2>/dev/null")
    volume = SPEC.volume
    bytes_per_second = volume.throughput_mib * 1024**2
    # For reading and for writing.
    assert len(re.findall(rf"\b{bytes_per_second}\b", said)) == 2
    assert len(re.findall(rf"\b{volume.iops}\b", said)) == 2


def test_its_root_is_nobody_on_the_host(stage: Stage) -> None:
    state = stage.engine._client.get(f"/instances/{stage.name}/state")
    lines = Path(f"/proc/{state['pid']}/uid_map").read_text().split()
    assert int(lines[1]) >= 1_000_000
    assert stage.inside("test -e /dev/incus/sock")[0] != 0


def test_secrets_are_on_no_disk_and_in_no_record(stage: Stage) -> None:
    instance = stage.engine._client.get(f"/instances/{stage.name}")
    assert SECRET not in str(instance)
    found = stage.inside(f"grep -rlsI {SECRET} /etc /opt/soundstage /root /run /var /tmp /home")
    assert found == (1, "")


def test_nobody_else_reaches_its_stream(stage: Stage) -> None:
    place = stage.place()
    with open_place(place, "s.sock", stage.engine._identity) as connection:
        connection.sendall(b"GET /api/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert connection.recv(64).startswith(b"HTTP/1.1 200")
    with pytest.raises(OSError), open_place(place, "s.sock") as connection:  # noqa: PT012 -- the kernel says it in several ways.
        if not connection.recv(16):
            raise ConnectionResetError
    neighbour = stage.engine._client
    body = {
        "name": "neighbour",
        "source": {"type": "image", "alias": "workstation"},
        "devices": neighbour.get(f"/instances/{stage.name}")["devices"],
        "profiles": [],
        "start": True,
    }
    body["devices"].pop("home")
    neighbour.do("POST", "/instances", body)
    try:
        # Its own address has come when it can look its neighbours up.
        waits = "until ip -4 -o addr show eth0 | grep -q inet; do sleep 0.1; done"
        assert stage.inside(f"timeout 20 bash -c '{waits}'", "neighbour")[0] == 0
        reach = f"timeout 3 bash -c '</dev/tcp/{place.host}/{STREAM_PORT}'"
        assert stage.inside(reach, "neighbour")[0] != 0
        assert stage.inside(reach)[0] == 0
    finally:
        stop = {"action": "stop", "force": True, "timeout": 0}
        neighbour.do("PUT", "/instances/neighbour/state", stop)
        neighbour.ensure_absent("/instances/neighbour")


def test_it_reaches_nothing_of_its_host(stage: Stage) -> None:
    addresses = [
        each.address
        for name, of_one in psutil.net_if_addrs().items()
        for each in of_one
        if each.family is socket.AF_INET and name != "lo"
    ]
    assert SUBNET.split("/", maxsplit=1)[0] in addresses
    with socket.create_server(("0.0.0.0", 0)) as listener:  # noqa: S104 -- as a service does that is reached from outside.
        port = listener.getsockname()[1]
        for address in addresses:
            reach = f"timeout 3 bash -c '</dev/tcp/{address}/{port}'"
            assert stage.inside(reach)[0] != 0, address


def test_it_reaches_neither_incus_nor_the_service_s_data(stage: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    own = SUBNET.split("/", maxsplit=1)[0]
    stage.daemon.incus("config", "set", f"core.https_address=0.0.0.0:{port}")
    try:
        for address in ("127.0.0.1", own):
            with socket.create_connection((address, port), timeout=5):
                pass
            reach = f"timeout 3 bash -c '</dev/tcp/{address}/{port}'"
            assert stage.inside(reach)[0] != 0, address
    finally:
        stage.daemon.incus("config", "unset", "core.https_address")
    for path in (stage.daemon.directory, stage.daemon.socket, stage.engine._settings.home):
        assert path.exists()
        assert stage.inside(f"test -e {path}")[0] != 0, path
    # Nor does a disk of the host's come up under its own name.
    assert stage.inside("find /dev -type b | grep . || mknod /root/disk b 7 0")[0] != 0


@asks_nobody
def test_it_outlives_incus_itself(stage: Stage, eventually: Eventually) -> None:
    before = stage.observed()
    stage.daemon.kill_daemon()
    with pytest.raises(RetryableError, match="does not answer"):
        stage.observed()
    with open_place(before.address.place, "s.sock", stage.engine._identity):  # type: ignore[union-attr]  # It runs.
        pass
    stage.daemon.start_daemon()
    eventually(lambda: stage.observed().phase is Phase.RUNNING)
    after = stage.observed()
    assert (after.address, after.attempt) == (before.address, before.attempt)
    # The stream of events was cut, and has come back.
    stage.engine.show_message(stage.ref, Message(key="k", title="t", text="x"))
