"""The engine that runs each workstation as a desktop in a sandbox on this host.

Made by wiring, called by the reconcilers. It keeps nothing in memory that it could not find again:
what was asked for is in the record, how far it came in the supervisor's status, and whether it
lives in the supervisor's lock (see records.py).
"""

import os
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from soundstage.engines import admission, shares, watches
from soundstage.engines.admission import Promise, rules_of
from soundstage.engines.identities import Identities, identities, of_slot, own_subordinates
from soundstage.engines.images.catalogue import HOST
from soundstage.engines.images.catalogue import catalogue as catalogue_of_images
from soundstage.engines.instance_types import sizes_of
from soundstage.engines.interface import (
    Address,
    Capability,
    Engine,
    Message,
    Observed,
    ObservedHost,
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
from soundstage.engines.keeping import without_secrets
from soundstage.engines.pictures import Pictures
from soundstage.engines.repository.backups import Repository
from soundstage.engines.repository.kept import KeepsBackups
from soundstage.engines.repository.opening import open_repository
from soundstage.engines.sandbox.host import cgroups, use
from soundstage.engines.sandbox.keeping import process
from soundstage.engines.sandbox.keeping.judgement import Known, judge
from soundstage.engines.sandbox.keeping.notices import Listener, Notices
from soundstage.engines.sandbox.keeping.process import Life
from soundstage.engines.sandbox.keeping.records import Record, Records, Status, next_uid
from soundstage.engines.sandbox.keeping.reservations import Reservations
from soundstage.engines.sandbox.keeping.sizing import Sizing
from soundstage.engines.sandbox.keeping.stillness import Stillness
from soundstage.engines.sandbox.keeping.volumes import Phase as VolumePhase
from soundstage.engines.sandbox.keeping.volumes import Volumes
from soundstage.engines.sandbox.settings import SandboxSettings
from soundstage.engines.sandbox.walls import machine, mounts, plan
from soundstage.engines.telling import FILES_SOCKET, STREAM_SOCKET
from soundstage.kit.clock import Clock
from soundstage.kit.config import ConfigError, Settings
from soundstage.kit.places import SocketFolder

# Locks are spread over this many files, which are never removed.
_LOCKS = 64
_WATCHES = 4
"""Inotify instances that a desktop takes, an artist's programs included."""
_DIES_WITHIN = 0.5
_GONE = (Life.ENDED, Life.LOST)
_ON_ITS_WAY = (Phase.STARTING, Phase.PREPARED)
_AT_REST = (Phase.STOPPED, Phase.FAILED, Phase.ABSENT)


class SandboxEngine(KeepsBackups, Engine):
    """Workstations of this host; also keeps volumes between runs, and backups."""

    def __init__(
        self,
        settings: SandboxSettings,
        *,
        volumes: Volumes | None = None,
        repository: Repository | None = None,
    ) -> None:
        if settings.isolation == "none" and not settings.loopback_only:
            raise PermanentError(
                "workstations without sandboxes are only allowed while the service listens on "
                "loopback alone: unset SOUNDSTAGE_SANDBOX, or set SOUNDSTAGE_HOST to 127.0.0.1"
            )
        self._settings = settings
        self._name = socket.gethostname()
        # Whether each workstation gets a user of its own.
        self._has_users = os.geteuid() == 0 and settings.isolation == "bubblewrap"
        self._records = Records(settings.workstations)
        super().__init__(repository or repository_of(settings))
        self._volumes = volumes or Volumes(settings.home / "volumes", self._repository)
        own_groups = Path("/proc/self/cgroup").read_text()
        # Another installation's groups are none of our left-overs.
        self._groups = cgroups.find(
            settings.cgroup_root, own_groups, f"soundstage-{settings.digest}"
        )
        self._sizing = Sizing(settings, self._groups, as_root=self._has_users)
        self._reservations = Reservations(self._records, self._volumes)
        self._stillness = Stillness(
            self._groups, lambda ref: settings.workstations / ref, settings.interpreter
        )
        self._notices = Notices()
        self._pictures = Pictures(lambda ref: self.observe(ref).address)
        self._machine_lock = threading.Lock()
        self._machine_is_well = False
        # Only spares a busy desktop a doubt; lost without harm.
        self._seen_well: set[tuple[str, int, int | None]] = set()

    def listen(self, listener: Listener) -> None:
        """Have the listener called when a start or a stop has come to its end."""
        self._notices.listen(listener)

    # -- reading -------------------------------------------------------------------------------

    def observe(self, ref: str) -> Observed:
        record = self._records.read(ref)
        # The lock before the status: a supervisor writes its last word before it lets go.
        locked = self._records.is_alive(ref)
        status = self._records.status(ref)
        known = Known(
            record=record,
            status=status,
            life=process.life_of(status, locked=locked),
            volume=self._volumes.observe(ref),
        )
        if known.life is Life.ALIVE:
            self._stillness.settle(ref)
        if record is not None and known.life is Life.ALIVE and status is not None and status.ready:
            address = self._answering(ref, record, status)
            known = msgspec.structs.replace(known, address=address)
        observed = judge(known)
        if observed.phase is not Phase.ABSENT:
            observed = msgspec.structs.replace(observed, host=self._name)
        if record is None or observed.phase is not Phase.RUNNING:
            return observed
        shortfall = self._sizing.shortfall(record.spec.instance_type)
        return msgspec.structs.replace(observed, shortfall=shortfall)

    def _answering(self, ref: str, record: Record, status: Status) -> Address | None:
        directory, uid = self._records.directory(ref) / "stream", self._host_uid(record)
        which = (ref, status.pid, status.start_time)
        was_well = which in self._seen_well
        is_held = was_well and self._stillness.is_held(ref)
        if not is_held and not process.answers(directory, uid, was_well=was_well):
            return None
        self._seen_well.add(which)
        return Address(
            place=SocketFolder(directory=str(directory), uid=uid),
            name=STREAM_SOCKET,
            files=FILES_SOCKET if record.spec.transfers.are_any else None,
        )

    def refs(self) -> set[str]:
        return self._records.refs() | self._volumes.refs() | cgroups.refs(self._groups)

    def capabilities(self) -> list[Capability]:
        return [
            *self._sizing.capabilities(),
            Capability(
                name="isolation",
                available=self._settings.isolation == "bubblewrap",
                detail=self._isolation_detail(),
            ),
            Capability(
                name="root-scripts", available=not self._why_no_root(), detail=self._root_detail()
            ),
            *mounts.capabilities(self._settings, why_no_users=self._why_no_root()),
            *self._volumes.capabilities(),
            self._stillness.capability(),
            # As root each workstation is a user of its own.
            *([] if self._has_users else [watches.capability(_WATCHES)]),
        ]

    def _root_detail(self) -> str:
        return self._why_no_root() or "initialization scripts run as the workstation's own root"

    def _why_no_root(self) -> str:
        """Why workstations have no users of their own beside the artist; empty when they do."""
        if self._settings.isolation == "none":
            return "root scripts and shared file systems need walls: unset SOUNDSTAGE_SANDBOX"
        if self._has_users:
            return ""
        own = own_subordinates()
        why = own if isinstance(own, str) else machine.users_refused(own)
        return f"root scripts and shared file systems are not available: {why}" if why else ""

    def _isolation_detail(self) -> str:
        if self._settings.isolation == "none":
            return (
                "switched off: every workstation can read what the service can, and one whose "
                "supervisor is killed leaves programs behind"
            )
        if self._has_users:
            return "namespaces, and a user of its own for each workstation"
        return "namespaces; all workstations run as the service's own user of the host"

    # -- changing ------------------------------------------------------------------------------

    def ensure_running(self, ref: str, spec: Spec) -> None:
        plan.image_of(self._settings, spec.image)
        self._sizing.share(spec.instance_type)
        self._expect_a_fit_machine()
        with self._lock(ref):
            observed = self.observe(ref)
            record = self._records.read(ref)
            if record is not None and (
                record.wanted == "absent" or spec.attempt < record.spec.attempt
            ):
                return
            is_new = record is None or spec.attempt > record.spec.attempt
            if observed.phase is Phase.ABSENT and self._name in spec.avoid:
                raise admission.refuse_closed(self._name)
            if observed.phase in (Phase.STOPPING, Phase.RUNNING):
                return
            if observed.phase in (Phase.STOPPED, Phase.FAILED) and not is_new:
                return
            if record is not None and not is_new:
                record = self._let_go_on(ref, record, spec)
            if observed.phase in _ON_ITS_WAY and self._records.is_alive(ref):
                return
            self._expect_no_copy(ref, spec, observed)
            if record is None or is_new:
                record = self._begin(ref, spec, record)
            self._go_on(ref, record, spec)

    def _begin(self, ref: str, spec: Spec, before: Record | None) -> Record:
        with self._records.lock("uids"):
            if before is not None:
                uid, machine_id = before.uid, before.machine_id
            else:
                uid = next_uid(self._settings.lowest_uid, self._records.uids())
                machine_id = secrets.token_hex(16)
            record = Record(
                uid=uid,
                spec=without_secrets(spec),
                wanted="running",
                asked_at=time.time(),
                machine_id=machine_id,
                promise=self._admit(ref, spec, before),
            )
            self._records.write(ref, record)
        self._volumes.clear_failure(ref)
        return record

    def _admit(self, ref: str, spec: Spec, before: Record | None) -> Promise:
        """Called with the lock of all starts held, so that no two are given the same room."""
        holdings = self._reservations.holdings()
        is_heal = before is not None and holdings.pop(ref, None) is not None
        return self._sizing.promise(spec.instance_type, holdings, is_heal=is_heal)

    def _let_go_on(self, ref: str, record: Record, spec: Spec) -> Record:
        """One that waits, or would, waits no more if that is asked for; said as often as it takes
        until it is seen to have begun.
        """
        if spec.waits:
            return record
        if record.spec.waits:
            going = msgspec.structs.replace(record.spec, waits=False)
            record = msgspec.structs.replace(record, spec=going)
            self._records.write(ref, record)
        status = self._records.status(ref)
        if status is not None and status.attempt == spec.attempt and status.phase == "prepared":
            self._tell(ref, process.let_go_on)
            self._notices.watch(ref, lambda: self._has_started(ref, spec))
        return record

    def _go_on(self, ref: str, record: Record, spec: Spec) -> None:
        """From a record without a supervisor: the volume first, then the sandbox."""
        self._expect_what_it_asks_for(record, spec)
        volume = self._volumes.observe(ref)
        if volume.phase is VolumePhase.FAILED:
            return
        if volume.phase is not VolumePhase.READY or volume.generation != spec.volume.generation:
            self._volumes.ensure(ref, spec.volume, self._host_uid(record))
            volume = self._volumes.observe(ref)
            if volume.phase is not VolumePhase.READY or volume.directory is None:
                return
        if volume.directory is None:
            return
        life_lock = self._records.take_life(ref)
        if life_lock is None:
            return
        try:
            self._start(ref, record, spec, volume.directory, life_lock)
        finally:
            # The supervisor has it as well by now; should this process die before, nobody has.
            os.close(life_lock)

    def _start(self, ref: str, record: Record, spec: Spec, volume: Path, life_lock: int) -> None:
        directory = self._records.directory(ref)
        self._volumes.clear_scratch(ref)
        self._make_stream_directory(directory / "stream", self._host_uid(record))
        promise = record.promise
        if promise is None:
            # Begun by a release that did not count yet.
            promise = self._sizing.promise(spec.instance_type, {}, is_heal=True)
        limits = self._sizing.limits(promise, spec.volume)
        groups = cgroups.ensure(self._groups, ref, limits)
        document = plan.supervisor_plan(
            self._settings,
            record,
            spec,
            directory=directory,
            volume=volume,
            cgroups=groups,
            as_root=self._has_users,
            ids=self._identities(record),
            gpus=self._sizing.cards(promise),
        )
        process.spawn(self._settings.interpreter, document, life_lock)
        self._notices.watch(ref, lambda: self._has_started(ref, spec))

    def _has_started(self, ref: str, spec: Spec) -> bool:
        """Reports whether a start has ended, well or not."""
        status = self._records.status(ref)
        if status is None or status.attempt != spec.attempt:
            return False
        return status.phase != "starting" and (spec.waits or status.phase != "prepared")

    def ensure_stopped(self, ref: str) -> None:
        with self._lock(ref):
            record = self._records.read(ref)
            if record is None or record.wanted == "absent":
                return
            observed = self.observe(ref)
            copying = self._repository.copying(ref)
            if copying is not None and copying.is_live:
                # It begins anew when the workstation is at rest; nothing may be frozen now.
                self._repository.give_up(ref)
            if observed.phase in (*_ON_ITS_WAY, Phase.RUNNING):
                self._records.write(ref, msgspec.structs.replace(record, wanted="stopped"))
            if self._records.is_alive(ref):
                self._tell(ref, process.ask_to_stop)
                self._notices.watch(ref, lambda: not self._records.is_alive(ref))
            else:
                cgroups.end_left(self._groups, ref)
                cgroups.ensure_absent(self._groups, ref)
                self._give_place_back(ref)

    def _give_place_back(self, ref: str) -> None:
        """It is wanted at rest: nobody will heal it."""
        record = self._records.read(ref)
        if record is not None and record.promise is not None:
            self._records.write(ref, msgspec.structs.replace(record, promise=None))

    def ensure_absent(self, ref: str) -> None:
        with self._lock(ref):
            record = self._records.read(ref)
            if record is not None and record.wanted != "absent":
                self._records.write(ref, msgspec.structs.replace(record, wanted="absent"))
            self._repository.give_up(ref)
            if not self._is_ended(ref):
                return
            self._volumes.ensure_absent(ref)
            cgroups.end_left(self._groups, ref)
            if not cgroups.ensure_absent(self._groups, ref):
                return
            if self._volumes.observe(ref).phase is VolumePhase.ABSENT:
                self._records.remove(ref)

    def _is_ended(self, ref: str) -> bool:
        """Kill what is left; a dying sandbox takes some 50 ms, which is waited for here."""
        if self._records.is_alive(ref):
            # Without walls the kernel takes nothing along: the supervisor must see to it.
            has_walls = self._settings.isolation == "bubblewrap"
            self._tell(ref, process.kill if has_walls else process.ask_to_stop)
        deadline = time.monotonic() + _DIES_WITHIN
        while True:
            locked = self._records.is_alive(ref)
            if process.life_of(self._records.status(ref), locked=locked) in _GONE:
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)

    def _tell(self, ref: str, how: Callable[[Status], None]) -> None:
        """A supervisor that was only just started may not have written who it is yet."""
        status = self._records.status(ref)
        record = self._records.read(ref)
        if status is None or record is None or status.attempt != record.spec.attempt:
            raise RetryableError("the sandbox is only just being made", after_seconds=0.1)
        how(status)

    # -- size ----------------------------------------------------------------------------------

    def room(self, *, avoid: Collection[str] = ()) -> Room:
        room = self._sizing.room(self._reservations.holdings())
        return admission.closed(room) if self._name in avoid else room

    def host_names(self) -> list[str]:
        return [self._name]

    def hosts(self) -> list[ObservedHost]:
        phases = {ref: self.observe(ref).phase for ref in self.refs()}
        resting = {ref for ref, phase in phases.items() if phase in _AT_REST}
        return [
            ObservedHost(
                name=self._name,
                room=self.room(),
                running=phases.keys() - resting,
                resting=resting,
            )
        ]

    def shortfalls(self, instance_types: Sequence[str], volume: Volume) -> list[str]:  # noqa: ARG002 -- what is limited here is so at every size.
        return self._sizing.shortfalls(instance_types, self._volumes.capabilities()[0])

    # -- people and programs -------------------------------------------------------------------

    def show_message(self, ref: str, message: Message) -> None:
        with self._lock(ref):
            status = self._running(ref)
            if not status.takes_messages:
                raise PermanentError("this desktop was started before it could show messages")
            self._records.add_message(ref, status.attempt, message)
            process.point_at_messages(status)

    def script_output(self, ref: str) -> list[ScriptOutput]:
        return self._records.script_output(ref)

    def picture(self, ref: str) -> bytes:
        return self._pictures.of(ref)

    def observe_use(self, ref: str) -> Use:
        return use.observe(self._running(ref).pid, self._groups, ref)

    def _running(self, ref: str) -> Status:
        """The status of a desktop that answers."""
        status = self._records.status(ref)
        alive = self._records.is_alive(ref)
        if status is None or not alive or not status.ready or status.phase != "running":
            raise RetryableError("no desktop is there now")
        return status

    # -- volumes and backups -------------------------------------------------------------------

    def ensure_volume_absent(self, ref: str) -> None:
        with self._lock(ref):
            self._expect_rest(ref)
            if self._repository.copying(ref) is not None:
                raise RetryableError("the disk is being copied; it is removed when that is done")
            self._volumes.ensure_absent(ref)

    def ensure_backup(self, ref: str, backup_id: str, *, live: bool = False) -> None:
        with self._lock(ref):
            is_running = self.observe(ref).phase is Phase.RUNNING
            if not (live and is_running):
                self._expect_rest(ref)
            elif reason := self._stillness.why_not(ref):
                raise PermanentError(
                    f"a running workstation can't be held still here, stop it first: {reason}",
                    reason=Reason.BACKUP,
                )
            volume = self._volumes.observe(ref)
            if volume.directory is None:
                raise PermanentError("there is no volume to back up", reason=Reason.BACKUP)
            quiet = (lambda s: self._stillness.held(ref, s)) if is_running else None
            self._repository.ensure(ref, backup_id, volume.directory, quiet=quiet)

    def _expect_no_copy(self, ref: str, spec: Spec, observed: Observed) -> None:
        """A disk that is being copied may neither be written to nor be swapped."""
        copying = self._repository.copying(ref)
        is_kept = observed.volume_generation == spec.volume.generation
        if copying is not None and not (copying.is_live and is_kept):
            raise RetryableError("the disk is being copied; it starts when that is done")

    def _expect_rest(self, ref: str) -> None:
        phase = self.observe(ref).phase
        if phase not in (Phase.STOPPED, Phase.FAILED, Phase.ABSENT):
            raise RetryableError(f"the workstation is {phase}, not stopped")

    # -- this host -----------------------------------------------------------------------------

    def _lock(self, ref: str) -> AbstractContextManager[None]:
        self._records.directory(ref)
        return self._records.lock(f"{hash_of(ref) % _LOCKS:02d}")

    def _host_uid(self, record: Record) -> int:
        return record.uid if self._has_users else os.geteuid()

    def _identities(self, record: Record) -> Identities | None:
        """The users of a workstation beside the artist, where there can be any."""
        if self._why_no_root():
            return None
        if self._has_users:
            block = self._settings.block_of(record.uid)
            if block is None:
                return None
            return identities(artist=record.uid, artist_group=record.uid, users_from=block)
        own = own_subordinates()
        if isinstance(own, str):
            return None
        # The files of an image that was made here belong to the first block.
        return of_slot(0 if self._is_built(record.spec) else record.uid, *own)

    def _is_built(self, spec: Spec) -> bool:
        return self._settings.images.get(spec.image, HOST) != HOST

    def _expect_what_it_asks_for(self, record: Record, spec: Spec) -> None:
        """Scripts of root, shares and images of their own need users beside the artist.

        Raises PermanentError.
        """
        if self._identities(record) is not None:
            return
        why = self._why_no_root() or "this host has no ids left for more users"
        if any(script.as_root for script in spec.scripts):
            raise PermanentError(why, reason=Reason.SCRIPT)
        if spec.mounts:
            raise PermanentError(why, reason=Reason.MOUNT)
        if self._is_built(spec):
            raise PermanentError(f"image {spec.image}: {why}", reason=Reason.IMAGE)

    def _make_stream_directory(self, path: Path, uid: int) -> None:
        if path.is_symlink() or path.exists():
            shutil.rmtree(path)
        path.mkdir(mode=0o700)
        if self._has_users:
            os.chown(path, uid, uid, follow_symlinks=False)

    def _expect_a_fit_machine(self) -> None:
        """Asked until the answer is yes, which then holds for the life of the service."""
        with self._machine_lock:
            if self._machine_is_well:
                return
            for look in (self._programs, self._stream_environment, self._sandbox):
                found = look()
                if not found.available:
                    raise PermanentError(found.detail)
            self._machine_is_well = True

    def examine(self) -> list[Capability]:
        looks = (
            self._programs,
            self._stream_environment,
            self._sandbox,
            self.look_at_backups,
        )
        return [look() for look in looks]

    def _programs(self) -> Capability:
        missing = machine.missing_programs()
        detail = (
            f"this host lacks {', '.join(missing)}: run `make setup`"
            if missing
            else machine.versions()
        )
        return Capability(name="programs", available=not missing, detail=detail)

    def _stream_environment(self) -> Capability:
        folder = self._settings.stream_environment
        is_there = (folder / "bin" / "python3").exists()
        detail = f"the stream environment {folder} is not there: run `make setup`"
        return Capability(
            name="stream-environment",
            available=is_there,
            detail=machine.stream_version(folder) if is_there else detail,
        )

    def _sandbox(self) -> Capability:
        if self._settings.isolation == "none":
            return Capability(name="sandbox", available=True, detail="switched off")
        refused = machine.refusal(self._settings.lowest_uid if self._has_users else None)
        return Capability(
            name="sandbox", available=refused is None, detail=refused or "one was built and left"
        )


def make(settings: Settings, clock: Clock) -> SandboxEngine:  # noqa: ARG001 -- every maker gets it.
    """The engine of this installation; found by its entry point."""
    return SandboxEngine(
        SandboxSettings(
            home=settings.home,
            stream_environment=settings.stream_environment,
            isolation=settings.sandbox,
            loopback_only=settings.is_loopback,
            frames_per_second=settings.frames_per_second,
            backup_repository=settings.backup_repository,
            backup_credentials=settings.backup_credentials,
            shared_folders=shares.parse(settings.shared_folders),
            rules=rules_of(settings),
            sizes=sizes_of(settings),
            images=images_of(settings),
        )
    )


def images_of(settings: Settings) -> dict[str, str]:
    """What the operator says that images are here. Raises ConfigError."""
    try:
        return catalogue_of_images(settings.images)
    except ValueError as error:
        raise ConfigError(f"SOUNDSTAGE_IMAGES: {error}") from None


def repository_of(settings: SandboxSettings) -> Repository:
    """The backups of an installation, wherever they are kept. Raises ConfigError."""
    return open_repository(settings.home, settings.backup_repository, settings.backup_credentials)


def hash_of(ref: str) -> int:
    """The same in every process, unlike `hash`."""
    return sum(ref.encode())
