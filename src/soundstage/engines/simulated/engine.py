"""An engine in memory: its time is the caller's clock, and it fails when it is told to.

`SOUNDSTAGE_ENGINE=simulated` tries the service without desktops; tests of everything above the
engines use it to make rare things happen at a chosen moment.
"""

import base64
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import IO

from soundstage.engines.interface import (
    Address,
    BackupCheck,
    BackupEntry,
    BackupFile,
    Capability,
    Engine,
    Message,
    Observed,
    ObservedBackup,
    ObservedHost,
    OutOfReachError,
    PermanentError,
    Phase,
    Reason,
    RetryableError,
    Room,
    ScriptOutput,
    Spec,
    Use,
    Volume,
)
from soundstage.engines.simulated.backups import Backups
from soundstage.engines.simulated.hosts import Hosts
from soundstage.engines.simulated.lives import Lives
from soundstage.engines.simulated.manner import Manner
from soundstage.engines.simulated.misbehaviour import Misbehaviour, Orders
from soundstage.engines.simulated.world import BUSY, Workstation, World
from soundstage.kit.clock import Clock
from soundstage.kit.config import Settings
from soundstage.kit.places import SocketFolder

_PICTURE = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDACgcHiMeGSgjISMtKygwPGRBPDc3PHtYXUlkkYCZlo+AjIqgtObD"
    "oKrarYqMyP/L2u71////m8H////6/+b9//j/wAALCAAKABABAREA/8QAFQABAQAAAAAAAAAAAAAAAAAAAAP/"
    "xAAUEAEAAAAAAAAAAAAAAAAAAAAA/9oACAEBAAA/AIgP/9k="
)
"""A JPEG of sixteen by ten grey dots."""


class SimulatedEngine(Manner, Engine):
    """Keeps every sentence of the interface, in the time that `clock` tells."""

    def __init__(self, clock: Clock, *, world: World | None = None) -> None:
        self._clock = clock
        self.world = world or World()
        self._orders = Orders()
        self._lives = Lives(self.world, clock, self, self._orders)
        self._hosts = Hosts(self._lives, clock, self)
        self._backups = Backups(self.world, clock, self, lives=self._lives, orders=self._orders)

    # What tests tell it.

    def misbehave(self, what: Misbehaviour, *, ref: str | None = None, times: int = 1) -> None:
        """Let the next `times` steps of this kind go wrong, of `ref` or of whichever comes."""
        self._orders.add(what, ref, times)

    def calm(self) -> None:
        """Forget every misbehaviour that has not come to pass yet."""
        self._orders.clear()

    @property
    def is_calm(self) -> bool:
        """Reports whether every misbehaviour has come to pass."""
        return not self._orders.are_any

    def crash(self, ref: str) -> None:
        """End a workstation's processes as a crash of its machine would."""
        with self.world.lock:
            workstation = self._lives.current(ref)
            if workstation is not None:
                self._lives.crash(workstation)

    def write(self, ref: str, name: str, content: bytes) -> None:
        """Write a file in a workstation's home."""
        with self.world.lock:
            self._lives.disk(ref).files[name] = content

    def read(self, ref: str, name: str) -> bytes | None:
        """Read a file in a workstation's home; None when it is not there."""
        with self.world.lock:
            return self._lives.disk(ref).files.get(name)

    def work(self, ref: str, cpu_seconds: float) -> None:
        """Use processor time in a workstation, as a renderer does."""
        with self.world.lock:
            self._lives.running(ref).cpu_seconds += cpu_seconds

    def shown(self, ref: str) -> list[Message]:
        """Read what a workstation was shown since its present attempt began."""
        with self.world.lock:
            workstation = self._lives.current(ref)
            return [] if workstation is None else list(workstation.messages)

    # The contract.

    def observe(self, ref: str) -> Observed:
        with self._asked(ref):
            workstation = self._lives.current(ref)
            if workstation is None:
                return Observed(phase=Phase.ABSENT)
            if workstation.phase is Phase.RUNNING:
                workstation.seen_running += 1
                if workstation.spoilt is Misbehaviour.CRASHES and workstation.seen_running > 1:
                    self._lives.crash(workstation)
            is_running = workstation.phase is Phase.RUNNING
            disk = workstation.disk
            return Observed(
                phase=workstation.phase,
                address=_address(ref) if is_running else None,
                attempt=workstation.attempt,
                volume_generation=None if disk is None else disk.generation,
                since=workstation.since,
                until=workstation.due,
                detail=workstation.detail,
                reason=workstation.reason,
                shortfall=self.shortfall if is_running else "",
                host=workstation.host,
                marks=[mark for mark in workstation.marks if mark.at <= self._clock()],
            )

    def ensure_running(self, ref: str, spec: Spec) -> None:
        with self._asked(ref):
            workstation = self._lives.current(ref)
            if workstation is not None and workstation.attempt == spec.attempt and not spec.waits:
                self._lives.go_on(workstation)
            if workstation is not None and (
                workstation.phase in BUSY
                or (workstation.attempt is not None and workstation.attempt >= spec.attempt)
            ):
                return
            if self.images is not None and spec.image not in self.images:
                raise PermanentError(f"There is no image {spec.image}.", reason=Reason.IMAGE)
            if self._orders.use(ref, Misbehaviour.OUT_OF_CAPACITY):
                raise PermanentError("No room for another one.", reason=Reason.CAPACITY)
            if workstation is None:
                host = self._hosts.choose(spec.avoid)
                workstation = Workstation(Phase.STOPPED, self._clock(), host)
            self._hosts.expect_room(ref, workstation.host)
            self._lives.begin_start(ref, workstation, spec)
            self.world.workstations[ref] = workstation

    def ensure_stopped(self, ref: str) -> None:
        with self._asked(ref):
            workstation = self._lives.current(ref)
            if workstation is not None:
                workstation.crashed_at = None
                self._lives.begin_stop(ref, workstation)

    def ensure_absent(self, ref: str) -> None:
        with self._asked(ref):
            workstation = self._lives.current(ref)
            if workstation is None:
                return
            workstation.is_leaving = True
            self._lives.begin_stop(ref, workstation)
            self._lives.current(ref)

    def ensure_volume_absent(self, ref: str) -> None:
        with self._asked(ref):
            workstation = self._lives.current(ref)
            if workstation is not None:
                workstation.expect_rest()
                workstation.disk = None

    def refs(self) -> set[str]:
        with self.world.lock:
            return set(self._lives.all())

    def capabilities(self) -> list[Capability]:
        detail = "Nothing here is real: workstations are entries in memory."
        names = ("volume-size-limit", "memory-limit", "cpu-limit")
        return [Capability(name=name, available=False, detail=detail) for name in names]

    # What a workstation does besides.

    def script_output(self, ref: str) -> list[ScriptOutput]:
        with self.world.lock:
            workstation = self._lives.current(ref)
            return [] if workstation is None else list(workstation.outputs)

    def show_message(self, ref: str, message: Message) -> None:
        with self._asked(ref):
            messages = self._lives.running(ref).messages
            if message.key not in {known.key for known in messages}:
                messages.append(message)

    def picture(self, ref: str) -> bytes:
        with self._asked(ref):
            self._lives.running(ref)
            return _PICTURE

    def observe_use(self, ref: str) -> Use:
        with self._asked(ref):
            return Use(cpu_seconds=self._lives.running(ref).cpu_seconds)

    # Backups.

    def observe_backup(self, ref: str, backup_id: str) -> ObservedBackup:
        with self._asked(ref):
            return self._backups.observe(ref, backup_id)

    def ensure_backup(self, ref: str, backup_id: str, *, live: bool = False) -> None:
        with self._asked(ref):
            self._backups.ensure(ref, backup_id, live=live)

    def ensure_backup_absent(self, ref: str, backup_id: str) -> None:
        with self._asked(ref):
            self._backups.ensure_absent(ref, backup_id)

    def list_backup(self, ref: str, backup_id: str, folder: str) -> list[BackupEntry]:
        with self._asked(ref):
            return self._backups.entries(ref, backup_id, folder)

    def open_backup_file(self, ref: str, backup_id: str, path: str) -> BackupFile:
        with self._asked(ref):
            return self._backups.open(ref, backup_id, path)

    def check_backups(self, *, data: str | None) -> BackupCheck:
        del data
        with self.world.lock:
            return self._backups.check()

    def keep_studio(self, content: IO[bytes]) -> None:
        with self.world.lock:
            self._backups.keep_studio(content)

    def newest_studio(self, target: IO[bytes]) -> datetime:
        with self.world.lock:
            return self._backups.newest_studio(target)

    # Hosts.

    def room(self, *, avoid: Collection[str] = ()) -> Room:
        with self.world.lock:
            return self._hosts.room(avoid)

    def host_names(self) -> list[str]:
        return list(self.host_list)

    def hosts(self) -> list[ObservedHost]:
        with self.world.lock:
            return self._hosts.observe()

    def shortfalls(self, instance_types: Sequence[str], volume: Volume) -> list[str]:
        del instance_types, volume
        return [self.shortfall] if self.shortfall else []

    @contextmanager
    def _asked(self, ref: str) -> Iterator[None]:
        """Hold the world still, unless the call comes to nothing as it was told to."""
        with self.world.lock:
            if self._orders.use(ref, Misbehaviour.RETRYABLE):
                raise RetryableError("It was told to.")
            if self._orders.use(ref, Misbehaviour.OUT_OF_REACH):
                raise OutOfReachError("The host n2 of the workstation does not answer.")
            workstation = self.world.workstations.get(ref)
            if workstation is not None and workstation.host in self.lost_hosts:
                raise OutOfReachError(
                    f"The host {workstation.host} of the workstation does not answer."
                )
            yield


def _address(ref: str) -> Address:
    return Address(
        place=SocketFolder(directory=f"/nonexistent/simulated/{ref}", uid=65_534),
        name="stream.sock",
    )


def make(settings: Settings, clock: Clock) -> SimulatedEngine:
    """Make the engine from the service's settings; the entry point of this module."""
    del settings
    return SimulatedEngine(clock)
