"""An engine in memory: its time is the caller's clock, and it fails when it is told to.

`SOUNDSTAGE_ENGINE=simulated` tries the service without desktops; tests of everything above the
engines use it to make rare things happen at a chosen moment.
"""

import base64
import io
import threading
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import IO

from soundstage.engines import admission
from soundstage.engines.instance_types import INSTANCE_TYPES
from soundstage.engines.interface import (
    Address,
    BackupCheck,
    BackupEntry,
    BackupFile,
    BackupPhase,
    Capability,
    Capacity,
    Engine,
    Mark,
    Message,
    NoSuchEntryError,
    Observed,
    ObservedBackup,
    ObservedHost,
    OutOfReachError,
    PermanentError,
    Phase,
    Reason,
    RetryableError,
    Room,
    Script,
    ScriptOutput,
    Spec,
    Stage,
    Use,
    Volume,
)
from soundstage.kit.clock import Clock
from soundstage.kit.config import Settings
from soundstage.kit.places import SocketFolder

_STARTS_KEPT = 5
_SHORTEST_SECRET = 4
_PICTURE = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDACgcHiMeGSgjISMtKygwPGRBPDc3PHtYXUlkkYCZlo+AjIqgtObD"
    "oKrarYqMyP/L2u71////m8H////6/+b9//j/wAALCAAKABABAREA/8QAFQABAQAAAAAAAAAAAAAAAAAAAAP/"
    "xAAUEAEAAAAAAAAAAAAAAAAAAAAA/9oACAEBAAA/AIgP/9k="
)
"""A JPEG of sixteen by ten grey dots."""
_SLOW = 10
"""How many times longer the slow ones take."""


class Misbehaviour(StrEnum):
    """What can be made to go wrong. Each is used up by the step that it spoils."""

    NEVER_STARTS = "never starts"
    """Stays in STARTING for ever."""
    DIES_WHILE_STARTING = "dies while starting"
    CRASHES = "crashes when running"
    """Is STOPPED the moment it would have been seen RUNNING for the second time."""
    ANSWERS_LATE = "answers late"
    """Starts in ten times `start_seconds`."""
    STOPS_SLOWLY = "stops slowly"
    """Stops in ten times `stop_seconds`."""
    LOSES_BACKUP = "loses a backup"
    """The backup becomes COMPLETE, is seen so once, and is ABSENT from then on."""
    FAILS_BACKUP = "fails a backup"
    LOSES_STORE = "loses sight of the store"
    """The backup fails in a way that may pass."""
    FAILS_RESTORE = "fails a restore"
    OUT_OF_CAPACITY = "out of capacity"
    RETRYABLE = "raises RetryableError"
    """The call, any but `refs` and `capabilities`, comes to nothing."""
    OUT_OF_REACH = "raises OutOfReachError"
    """The same, because the workstation's host does not answer."""


@dataclass
class _Disk:
    generation: int
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass
class _Workstation:
    phase: Phase
    since: datetime
    host: str = ""
    attempt: int | None = None
    disk: _Disk | None = None
    due: datetime | None = None
    """When the present step ends; None for never."""
    restoring: Volume | None = None
    """What the disk becomes at `restored_at`, on the way to RUNNING."""
    restored_at: datetime | None = None
    spoilt: Misbehaviour | None = None
    is_leaving: bool = False
    crashed_at: datetime | None = None
    """Its place is kept from then on for a while; None when it was stopped, or runs."""
    seen_running: int = 0
    messages: list[Message] = field(default_factory=list)
    """What its present attempt was shown."""
    cpu_seconds: float = 0.0
    detail: str = ""
    reason: Reason = Reason.INTERNAL
    scripts: list[Script] = field(default_factory=list)
    """Those of this start that are to run."""
    waits: bool = False
    """Whether the artist's are not to run yet."""
    outputs: list[ScriptOutput] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    """What its present attempt comes to; some of them lie ahead."""


@dataclass
class _Backup:
    ref: str
    files: dict[str, bytes]
    due: datetime
    spoilt: Misbehaviour | None
    times_seen: int = 0


@dataclass
class World:
    """What outlives an engine object, as workstations and disks outlive the service."""

    workstations: dict[str, _Workstation] = field(default_factory=dict)
    backups: dict[str, _Backup] = field(default_factory=dict)
    studio_copies: list[tuple[datetime, bytes]] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)


class SimulatedEngine(Engine):
    """Keeps every sentence of the interface, in the time that `clock` tells."""

    start_seconds: float = 2
    stop_seconds: float = 1
    backup_seconds: float = 3
    """How long a backup takes, and a restore."""
    images: frozenset[str] | None = None
    """Those that can be run; None for any."""
    host_list: Sequence[str] = ("n1",)
    """The hosts; a new workstation goes to the one with the fewest."""
    lost_hosts: frozenset[str] = frozenset()
    """Those that do not answer."""
    most_workstations: int | None = None
    """How many fit on a host; None for any number. All are of one size, whatever their type."""
    keeps_place_seconds: float = 120
    """How long the place of one that crashed is not given to another."""
    shortfall: str = ""
    """What it says it gives less of."""

    def __init__(self, clock: Callable[[], datetime], *, world: World | None = None) -> None:
        self._clock = clock
        self.world = world or World()
        self._told: Counter[tuple[str | None, Misbehaviour]] = Counter()

    # What tests tell it.

    def misbehave(self, what: Misbehaviour, *, ref: str | None = None, times: int = 1) -> None:
        """Let the next `times` steps of this kind go wrong, of `ref` or of whichever comes."""
        self._told[ref, what] += times

    def calm(self) -> None:
        """Forget every misbehaviour that has not come to pass yet."""
        self._told.clear()

    def crash(self, ref: str) -> None:
        """End a workstation's processes as a crash of its machine would."""
        with self.world.lock:
            workstation = self._current(ref)
            if workstation is not None and workstation.phase in _ALIVE:
                self._crash(workstation)

    def write(self, ref: str, name: str, content: bytes) -> None:
        """Write a file in a workstation's home."""
        with self.world.lock:
            self._disk(ref).files[name] = content

    def read(self, ref: str, name: str) -> bytes | None:
        """Read a file in a workstation's home; None when it is not there."""
        with self.world.lock:
            return self._disk(ref).files.get(name)

    def work(self, ref: str, cpu_seconds: float) -> None:
        """Use processor time in a workstation, as a renderer does."""
        with self.world.lock:
            self._running(ref).cpu_seconds += cpu_seconds

    def shown(self, ref: str) -> list[Message]:
        """Read what a workstation was shown since its present attempt began."""
        with self.world.lock:
            workstation = self._current(ref)
            return [] if workstation is None else list(workstation.messages)

    # The contract.

    def observe(self, ref: str) -> Observed:
        with self.world.lock:
            self._stumble(ref)
            workstation = self._current(ref)
            if workstation is None:
                return Observed(phase=Phase.ABSENT)
            if workstation.phase is Phase.RUNNING:
                workstation.seen_running += 1
                if workstation.spoilt is Misbehaviour.CRASHES and workstation.seen_running > 1:
                    self._crash(workstation)
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
        with self.world.lock:
            self._stumble(ref)
            workstation = self._current(ref)
            if workstation is not None and workstation.attempt == spec.attempt and not spec.waits:
                self._go_on(workstation)
            if workstation is not None and (
                workstation.phase in {*_ALIVE, Phase.STOPPING}
                or (workstation.attempt is not None and workstation.attempt >= spec.attempt)
            ):
                return
            if self.images is not None and spec.image not in self.images:
                raise PermanentError(f"There is no image {spec.image}.", reason=Reason.IMAGE)
            if self._is_told(ref, Misbehaviour.OUT_OF_CAPACITY):
                raise PermanentError("No room for another one.", reason=Reason.CAPACITY)
            now = self._clock()
            if workstation is None:
                workstation = _Workstation(Phase.STOPPED, now, self._place(spec.avoid, now))
            self._expect_room(ref, workstation.host, now)
            self._begin_start(ref, workstation, spec, now)
            self.world.workstations[ref] = workstation

    def ensure_stopped(self, ref: str) -> None:
        with self.world.lock:
            self._stumble(ref)
            workstation = self._current(ref)
            if workstation is not None:
                workstation.crashed_at = None
            if workstation is not None and workstation.phase in _ALIVE:
                self._begin_stop(ref, workstation)

    def ensure_absent(self, ref: str) -> None:
        with self.world.lock:
            self._stumble(ref)
            workstation = self._current(ref)
            if workstation is None:
                return
            workstation.is_leaving = True
            if workstation.phase in _ALIVE:
                self._begin_stop(ref, workstation)
            self._current(ref)

    def script_output(self, ref: str) -> list[ScriptOutput]:
        with self.world.lock:
            workstation = self._current(ref)
            return [] if workstation is None else list(workstation.outputs)

    def ensure_volume_absent(self, ref: str) -> None:
        with self.world.lock:
            self._stumble(ref)
            workstation = self._current(ref)
            if workstation is not None:
                _must_be_stopped(workstation)
                workstation.disk = None

    def observe_backup(self, ref: str, backup_id: str) -> ObservedBackup:
        with self.world.lock:
            self._stumble(ref)
            backup = self._backup(ref, backup_id)
            if backup is None:
                return ObservedBackup(phase=BackupPhase.ABSENT)
            if self._clock() < backup.due:
                return ObservedBackup(phase=BackupPhase.RUNNING, detail="Files are being copied.")
            if backup.spoilt is Misbehaviour.FAILS_BACKUP:
                return ObservedBackup(phase=BackupPhase.FAILED, detail="The disk is full.")
            if backup.spoilt is Misbehaviour.LOSES_STORE:
                detail = "The backup store does not answer."
                return ObservedBackup(phase=BackupPhase.FAILED, detail=detail, may_pass=True)
            backup.times_seen += 1
            size = sum(map(len, backup.files.values()))
            return ObservedBackup(phase=BackupPhase.COMPLETE, size_bytes=size)

    def ensure_backup(self, ref: str, backup_id: str, *, live: bool = False) -> None:
        with self.world.lock:
            self._stumble(ref)
            workstation = self._current(ref)
            is_live = live and workstation is not None and workstation.phase is Phase.RUNNING
            if workstation is not None and not is_live:
                _must_be_stopped(workstation)
            now = self._clock()
            backup = self._backup(ref, backup_id)
            if backup is not None and not (backup.spoilt in _FAILING and now >= backup.due):
                return
            if workstation is None or workstation.disk is None:
                raise PermanentError("There is no volume to copy.", reason=Reason.BACKUP)
            spoilt = self._first_told(ref, *_FAILING, Misbehaviour.LOSES_BACKUP)
            due = now + timedelta(seconds=self.backup_seconds)
            self.world.backups[backup_id] = _Backup(ref, dict(workstation.disk.files), due, spoilt)

    def ensure_backup_absent(self, ref: str, backup_id: str) -> None:
        with self.world.lock:
            self._stumble(ref)
            if self._backup(ref, backup_id) is not None:
                del self.world.backups[backup_id]

    def show_message(self, ref: str, message: Message) -> None:
        with self.world.lock:
            self._stumble(ref)
            messages = self._running(ref).messages
            if message.key not in {known.key for known in messages}:
                messages.append(message)

    def picture(self, ref: str) -> bytes:
        with self.world.lock:
            self._stumble(ref)
            self._running(ref)
            return _PICTURE

    def observe_use(self, ref: str) -> Use:
        with self.world.lock:
            self._stumble(ref)
            return Use(cpu_seconds=self._running(ref).cpu_seconds)

    def list_backup(self, ref: str, backup_id: str, folder: str) -> list[BackupEntry]:
        with self.world.lock:
            self._stumble(ref)
            parts = _parts(folder)
            found = {}
            for name, content in self._complete(ref, backup_id).files.items():
                rest = name.split("/")
                if rest[: len(parts)] != parts or len(rest) == len(parts):
                    continue
                is_file = len(rest) == len(parts) + 1
                found[rest[len(parts)]] = BackupEntry(
                    name=rest[len(parts)],
                    kind="FILE" if is_file else "FOLDER",
                    size_bytes=len(content) if is_file else 0,
                    modified_at=self._clock(),
                )
            if parts and not found:
                raise NoSuchEntryError("There is no such folder in this backup.")
            return [found[name] for name in sorted(found)]

    def open_backup_file(self, ref: str, backup_id: str, path: str) -> BackupFile:
        with self.world.lock:
            self._stumble(ref)
            content = self._complete(ref, backup_id).files.get("/".join(_parts(path)))
            if content is None:
                raise NoSuchEntryError(f"There is no file {path!r} in this backup.")
            return _InMemory(content)

    def check_backups(self, *, data: str | None) -> BackupCheck:
        del data
        with self.world.lock:
            there = {id_: b for id_, b in self.world.backups.items() if self._clock() >= b.due}
            return BackupCheck(
                backup_ids=set(there),
                refs={id_: backup.ref for id_, backup in there.items()},
                sizes={id_: sum(map(len, b.files.values())) for id_, b in there.items()},
                made_at={id_: backup.due for id_, backup in there.items()},
                problems=[],
            )

    def keep_studio(self, content: IO[bytes]) -> None:
        with self.world.lock:
            self.world.studio_copies.append((self._clock(), content.read()))

    def newest_studio(self, target: IO[bytes]) -> datetime:
        with self.world.lock:
            if not self.world.studio_copies:
                raise NoSuchEntryError("There is no copy of a studio.")
            moment, content = self.world.studio_copies[-1]
            target.write(content)
            return moment

    def room(self, *, avoid: Collection[str] = ()) -> Room:
        with self.world.lock:
            rooms = [
                admission.closed(room) if name in avoid else room
                for name in self.host_list
                if (room := self._room_of(name)) is not None
            ]
            return admission.together(rooms)

    def host_names(self) -> list[str]:
        return list(self.host_list)

    def hosts(self) -> list[ObservedHost]:
        with self.world.lock:
            return [self._host(name) for name in self.host_list]

    def _host(self, name: str) -> ObservedHost:
        there = {ref for ref in self.refs() if self.world.workstations[ref].host == name}
        is_reachable = name not in self.lost_hosts
        running = {
            ref for ref in there if self.world.workstations[ref].phase in {*_ALIVE, Phase.STOPPING}
        }
        running = running if is_reachable else there
        return ObservedHost(
            name=name,
            is_reachable=is_reachable,
            detail="" if is_reachable else "it does not answer",
            room=self._room_of(name),
            running=running,
            resting=there - running,
        )

    def _room_of(self, host: str) -> Room | None:
        """Say it of one host; None for one that does not answer."""
        if host in self.lost_hosts:
            return None
        running = sorted(self._with_place(self._clock(), host))
        most = _PLENTY if self.most_workstations is None else self.most_workstations
        return Room(
            size=_times(most),
            to_promise=_times(most),
            promised=_times(len(running)),
            workstations=dict.fromkeys(running, _ONE),
            types=dict.fromkeys(INSTANCE_TYPES, _ONE),
            details={},
            free_memory_bytes=_times(most - len(running)).memory_bytes,
            free_disk_bytes=0,
        )

    def shortfalls(self, instance_types: Sequence[str], volume: Volume) -> list[str]:
        del instance_types, volume
        return [self.shortfall] if self.shortfall else []

    def refs(self) -> set[str]:
        with self.world.lock:
            return {ref for ref in list(self.world.workstations) if self._current(ref) is not None}

    def capabilities(self) -> list[Capability]:
        detail = "Nothing here is real: workstations are entries in memory."
        names = ("volume-size-limit", "memory-limit", "cpu-limit")
        return [Capability(name=name, available=False, detail=detail) for name in names]

    def _place(self, avoid: Collection[str], now: datetime) -> str:
        """Choose the host of a new one."""
        hosts = [name for name in self.host_list if name not in {*avoid, *self.lost_hosts}]
        if not hosts:
            raise admission.refuse_closed(self.host_list[0])
        if len(hosts) == 1:
            return hosts[0]
        return min(hosts, key=lambda name: len(self._with_place(now, name)))

    def _expect_room(self, ref: str, host: str, now: datetime) -> None:
        if self.most_workstations is None:
            return
        others = self._with_place(now, host) - {ref}
        if len(others) >= self.most_workstations:
            raise PermanentError(
                f"There is no room for a workstation here. {self.most_workstations} fit, and "
                f"{len(others)} have a place. Stop one.",
                reason=Reason.CAPACITY,
            )

    def _with_place(self, now: datetime, host: str) -> set[str]:
        kept = timedelta(seconds=self.keeps_place_seconds)
        return {
            ref
            for ref in list(self.world.workstations)
            if (each := self._current(ref)) is not None
            and each.host == host
            and (
                each.phase in {*_ALIVE, Phase.STOPPING}
                or (each.crashed_at is not None and now - each.crashed_at < kept)
            )
        }

    # How time passes.

    def _begin_start(self, ref: str, workstation: _Workstation, spec: Spec, now: datetime) -> None:
        wanted = spec.volume
        present = workstation.disk.generation if workstation.disk is not None else None
        if present is None and wanted.backup_id is None:
            workstation.disk = _Disk(wanted.generation)
        elif present != wanted.generation:
            if wanted.backup_id is None or (present or 0) > wanted.generation:
                message = f"Generation {wanted.generation} can't be made of {present}."
                raise PermanentError(message, reason=Reason.BACKUP)
            workstation.restoring = wanted
            workstation.restored_at = now + timedelta(seconds=self.backup_seconds)
        begins = workstation.restored_at or now
        workstation.spoilt = self._first_told(
            ref,
            Misbehaviour.NEVER_STARTS,
            Misbehaviour.DIES_WHILE_STARTING,
            Misbehaviour.ANSWERS_LATE,
            Misbehaviour.CRASHES,
        )
        factor = _SLOW if workstation.spoilt is Misbehaviour.ANSWERS_LATE else 1
        never = workstation.spoilt is Misbehaviour.NEVER_STARTS
        workstation.due = None if never else begins + timedelta(seconds=self.start_seconds * factor)
        workstation.attempt = spec.attempt
        workstation.crashed_at = None
        workstation.seen_running = 0
        workstation.messages = []
        workstation.scripts = list(spec.scripts)
        workstation.waits = spec.waits
        starts = sorted({each.attempt for each in workstation.outputs})[-_STARTS_KEPT + 1 :]
        workstation.outputs = [each for each in workstation.outputs if each.attempt in starts]
        workstation.cpu_seconds = 0.0
        workstation.marks = [
            Mark(stage=Stage.DISK, at=now),
            Mark(stage=Stage.DESKTOP, at=begins),
        ]
        _enter(workstation, Phase.STARTING, now)

    def _go_on(self, workstation: _Workstation) -> None:
        """What waits, or would, waits no more; what was due then is due at once."""
        workstation.waits = False
        if workstation.phase is Phase.PREPARED:
            now = self._clock()
            _enter(workstation, Phase.STARTING, now)
            workstation.due = now

    def _begin_stop(self, ref: str, workstation: _Workstation) -> None:
        now = self._clock()
        factor = _SLOW if self._is_told(ref, Misbehaviour.STOPS_SLOWLY) else 1
        workstation.due = now + timedelta(seconds=self.stop_seconds * factor)
        workstation.restoring = workstation.restored_at = None
        _enter(workstation, Phase.STOPPING, now)

    def _current(self, ref: str) -> _Workstation | None:
        """Let what is due happen, and hand back what is then there."""
        workstation = self.world.workstations.get(ref)
        if workstation is None:
            return None
        now = self._clock()
        if workstation.restored_at is not None and now >= workstation.restored_at:
            self._restore(ref, workstation, workstation.restored_at)
        if workstation.due is not None and now >= workstation.due:
            due, workstation.due = workstation.due, None
            if workstation.phase is Phase.STOPPING:
                _enter(workstation, Phase.STOPPED, due)
            elif failed := self._run_scripts(workstation, due):
                _enter(workstation, Phase.FAILED, due, failed[1])
                workstation.reason = failed[0]
            elif workstation.spoilt is Misbehaviour.DIES_WHILE_STARTING:
                _enter(workstation, Phase.FAILED, due, "The desktop ended before it answered.")
            elif workstation.waits:
                _enter(workstation, Phase.PREPARED, due)
            else:
                _enter(workstation, Phase.RUNNING, due)
        if workstation.is_leaving and workstation.phase in {Phase.STOPPED, Phase.FAILED}:
            del self.world.workstations[ref]
            return None
        return workstation

    def _run_scripts(
        self, workstation: _Workstation, moment: datetime
    ) -> tuple[Reason, str] | None:
        """Keep what each says, up to the first that fails; says how that failed."""
        scripts, waiting = workstation.scripts, list[Script]()
        if workstation.waits:
            waiting = [script for script in scripts if not script.as_root]
            scripts = [script for script in scripts if script.as_root]
        workstation.scripts = waiting
        done = sum(mark.stage is Stage.SCRIPT for mark in workstation.marks)
        total = done + len(scripts) + len(waiting)
        for number, script in enumerate(scripts, done + 1):
            code, output = _pretend(script)
            workstation.marks.append(
                Mark(
                    stage=Stage.SCRIPT,
                    at=moment,
                    component=script.component,
                    number=number,
                    of=total,
                )
            )
            kept = ScriptOutput(
                attempt=workstation.attempt or 0,
                component=script.component,
                as_root=script.as_root,
                exit_code=code,
                began_at=moment,
                ended_at=moment,
                output=output,
            )
            workstation.outputs.append(kept)
            if code:
                kind = "system" if script.as_root else "user"
                return script.failure, (
                    f"The {kind} script of the component {script.component!r} ended with code "
                    f"{code}: {output.strip()}"
                )
        return None

    def _restore(self, ref: str, workstation: _Workstation, moment: datetime) -> None:
        wanted, workstation.restoring, workstation.restored_at = workstation.restoring, None, None
        if wanted is None or wanted.backup_id is None:
            return
        backup = self._backup(wanted.backup_of or ref, wanted.backup_id)
        is_spoilt = self._is_told(ref, Misbehaviour.FAILS_RESTORE)
        if backup is None or backup.spoilt in _FAILING or is_spoilt:
            workstation.due = None
            _enter(workstation, Phase.FAILED, moment, "The backup could not be restored.")
            workstation.reason = Reason.BACKUP
            return
        workstation.disk = _Disk(wanted.generation, dict(backup.files))

    def _crash(self, workstation: _Workstation) -> None:
        workstation.due = workstation.restoring = workstation.restored_at = None
        workstation.crashed_at = self._clock()
        _enter(workstation, Phase.STOPPED, workstation.crashed_at, "It crashed.")

    def _backup(self, ref: str, backup_id: str) -> _Backup | None:
        backup = self.world.backups.get(backup_id)
        if backup is None or backup.ref != ref:
            return None
        if backup.spoilt is Misbehaviour.LOSES_BACKUP and backup.times_seen:
            return None
        return backup

    def _running(self, ref: str) -> _Workstation:
        workstation = self._current(ref)
        if workstation is None or workstation.phase is not Phase.RUNNING:
            raise RetryableError("No desktop is there now.")
        return workstation

    def _complete(self, ref: str, backup_id: str) -> _Backup:
        backup = self._backup(ref, backup_id)
        is_spoilt = backup is not None and backup.spoilt in _FAILING
        if backup is None or is_spoilt or self._clock() < backup.due:
            raise PermanentError("There is no such backup.", reason=Reason.BACKUP)
        return backup

    def _disk(self, ref: str) -> _Disk:
        workstation = self._current(ref)
        if workstation is None or workstation.disk is None:
            raise KeyError(ref)
        return workstation.disk

    # What it was told.

    def _stumble(self, ref: str) -> None:
        if self._is_told(ref, Misbehaviour.RETRYABLE):
            raise RetryableError("It was told to.")
        if self._is_told(ref, Misbehaviour.OUT_OF_REACH):
            raise OutOfReachError("The host n2 of the workstation does not answer.")
        workstation = self.world.workstations.get(ref)
        if workstation is not None and workstation.host in self.lost_hosts:
            raise OutOfReachError(
                f"The host {workstation.host} of the workstation does not answer."
            )

    def _is_told(self, ref: str, what: Misbehaviour) -> bool:
        for key in ((ref, what), (None, what)):
            if self._told[key]:
                self._told[key] -= 1
                return True
        return False

    def _first_told(self, ref: str, *kinds: Misbehaviour) -> Misbehaviour | None:
        return next((what for what in kinds if self._is_told(ref, what)), None)


class _InMemory:
    """A file of a simulated backup."""

    def __init__(self, content: bytes) -> None:
        self._rest = io.BytesIO(content)
        self.size_bytes = len(content)

    def read(self, size: int) -> bytes:
        return self._rest.read(size)

    def close(self) -> None:
        self._rest.close()


def _parts(path: str) -> list[str]:
    parts = [part for part in path.split("/") if part]
    if "\0" in path or {".", ".."} & set(parts):
        raise NoSuchEntryError("A path goes down from the home, by names.")
    return parts


_PLENTY = 100
"""What is told of a place without limits."""
_ONE = Capacity(cpus=4, memory_bytes=16 * 1024**3, gpus=0)


def _times(number: int) -> Capacity:
    return Capacity(cpus=_ONE.cpus * number, memory_bytes=_ONE.memory_bytes * number, gpus=0)


_FAILING = (Misbehaviour.FAILS_BACKUP, Misbehaviour.LOSES_STORE)
_ALIVE = frozenset({Phase.STARTING, Phase.PREPARED, Phase.RUNNING})


def _enter(workstation: _Workstation, phase: Phase, moment: datetime, detail: str = "") -> None:
    workstation.phase, workstation.since, workstation.detail = phase, moment, detail
    workstation.reason = Reason.INTERNAL


def _must_be_stopped(workstation: _Workstation) -> None:
    if workstation.phase in {*_ALIVE, Phase.STOPPING}:
        raise RetryableError("The workstation is not stopped yet.")


def _address(ref: str) -> Address:
    return Address(
        place=SocketFolder(directory=f"/nonexistent/simulated/{ref}", uid=65_534),
        name="stream.sock",
    )


def _pretend(script: Script) -> tuple[int, str]:
    """Understand of a shell only `echo WORDS` and `exit CODE`: enough to tell how it went."""
    said, code = [], 0
    for line in script.text.splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "echo":
            said.append(rest.strip("'\""))
        if word == "exit":
            code = int(rest or 0)
            break
    output = "".join(f"{line}\n" for line in said)
    for name, value in script.environment.items():
        output = output.replace(f"${name}", value)
    for secret in script.secrets:
        output = output.replace(secret, "***") if len(secret) >= _SHORTEST_SECRET else output
    return code, output


def make(settings: Settings, clock: Clock) -> SimulatedEngine:
    """Make the engine from the service's settings; the entry point of this module."""
    del settings
    return SimulatedEngine(clock)
