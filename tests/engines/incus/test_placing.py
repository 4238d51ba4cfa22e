"""Workstations on three hosts: where they go, how they are reached, and what a dead host does."""

import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.conftest import Eventually
from tests.engines.incus.conftest import SUBNET, remove, run, run_all, stop

from soundstage.engines.admission import Holding, Host, Promise, Rules
from soundstage.engines.images.store import Build
from soundstage.engines.incus import placing
from soundstage.engines.incus.engine import IncusEngine
from soundstage.engines.incus.place import Place
from soundstage.engines.incus.placing import Candidate
from soundstage.engines.incus.reach import PATIENCE
from soundstage.engines.incus.settings import IncusSettings
from soundstage.engines.incus.sizing import Sizing
from soundstage.engines.instance_types import GIB, share_for
from soundstage.engines.interface import (
    BackupPhase,
    OutOfReachError,
    PermanentError,
    Phase,
    Reason,
    RetryableError,
    Spec,
    Volume,
)
from soundstage.kit import pinned
from soundstage.kit.clock import system_clock
from soundstage.kit.places import TlsHost, open_place
from soundstage.testing.incus import IncusDaemon
from soundstage.testing.incus_cluster import SILENT_SECONDS, Cluster, Member, running_cluster
from soundstage.testing.world import PERSISTENT, World
from soundstage.wiring.service import Service

TYPE = "g4dn.xlarge"
NETWORK = IPv4Interface("10.78.0.1/28")
TOLD_WITHIN = SILENT_SECONDS + 10
"""A host that does not answer is told as such within 30 s: of these Incus itself takes 20, if
nobody asks it to be quicker, as this cluster does. A look that begins just before takes `PATIENCE`.
"""
HOST = Host(
    cpus=8,
    memory_bytes=32 * GIB,
    memory_available=16 * GIB,
    disk_free=100 * GIB,
    processes_free=10_000,
)
SHARE = share_for(TYPE, host_cpus=8, host_memory_bytes=32 * GIB)


def candidate(name: str, held: int = 0, host: Host | None = HOST) -> Candidate:
    promise = Promise(cpus=SHARE.cpus, memory_bytes=SHARE.memory_bytes)
    others = {str(n): Holding(promise=promise, is_starting=False) for n in range(held)}
    why = "" if host else "it is offline: no heartbeat."
    return Candidate(name=name, host=host, share=SHARE, others=others, why_not=why)


def test_the_host_with_the_most_room_is_chosen_and_the_reason_is_said() -> None:
    name, why = placing.choose(TYPE, [candidate("a", 2), candidate("b", 1)], Rules())
    assert name == "b"
    assert why.startswith("on b, with the most room of 2 hosts: ")
    # One that was added is empty, and so is next.
    more = [candidate("a", 2), candidate("b", 1), candidate("c")]
    assert placing.choose(TYPE, more, Rules())[0] == "c"


def test_a_host_that_does_not_answer_or_is_full_is_passed_over() -> None:
    small = msgspec.structs.replace(HOST, memory_available=0)
    hosts = [candidate("a", host=None), candidate("b", host=small), candidate("c", 3)]
    name, why = placing.choose(TYPE, hosts, Rules())
    assert (name, "the only host with room" in why) == ("c", True)
    with pytest.raises(PermanentError, match=r"No host has room .* a: it is offline.* b: ") as full:
        placing.choose(TYPE, hosts[:2], Rules())
    assert full.value.reason is Reason.CAPACITY


def test_each_has_an_address_and_ports_of_its_own_on_its_host() -> None:
    taken: list[str] = []
    for number in range(10, 15):
        seat = placing.seat("a", "", NETWORK, taken)
        assert seat.address == f"10.78.0.{number}"
        assert placing.ports(seat, NETWORK) == (20_000 + 2 * number, 20_001 + 2 * number)
        taken.append(seat.address)
    with pytest.raises(PermanentError, match="no address left"):
        placing.seat("a", "", NETWORK, taken)
    door = placing.doors(placing.seat("b", "", NETWORK, []), NETWORK, "192.0.2.9")["door0"]
    assert (door["listen"], door["connect"]) == ("tcp:192.0.2.9:20020", "tcp:10.78.0.10:8443")


# -- on three real members ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster(incus_daemon: IncusDaemon, workstation_image: Build) -> Iterator[Cluster]:
    with running_cluster(incus_daemon, workstation_image.directory) as made:
        yield made


@pytest.fixture(scope="module")
def service_home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="soundstage-test-", dir="/tmp") as home:
        yield Path(home)


@pytest.fixture(scope="module")
def settings(cluster: Cluster, service_home: Path) -> IncusSettings:
    return IncusSettings(
        home=service_home,
        target=cluster.target,
        images={"ami-host": "workstation"},
        subnet=SUBNET,
        rules=Rules(least_disk_bytes=GIB),
    )


@pytest.fixture(scope="module")
def engine(settings: IncusSettings) -> Iterator[IncusEngine]:
    made = IncusEngine(settings)
    yield made
    made.close()


def spec(attempt: int = 1, **volume: object) -> Spec:
    return Spec(
        image="ami-host",
        instance_type=TYPE,
        attempt=attempt,
        volume=Volume(size_gib=1, **volume),  # type: ignore[arg-type]  # Of a test's own making.
    )


def host_of(engine: IncusEngine, ref: str) -> str:
    address = engine.observe(ref).address
    assert address is not None
    assert isinstance(address.place, TlsHost)
    return address.place.host


@pytest.mark.incus
@pytest.mark.timeout(900)
def test_workstations_are_spread_and_a_dead_host_takes_only_its_own(
    engine: IncusEngine, cluster: Cluster, eventually: Eventually
) -> None:
    refs = [secrets.token_hex(11) for _ in range(3)]
    for observed in run_all(engine, dict.fromkeys(refs, spec()), seconds=360).values():
        assert observed.phase is Phase.RUNNING, observed.detail
    hosts = {host_of(engine, ref): ref for ref in refs}
    assert set(hosts) == {member.address for member in cluster.members}
    assert set(engine.room().workstations) == set(refs)

    # A backup of one on another member than the one that is asked, and back from it.
    dead = cluster.members[1]
    far = hosts[dead.address]
    stop(engine, far)
    backup_id = secrets.token_hex(11)

    def back_up() -> bool:
        with suppress(RetryableError):
            engine.ensure_backup(far, backup_id)
        return engine.observe_backup(far, backup_id).phase is BackupPhase.COMPLETE

    eventually(back_up, seconds=90)
    again = run(engine, far, spec(2, generation=1, backup_id=backup_id), seconds=120)
    assert again.phase is Phase.RUNNING, again.detail
    assert host_of(engine, far) == dead.address

    lost = hosts.pop(dead.address)
    with dead.killed():
        began = time.monotonic()
        with pytest.raises(RetryableError, match="The host n2 of the workstation does not answer"):
            engine.observe(lost)
        assert time.monotonic() - began < TOLD_WITHIN
        for ref in hosts.values():
            assert engine.observe(ref).phase is Phase.RUNNING
        # Brought up elsewhere, under another name, from the backup of what the host has.
        another = secrets.token_hex(11)
        volume = {"generation": 2, "backup_id": backup_id, "backup_of": lost}
        observed = run(engine, another, spec(3, **volume), seconds=120)
        assert observed.phase is Phase.RUNNING, observed.detail
        assert host_of(engine, another) != dead.address
    # It ran on, and is ended as soon as its host can be reached.
    eventually(lambda: engine.observe(lost).phase is Phase.RUNNING, seconds=90)
    stop(engine, lost)
    assert engine.observe(lost).volume_generation == 1
    assert engine.observe(another).phase is Phase.RUNNING
    remove(engine, *refs, another)


@pytest.mark.incus
@pytest.mark.timeout(900)
def test_a_host_that_joins_takes_load_at_once_unless_it_is_full_or_cut_off(
    engine: IncusEngine, settings: IncusSettings, cluster: Cluster, eventually: Eventually
) -> None:
    ref = secrets.token_hex(11)
    with pytest.raises(PermanentError, match="ami-none is not known here") as missing:
        engine.ensure_running(ref, msgspec.structs.replace(spec(), image="ami-none"))
    assert missing.value.reason is Reason.IMAGE

    added = cluster.add()
    with added.client() as client, added.full():
        place = Place(client, settings)
        seat = Sizing(settings, place).seat(TYPE, place.members(), [], time.time())
        assert seat.member != added.name
        rules = Rules(least_disk_bytes=64 * GIB)
        nowhere = Sizing(msgspec.structs.replace(settings, rules=rules), place)
        with pytest.raises(PermanentError, match=r"n4: .* GiB of disk to begin with") as full:
            nowhere.seat(TYPE, place.members(), [], time.time())
        assert full.value.reason is Reason.CAPACITY

    engine.ensure_running(ref, spec())
    # It is closed by the time at which anything is begun there.
    with added.client("default") as client:
        rules_of_all = client.get("/network-acls/soundstage")["egress"]
    assert any(added.address in each.get("destination", "") for each in rules_of_all)
    observed = run(engine, ref, spec(), seconds=120)
    assert observed.phase is Phase.RUNNING, observed.detail
    assert host_of(engine, ref) == added.address

    with added.cut():
        began = time.monotonic()
        eventually(lambda: is_out_of_reach(engine, ref, added), seconds=30)
        assert time.monotonic() - began < TOLD_WITHIN
        # Whoever looks from then on waits for nothing.
        began = time.monotonic()
        assert all(is_out_of_reach(engine, ref, added) for _ in range(3))
        assert time.monotonic() - began < PATIENCE
    eventually(lambda: engine.observe(ref).phase is Phase.RUNNING, seconds=60)
    remove(engine, ref)


def is_out_of_reach(engine: IncusEngine, ref: str, member: Member) -> bool:
    try:
        engine.observe(ref)
    except OutOfReachError as error:
        return f"The host {member.name} of the workstation does not answer" in str(error)
    return False


class OnCluster(World):
    """A whole service over the cluster, in the machine's own time."""

    def __init__(self, home: Path, engine: IncusEngine) -> None:
        self.incus = engine
        super().__init__(home)
        self.studio_id: str = self.studio()["studioId"]

    def _start(self) -> Service:
        self.clock = system_clock  # type: ignore[assignment]  # What runs there knows no other time.
        service = Service(self.settings, clock=system_clock, engine=self.incus)
        service.prepare()
        return service

    def call(self, operation: str, session: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.operator.call(
            operation, studioId=self.studio_id, sessionId=session["sessionId"]
        )["session"]
        return found

    def launch(self, eventually: Eventually, *profiles: dict[str, Any]) -> list[dict[str, Any]]:
        """Launch one of each, beside each other."""
        sessions = [
            self.operator.call(
                "CreateStreamingSession",
                studioId=self.studio_id,
                launchProfileId=profile["launchProfileId"],
            )["session"]
            for profile in profiles
        ]
        return [self.until(eventually, session, "READY") for session in sessions]

    def until(self, eventually: Eventually, session: dict[str, Any], state: str) -> dict[str, Any]:
        def is_there() -> bool:
            self.settle()
            return bool(self.call("GetStreamingSession", session)["state"] == state)

        eventually(is_there, seconds=240)
        return self.call("GetStreamingSession", session)

    def hosts(self) -> dict[str, dict[str, Any]]:
        return {each["hostName"]: each for each in self.operator.call("ListHosts")["hosts"]}

    def host_of(self, session: dict[str, Any]) -> str:
        return next(
            name
            for name, host in self.hosts().items()
            if session["sessionId"] in {each["sessionId"] for each in host["sessions"]}
        )


@pytest.mark.incus
@pytest.mark.timeout(900)
def test_a_member_is_evacuated_and_used_again(
    engine: IncusEngine, service_home: Path, cluster: Cluster, eventually: Eventually
) -> None:
    chosen = cluster.members[1].name
    studio = OnCluster(service_home, engine)
    others = studio.hosts().keys() - {chosen}
    stops = studio.profile(studio.studio_id, **PERSISTENT)
    moves = studio.profile(studio.studio_id, evacuatedHostMode="MOVE", **PERSISTENT)
    # All others are closed, so that two are on one host for certain.
    for other in others:
        studio.operator.call("EvacuateHost", hostName=other)
    stopping, moving = studio.launch(eventually, stops, moves)
    for other in others:
        studio.operator.call("ReopenHost", hostName=other)
    (untouched,) = studio.launch(eventually, stops)
    assert studio.host_of(stopping) == studio.host_of(moving) == chosen
    assert studio.host_of(untouched) != chosen
    assert set(engine.room(avoid=[chosen]).workstations) == {untouched["sessionId"]}

    elsewhere = untouched["sessionId"]
    before = engine.observe(elsewhere)
    used = engine.observe_use(elsewhere).cpu_seconds

    def streams_on() -> bool:
        """Somebody comes in at every look, to the desktop that was there before."""
        assert before.address is not None
        identity = pinned.identity(service_home / "keys")
        with open_place(before.address.place, before.address.name, identity) as stream:
            stream.settimeout(10)
            stream.sendall(b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return b" 200 " in stream.recv(64)

    studio.operator.call("EvacuateHost", hostName=chosen, graceInMinutes=0, reason="new disks")
    assert (
        f"{chosen} is taken out for maintenance (new disks)"
        in (studio.call("GetStreamingSession", moving)["nextAction"]["message"])
    )

    def is_evacuated() -> bool:
        studio.settle()
        assert streams_on()
        return bool(studio.hosts()[chosen]["state"] == "EVACUATED")

    eventually(is_evacuated, seconds=240)
    said = studio.until(eventually, stopping, "STOPPED")["statusMessage"]
    assert "Start it to go on elsewhere from its backup" in said
    gone_on = studio.until(eventually, moving, "READY")
    assert gone_on["startedFromBackupId"]
    assert engine.observe(elsewhere).attempt == before.attempt
    assert engine.observe_use(elsewhere).cpu_seconds >= used, "it is the desktop of before"
    assert studio.host_of(moving) != chosen
    assert studio.hosts()[chosen]["evacuation"]["remaining"] == 0
    assert studio.call("GetStreamingSession", untouched)["state"] == "READY"

    studio.operator.call("ReopenHost", hostName=chosen)
    studio.call("StartStreamingSession", stopping)
    studio.until(eventually, stopping, "READY")
    assert studio.host_of(stopping) == chosen
    # What was left there is gone as soon as it is not needed any more.

    def is_clear() -> bool:
        studio.settle()
        return engine.observe(moving["sessionId"]).phase is Phase.ABSENT

    eventually(is_clear, seconds=60)
    for session in (stopping, moving, untouched):
        studio.call("DeleteStreamingSession", session)
    for session in (stopping, moving, untouched):
        studio.until(eventually, session, "DELETED")
    studio.close()


@pytest.mark.incus
@pytest.mark.timeout(900)
def test_the_loss_of_the_leader_costs_seconds_and_no_stream(
    engine: IncusEngine, service_home: Path, cluster: Cluster, eventually: Eventually
) -> None:
    leader = cluster.leader()
    refs = [secrets.token_hex(11) for _ in range(2)]
    for observed in run_all(engine, dict.fromkeys(refs, spec()), seconds=240).values():
        assert observed.phase is Phase.RUNNING
    far = next(ref for ref in refs if host_of(engine, ref) != leader.address)
    address = engine.observe(far).address
    assert address is not None
    stream = open_place(address.place, address.name, pinned.identity(service_home / "keys"))
    another = secrets.token_hex(11)
    with stream, leader.killed():
        began = time.monotonic()

        def takes_an_order() -> bool:
            engine.ensure_stopped(far)
            return True

        stream.settimeout(10)
        stream.sendall(b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b" 200 " in stream.recv(64)
        eventually(takes_an_order, seconds=10)
        assert time.monotonic() - began < 10
        stop(engine, far)
        assert run(engine, another, spec(), seconds=60).phase is Phase.RUNNING
        assert host_of(engine, another) != leader.address
    remove(engine, *refs, another)


@pytest.mark.incus
@pytest.mark.timeout(900)
def test_who_is_on_the_host_of_the_leader_is_told_though_incus_answers_nobody(
    engine: IncusEngine, cluster: Cluster, eventually: Eventually
) -> None:
    leader = cluster.leader()
    others = [member.name for member in cluster.members if member is not leader]
    ref = secrets.token_hex(11)
    chosen = msgspec.structs.replace(spec(), avoid=others)
    assert run(engine, ref, chosen, seconds=120).phase is Phase.RUNNING
    with leader.cut():
        began = time.monotonic()
        eventually(lambda: is_out_of_reach(engine, ref, leader), seconds=60)
        # It is we who judge, however patient Incus is.
        assert time.monotonic() - began < 30
    eventually(lambda: engine.observe(ref).phase is Phase.RUNNING, seconds=120)
    remove(engine, ref)
