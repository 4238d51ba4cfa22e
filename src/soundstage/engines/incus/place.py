"""Where workstations run: the project, the network that parts them, the images, the hosts.

The engine asks it before a start. What is missing is made, and made the same again.
"""

import threading
import time
from ipaddress import IPv4Interface
from typing import Any
from urllib.parse import urlsplit

import msgspec

from soundstage.engines.admission import Host
from soundstage.engines.cards import most_of_a_vendor
from soundstage.engines.incus import graphics, placing
from soundstage.engines.incus.client import Client
from soundstage.engines.incus.records import FILES_PORT, STREAM_PORT, Seat
from soundstage.engines.incus.settings import IncusSettings
from soundstage.engines.interface import PermanentError, Reason

_LOOK_AGAIN_SECONDS = 600.0
# Incus does not say how many more processes a host can carry.
_NOT_KNOWN = 1_000_000
_DEFAULT = {"project": "default"}
# Each volume of the others is a block device of its own.
_IS_ONE_DISK = {"btrfs", "zfs", "dir"}
_HOLDS_STILL = {"btrfs", "zfs", "lvm", "ceph", "lvmcluster"}


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One host."""

    name: str
    """Empty where there is no cluster."""
    host: str
    """Its address for the other members, and for us."""
    status: str
    """Incus's word: Online, Offline, Evacuated and others."""
    message: str = ""

    @property
    def is_online(self) -> bool:
        return self.status == "Online"


def target(member: str) -> dict[str, str]:
    """Has a call done on that member."""
    return {"target": member} if member else {}


class Place:
    """One Incus, as an installation uses it."""

    def __init__(self, client: Client, settings: IncusSettings) -> None:
        self._client = client
        self._settings = settings
        self._lock = threading.Lock()
        self._looked_at = 0.0
        self._hosts: set[str] = set()
        self._driver = ""
        self._is_cluster: bool | None = None
        self._own_name = ""

    def ensure(self) -> None:
        """Make the project and the network, and close the hosts to workstations.

        Done once in a while, for a host may have another address, or somebody removed something,
        and whenever a host has joined: it is to be closed before anything runs on it.
        """
        with self._lock:
            if self._looked_at and time.monotonic() - self._looked_at < _LOOK_AGAIN_SECONDS:
                return
            project, network = self._settings.project, self._settings.network
            self._client.ensure("/projects", {"name": project, "config": _PROJECT}, _DEFAULT)
            acl = {"name": project, "description": "Workstations reach no host."}
            self._client.ensure("/network-acls", acl, _DEFAULT)
            bridge = {**_BRIDGE, "ipv4.address": self._settings.subnet, "security.acls": project}
            self._make_network(network, bridge)
            self._close(self._host_addresses())
            self._looked_at = time.monotonic()

    def _make_network(self, name: str, config: dict[str, str]) -> None:
        """In a cluster each member has a bridge of its own, by the same name and network."""
        found = self._client.find(f"/networks/{name}", _DEFAULT)
        if found is not None and found["status"] != "Pending":
            return
        if self.is_cluster():
            for member in self.members():
                one = {"name": name, "type": "bridge"}
                self._client.ensure("/networks", one, {**_DEFAULT, **target(member.name)})
        body = {"name": name, "type": "bridge", "config": config}
        self._client.ensure("/networks", body, _DEFAULT)

    # -- members -------------------------------------------------------------------------------

    def is_cluster(self) -> bool:
        """Reports whether Incus is more than one host, or may become so."""
        if self._is_cluster is None:
            told = self._client.get("")["environment"]
            self._is_cluster = bool(told.get("server_clustered"))
        return self._is_cluster

    def members(self) -> list[Member]:
        """The hosts of workstations; one without a name where there is no cluster."""
        if not self.is_cluster():
            return [Member(name="", host="", status="Online")]
        found = [
            Member(
                name=each["server_name"],
                host=urlsplit(each["url"]).hostname or "",
                status=each["status"],
                message=each.get("message") or "",
            )
            for each in self._client.get("/cluster/members", {"recursion": "1"})
        ]
        hosts = {each.host for each in found}
        if hosts != self._hosts:
            self._hosts, self._looked_at = hosts, 0.0
        return found

    def name_of(self, member: str) -> str:
        """What a host is called; where there is no cluster it goes by the name of its Incus."""
        if member:
            return member
        if not self._own_name:
            self._own_name = str(self._client.get("")["environment"]["server_name"])
        return self._own_name

    def subnet(self) -> IPv4Interface:
        """The bridges' own address and network."""
        config = self._client.get(f"/networks/{self._settings.network}", _DEFAULT)["config"]
        return IPv4Interface(config["ipv4.address"])

    def _host_addresses(self) -> list[str]:
        """Every address that a host has, on any of its networks."""
        members = self.members()
        found = {member.host for member in members if member.host}
        for member in members:
            if member.is_online:
                found |= self._addresses_of({**_DEFAULT, **target(member.name)})
        return sorted(found)

    def _addresses_of(self, query: dict[str, str]) -> set[str]:
        found: set[str] = set()
        for network in self._client.get("/networks", {"recursion": "1", **query}):
            state = self._client.find(f"/networks/{network['name']}/state", query) or {}
            found |= {
                f"{each['address']}"
                for each in state.get("addresses") or []
                if each["scope"] == "global"
            }
        return found

    def _close(self, addresses: list[str]) -> None:
        closed = ",".join([*addresses, *self._settings.closed])
        ports = f"{STREAM_PORT}-{FILES_PORT}"
        rules = {
            "egress": [
                *([{"action": "reject", "state": "enabled", "destination": closed}] * bool(closed)),
                {"action": "allow", "state": "enabled"},
            ],
            "ingress": [
                {
                    "action": "allow",
                    "state": "enabled",
                    "protocol": "tcp",
                    "destination_port": ports,
                }
            ],
        }

        def edit(found: dict[str, Any]) -> None:
            for way, wanted in rules.items():
                present = [{k: v for k, v in each.items() if v} for each in found.get(way) or []]
                if present != wanted:
                    found[way] = wanted

        self._client.change(f"/network-acls/{self._settings.project}", edit, _DEFAULT)

    # -- images --------------------------------------------------------------------------------

    def image(self, name: str) -> str:
        """The fingerprint of an `ec2ImageId`. Raises PermanentError when it is not known here."""
        wanted = self._settings.images.get(name, name)
        alias = self._client.find(f"/images/aliases/{wanted}", _DEFAULT)
        if alias is not None:
            return str(alias["target"])
        if name in self._settings.images:
            found = self._client.find(f"/images/{wanted}", _DEFAULT)
            if found is not None:
                return str(found["fingerprint"])
        known = sorted({*self._settings.images, *self._aliases()})
        raise PermanentError(
            f"image {name} is not known here; known are {', '.join(known) or 'none'}",
            reason=Reason.IMAGE,
        )

    def images(self) -> set[str]:
        """All names that an image can be called by at Incus."""
        found = self._client.get("/images", {"recursion": "1", **_DEFAULT})
        return self._aliases() | {str(each["fingerprint"]) for each in found}

    def _aliases(self) -> set[str]:
        found = self._client.get("/images/aliases", {"recursion": "1", **_DEFAULT})
        return {str(each["name"]) for each in found}

    # -- size ----------------------------------------------------------------------------------

    def host(self, member: str = "") -> Host:
        """How large a host is, and what is free of it now."""
        told = msgspec.convert(self._client.get("/resources", target(member)), _Resources)
        pool = f"/storage-pools/{self._settings.pool}/resources"
        space = self._client.get(pool, target(member))["space"]
        return Host(
            cpus=float(told.cpu.total),
            memory_bytes=told.memory.total,
            memory_available=told.memory.total - told.memory.used,
            disk_free=int(space["total"]) - int(space["used"]),
            processes_free=_NOT_KNOWN,
            gpus=most_of_a_vendor(graphics.known(told.gpu.cards or ())),
        )

    def cards(self, member: str = "") -> list[graphics.Card]:
        """A host's graphics cards that a workstation can have."""
        told = msgspec.convert(self._client.get("/resources", target(member)), _Resources)
        return graphics.known(told.gpu.cards or ())

    def driver(self) -> str:
        """What kind of pool it is."""
        if not self._driver:
            # It is every project's, and ours may not be there yet.
            pool = self._client.get(f"/storage-pools/{self._settings.pool}", _DEFAULT)
            self._driver = str(pool["driver"])
        return self._driver

    def holds_still(self) -> bool:
        """Reports whether a copy of a volume is of one moment, however busy it is."""
        return self.driver() in _HOLDS_STILL

    def is_one_disk(self) -> bool:
        """Reports whether all volumes of the pool are on the same disk, or disks, of a host."""
        return self.driver() in _IS_ONE_DISK

    def doors(self, seat: Seat | None) -> dict[str, dict[str, str]]:
        """Devices by which a host of a cluster passes on what comes for a workstation."""
        if seat is None:
            return {}
        return placing.doors(seat, self.subnet(), self._host_of(seat.member))

    def reached(self, instance: str, seat: Seat | None) -> tuple[str, tuple[int, int]] | None:
        """Where the stream and the files of an instance are reached; None while they are not."""
        if seat is not None:
            return self._host_of(seat.member), placing.ports(seat, self.subnet())
        host = self.address(instance)
        return None if host is None else (host, (STREAM_PORT, FILES_PORT))

    def _host_of(self, member: str) -> str:
        for each in self.members():
            if each.name == member:
                return each.host
        raise PermanentError(f"there is no host {member} in the cluster any more")

    def address(self, instance: str) -> str | None:
        """Where an instance is on the network; None while it has no address."""
        state = self._client.get(f"/instances/{instance}/state")
        own = (state.get("network") or {}).get("eth0") or {}
        for each in own.get("addresses") or []:
            if each["scope"] == "global":
                return str(each["address"])
        return None


class _Memory(msgspec.Struct):
    total: int
    used: int


class _Cpu(msgspec.Struct):
    total: int


class _Gpu(msgspec.Struct, frozen=True):
    cards: list[graphics.Found] | None = None


class _Resources(msgspec.Struct):
    memory: _Memory
    cpu: _Cpu
    gpu: _Gpu = _Gpu()


_PROJECT = {
    "features.images": "false",
    "features.profiles": "true",
    "features.storage.volumes": "true",
}
_BRIDGE = {"ipv4.nat": "true", "ipv6.address": "none", "dns.mode": "none"}
