"""The engine that runs each workstation as an instance of Incus.

Made by wiring, called by the reconcilers. It keeps nothing in memory that it could not find again:
what was asked for and how far it came is in the instance's own configuration (records.py), and
whether it runs is Incus's word.
"""

import json
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import msgspec
import structlog

from soundstage.engines import admission, telling
from soundstage.engines.admission import Promise
from soundstage.engines.incus import bundle, drawing, sizing
from soundstage.engines.incus.client import Client
from soundstage.engines.incus.connection import NotFoundError
from soundstage.engines.incus.copies import Copies
from soundstage.engines.incus.events import Lifecycle
from soundstage.engines.incus.examining import Examination
from soundstage.engines.incus.instances import Workstations
from soundstage.engines.incus.judgement import Known, judge
from soundstage.engines.incus.lost import Lost
from soundstage.engines.incus.names import home_of, instance_of, ref_of
from soundstage.engines.incus.news import News
from soundstage.engines.incus.pacing import Pace
from soundstage.engines.incus.place import Place
from soundstage.engines.incus.records import Seat, Status, Workstation, kept
from soundstage.engines.incus.settings import IncusSettings
from soundstage.engines.incus.sizing import Sizing
from soundstage.engines.incus.starting import Starter
from soundstage.engines.incus.volumes import Volumes
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
from soundstage.engines.keeping import Wish, without_secrets
from soundstage.engines.pictures import Pictures
from soundstage.engines.repository.kept import KeepsBackups
from soundstage.engines.repository.opening import open_repository
from soundstage.kit import pinned
from soundstage.kit.jobs import Cancellation, Jobs
from soundstage.kit.places import TlsHost, open_place

_log = structlog.get_logger(__name__)

_LOCKS = 64
_KINDLY = 10
"""Seconds that a desktop gets to close."""
_AT_THE_LATEST = 14.0
# Their threads only wait, and one that waits long must not keep others from beginning.
_STARTS_AT_ONCE = 64
_REMOVALS_AT_ONCE = 16
_LEFT = "what was left"
_HEALTH = b"GET /api/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
_AT_REST = (Phase.STOPPED, Phase.FAILED, Phase.ABSENT)
_TELLING = {"instance-started", "instance-stopped", "instance-shutdown", "instance-deleted"}


class IncusEngine(KeepsBackups, Engine):
    """Workstations of one Incus; also keeps homes between runs, and backups."""

    def __init__(self, settings: IncusSettings, *, client: Client | None = None) -> None:
        self._settings = settings
        self._client = client or Client(settings.target, settings.project)
        repository = open_repository(
            settings.home, settings.backup_repository, settings.backup_credentials
        )
        super().__init__(repository)
        self._place = Place(self._client, settings)
        self._sizing = Sizing(settings, self._place)
        self._lost = Lost(self._client, settings)
        self._workstations = Workstations(self._client, self._lost)
        self._copies = Copies(self._client, settings, self._lost)
        self._copies.clear()
        self._volumes = Volumes(self._client, settings, self._repository, self._copies)
        self._identity = pinned.identity(settings.home / "keys")
        self._listener: Callable[[str], None] | None = None
        self._pace = Pace()
        self._news = News()
        self._starter = Starter(
            self._client,
            settings,
            place=self._place,
            workstations=self._workstations,
            volumes=self._volumes,
            pace=self._pace,
            news=self._news,
            identity=self._identity,
            notify=self._notify,
        )
        self._pictures = Pictures(lambda ref: self.observe(ref).address, self._identity)
        self._starts = Jobs(threads=_STARTS_AT_ONCE)
        self._removals = Jobs(threads=_REMOVALS_AT_ONCE)
        self._locks = [threading.RLock() for _ in range(_LOCKS)]
        self._admission = threading.Lock()

    def close(self) -> None:
        """Let go of Incus; workstations go on."""
        self._client.close()

    def listen(self, listener: Callable[[str], None]) -> None:
        """Have the listener called when a start or a stop has come to its end."""
        self._listener = listener
        self._client.listen(self._hear)
        self._removals.begin(_LEFT, lambda _: self._tidy())

    def _tidy(self) -> None:
        """Remove what the last life of the service could not, or had no time to."""
        self._lost.try_again()
        with suppress(NotFoundError):
            there = self._workstations.all()
            present = {each.ref: each.generation for each in there}
            self._volumes.remove_older({k: v for k, v in present.items() if v is not None})

    def _hear(self, happened: Lifecycle) -> None:
        ref = ref_of(happened.name)
        if happened.action in _TELLING and happened.project == self._settings.project and ref:
            self._notify(ref)

    def _notify(self, ref: str) -> None:
        if self._listener is not None:
            self._listener(ref)

    # -- reading -------------------------------------------------------------------------------

    def observe(self, ref: str) -> Observed:
        return self._observed(ref, self._workstations.read(ref))

    def _observed(
        self, ref: str, workstation: Workstation | None, *, is_keeper_asked: bool = True
    ) -> Observed:
        if workstation is None:
            return judge(Known(workstation=None, home=self._home_of(ref)))
        is_wanted = workstation.record.wanted == "running"
        address = self._answering(workstation) if is_wanted else None
        if is_keeper_asked and address is None and self._may_say_more(workstation):
            workstation = self._hear_keeper(workstation) or workstation
        elif self._is_lost(workstation):
            self._workstations.note(ref, kept(lost_at=time.time()))
        noted = self._starter.noted(ref)
        observed = judge(Known(workstation=workstation, address=address, noted=noted))
        host = self._place.name_of(workstation.member)
        observed = msgspec.structs.replace(observed, host=host)
        if observed.phase is Phase.STOPPED and self._starts.is_running(ref):
            # A start that was called off looks once more before it does something.
            observed = msgspec.structs.replace(observed, phase=Phase.STOPPING)
        if observed.phase is Phase.STARTING:
            # A start that is on its way here gives notice when it has ended.
            is_noticed = self._listener is not None and self._starts.is_running(ref)
            observed = msgspec.structs.replace(observed, is_noticed=is_noticed)
            if self._pace.is_waiting(ref):
                detail = "waiting until others have started"
                observed = msgspec.structs.replace(observed, detail=detail)
        if observed.phase is not Phase.RUNNING:
            return observed
        shortfall = self._sizing.shortfall(workstation.record.spec.instance_type)
        return msgspec.structs.replace(observed, shortfall=shortfall)

    def _may_say_more(self, workstation: Workstation) -> bool:
        """Reports whether its keeper is to be asked, which costs a process inside. Before the
        desktop is begun there is none.
        """
        is_begun = workstation.is_running and workstation.begun == workstation.attempt
        return is_begun and self._news.is_due(workstation.ref)

    def _home_of(self, ref: str) -> int | None:
        with suppress(NotFoundError):
            return self._volumes.newest(ref)
        return None

    def _answering(self, workstation: Workstation) -> Address | None:
        """Where its desktop says that it is well."""
        status, door = workstation.own_status, workstation.door
        if not workstation.is_running or status is None or status.phase != "running":
            return None
        if door is None or door.attempt != workstation.attempt or not door.host:
            return None
        has_files = workstation.record.spec.transfers.are_any
        ports = dict(zip((telling.STREAM_SOCKET, telling.FILES_SOCKET), door.ports, strict=True))
        place = TlsHost(host=door.host, ports=ports, certificate=door.certificate)
        try:
            with open_place(
                place, telling.STREAM_SOCKET, self._identity, timeout=0.5
            ) as connection:
                connection.sendall(_HEALTH)
                is_well = connection.recv(64).split(b" ", 2)[1:2] == [b"200"]
        except TimeoutError:
            # One that is slow to speak, on a host under load, is what it was before.
            is_well = True
        except OSError:
            return None
        files = telling.FILES_SOCKET if has_files else None
        address = Address(place=place, name=telling.STREAM_SOCKET, files=files)
        return address if is_well else None

    def _hear_keeper(self, workstation: Workstation) -> Workstation | None:
        """Ask the keeper how far it is; keep its word if that is more than is kept."""
        ref = workstation.ref
        try:
            text = self._client.read_file(instance_of(ref), bundle.STATUS)
            status = msgspec.json.decode(text, type=Status)
        except (PermanentError, msgspec.DecodeError):
            return None
        if status.attempt != workstation.attempt:
            return None
        known = workstation.own_status
        if known is None or known.phase != status.phase:
            if status.phase != "starting":
                with suppress(RetryableError, NotFoundError):
                    self._starter.keep(ref, status)
            return msgspec.structs.replace(workstation, status=status)
        if status.phase == "ended":
            self._starter.end(ref)
        return None

    def _is_lost(self, workstation: Workstation) -> bool:
        """Reports whether it is gone without a last word, which is not written down yet."""
        status = workstation.own_status
        is_gone = workstation.record.wanted == "running" and not workstation.is_running
        has_run = status is not None and status.phase in {"prepared", "running"}
        return is_gone and has_run and workstation.lost_at is None

    def refs(self) -> set[str]:
        with suppress(NotFoundError):
            instances = {each.ref for each in self._workstations.all()}
            return instances | {home.ref for home in self._volumes.all()}
        return set()

    def capabilities(self) -> list[Capability]:
        isolation = "an unprivileged container with ids of its own, on a network port of its own"
        holds = self._place.holds_still()
        still = (
            "the storage pool copies a volume as it is at one moment"
            if holds
            else f"a pool of the kind {self._place.driver()} can't; stop it for a backup"
        )
        names = ", ".join(map(str, self._settings.shared_folders))
        folders = f"allowed are {names}" if names else "SOUNDSTAGE_SHARED_FOLDERS allows none"
        return [
            *self._sizing.capabilities(),
            Capability(name="isolation", available=True, detail=isolation),
            Capability(
                name="root-scripts",
                available=True,
                detail="initialization scripts run as the workstation's own root",
            ),
            Capability(name="shared-folders", available=bool(names), detail=folders),
            Capability(name="backup-while-running", available=holds, detail=still),
        ]

    def examine(self) -> list[Capability]:
        found = Examination(self._client, self._settings, self._place, self._lost).all()
        return [*found, self.look_at_backups()]

    # -- changing ------------------------------------------------------------------------------

    def ensure_running(self, ref: str, spec: Spec) -> None:
        if self._starts.is_running(ref):
            return
        self._place.ensure()
        image = self._place.image(spec.image)
        with self._lock(ref):
            found = self._workstations.read(ref)
            if found is not None and (
                found.record.wanted == "absent" or spec.attempt < found.attempt
            ):
                return
            if self._starts.is_running(ref):
                return
            is_new = found is None or spec.attempt > found.attempt
            # One that is told to go on, and can't, is found out by that.
            waited = found is not None and not is_new and found.record.spec.waits
            is_claim = waited and not spec.waits
            observed = self._observed(ref, found, is_keeper_asked=not is_claim)
            if observed.phase in (Phase.STOPPING, Phase.RUNNING):
                return
            if observed.phase in (Phase.STOPPED, Phase.FAILED) and not is_new:
                return
            if observed.phase is Phase.PREPARED and spec.waits:
                return
            self._expect_no_copy(ref, spec, observed)
            if found is not None and is_new:
                self._starts.forget_failure(ref)
            _expect_no_pause(self._starts, ref)
            # What it asks for that can't be is said before anything is changed.
            drawing.shared(self._settings, spec)
            creation = ""
            if found is None or is_new:
                creation = self._begin(ref, spec, found, image)
            elif is_claim:
                going = msgspec.structs.replace(found.record, spec=without_secrets(spec))
                self._workstations.note(ref, kept(record=going))
            self._starts.begin(ref, lambda c: self._starter.start(c, ref, spec, creation))

    def _begin(self, ref: str, spec: Spec, before: Workstation | None, image: str) -> str:
        """Write down what is asked for; the operation that makes the instance, if one does."""
        with self._admission:
            seat = before.seat if before is not None else self._seat(spec)
            record = Wish(
                spec=without_secrets(spec),
                wanted="running",
                asked_at=time.time(),
                promise=self._admit(ref, spec, seat),
            )
            if before is not None:
                gone = kept(failure=None, marks=None, status=None, door=None, lost_at=None)
                facts = {**kept(record=record), **gone}
                self._workstations.note(ref, facts)
                return ""
            # A home that outlived its instance is taken up again.
            generation = self._home_of(ref)
            facts = kept(record=record, built=spec.attempt, generation=generation, seat=seat)
            facts = {key: value for key, value in facts.items() if value}
            body = drawing.bare(self._settings, instance_of(ref), image, facts)
            return self._workstations.begin(ref, body)

    def _seat(self, spec: Spec) -> Seat | None:
        """Choose a host; None where there is but one."""
        if not self._place.is_cluster():
            if spec.avoid and (name := self._place.name_of("")) in spec.avoid:
                raise admission.refuse_closed(name)
            return None
        # In this order: of a host that is back only since the first question nobody may know whom
        # it has, and an address there could be given a second time.
        members = self._place.members()
        there = self._workstations.all()
        seat = self._sizing.seat(spec.instance_type, members, there, time.time(), spec.avoid)
        # It may have joined just now, and is closed before anything runs on it.
        self._place.ensure()
        _log.info("incus.placed", member=seat.member, why=seat.why)
        return seat

    def _admit(self, ref: str, spec: Spec, seat: Seat | None) -> Promise:
        """Called with the lock of all starts held, so that no two are given the same room."""
        member = "" if seat is None else seat.member
        there = [each for each in self._workstations.all() if each.member == member]
        holdings = sizing.holdings(there, time.time())
        is_heal = holdings.pop(ref, None) is not None
        return self._sizing.promise(spec.instance_type, holdings, is_heal=is_heal, member=member)

    def ensure_stopped(self, ref: str) -> None:
        with self._lock(ref):
            found = self._workstations.read(ref)
            if found is None or found.record.wanted == "absent":
                return
            self._starts.cancel(ref)
            phase = self.observe(ref).phase
            record = found.record
            if phase in (Phase.STARTING, Phase.PREPARED, Phase.RUNNING):
                record = msgspec.structs.replace(
                    record, wanted="stopped", asked_at=time.time(), promise=None
                )
                self._workstations.note(ref, kept(record=record))
            elif record.promise is not None and not found.is_running:
                # It is wanted at rest: nobody will heal it.
                record = msgspec.structs.replace(record, promise=None)
                self._workstations.note(ref, kept(record=record))
            if found.is_running:
                self._switch_off(ref, asked_at=record.asked_at, is_new=phase is not Phase.STOPPING)

    def _switch_off(self, ref: str, *, asked_at: float, is_new: bool) -> None:
        if time.time() - asked_at > _AT_THE_LATEST:
            self._starter.end(ref)
            return
        if not is_new:
            return
        body = {"action": "stop", "timeout": _KINDLY, "force": False}
        with suppress(PermanentError):
            self._client.begin("PUT", f"/instances/{instance_of(ref)}/state", body)

    def ensure_absent(self, ref: str) -> None:
        with self._lock(ref), suppress(NotFoundError):
            found = self._workstations.read(ref)
            if found is not None and found.record.wanted != "absent":
                record = msgspec.structs.replace(found.record, wanted="absent", promise=None)
                self._workstations.note(ref, kept(record=record))
            if found is None and not self._has_homes(ref):
                return
            self._starts.cancel(ref)
            self._repository.give_up(ref)
            if self._starts.is_running(ref):
                # It looks before its next step; what it waits for inside ends with the instance.
                if found is not None and found.is_running:
                    self._starter.end(ref)
                return
            _expect_no_pause(self._removals, ref)
            self._removals.begin(ref, lambda c: self._remove(c, ref))

    def _has_homes(self, ref: str) -> bool:
        return any(home.ref == ref for home in self._volumes.all())

    def _remove(self, cancellation: Cancellation, ref: str) -> None:
        """The instance last, so that half a removal is found again."""
        self._workstations.settle(ref)
        found = self._workstations.read(ref)
        if found is not None and found.is_running:
            with suppress(PermanentError):
                body = {"action": "stop", "timeout": 0, "force": True}
                self._client.do("PUT", f"/instances/{instance_of(ref)}/state", body)
        cancellation.check()
        self._take_home_away(ref)
        self._volumes.remove_all(ref)
        self._workstations.remove(ref)
        self._starts.forget_failure(ref)
        self._notify(ref)

    def _take_home_away(self, ref: str) -> None:
        def edit(instance: dict[str, dict[str, str]]) -> None:
            instance["devices"].pop("home", None)
            instance["config"].update(kept(generation=None))

        with suppress(NotFoundError):
            self._workstations.change(ref, edit)

    # -- size ----------------------------------------------------------------------------------

    def room(self, *, avoid: Collection[str] = ()) -> Room:
        self._place.ensure()
        return self._sizing.room(self._workstations.all(), time.time(), avoid)

    def host_names(self) -> list[str]:
        return [self._place.name_of(each.name) for each in self._place.members()]

    def hosts(self) -> list[ObservedHost]:
        self._place.ensure()
        lost = self._workstations.out_of_reach()
        return self._sizing.hosts(self._workstations.all(), lost, time.time())

    def shortfalls(self, instance_types: Sequence[str], volume: Volume) -> list[str]:  # noqa: ARG002 -- what is limited here is so at every size.
        return self._sizing.shortfalls(instance_types)

    # -- people and programs -------------------------------------------------------------------

    def show_message(self, ref: str, message: Message) -> None:
        self._expect_desktop(ref)
        told = json.dumps(msgspec.to_builtins(message))
        done = self._client.run(instance_of(ref), *bundle.ask("show", told))
        if done.output.strip() != b"shown":
            raise RetryableError("the desktop takes no message just now")

    def script_output(self, ref: str) -> list[ScriptOutput]:
        found = self._workstations.read(ref)
        if found is None:
            return []
        numbers = sorted(found.scripts)
        return [each.of(number) for number in numbers for each in found.scripts[number]]

    def picture(self, ref: str) -> bytes:
        return self._pictures.of(ref)

    def observe_use(self, ref: str) -> Use:
        self._expect_desktop(ref)
        name = instance_of(ref)
        streaming = self._client.run(name, *bundle.ask("streaming"))
        state = self._client.get(f"/instances/{name}/state")
        try:
            seconds = state["cpu"]["usage"] / 1e9 - float(streaming.output)
        except (KeyError, ValueError):
            raise RetryableError("what it has used is not known just now") from None
        return Use(cpu_seconds=max(0.0, seconds))

    def _expect_desktop(self, ref: str) -> None:
        found = self._workstations.read(ref)
        status = None if found is None else found.own_status
        if found is None or not found.is_running or status is None or status.phase != "running":
            raise RetryableError("no desktop is there now")

    # -- volumes and backups -------------------------------------------------------------------

    def ensure_volume_absent(self, ref: str) -> None:
        with self._lock(ref):
            self._expect_rest(ref)
            if self._repository.copying(ref) is not None:
                raise RetryableError("the disk is being copied; it is removed when that is done")
            self._take_home_away(ref)
            with suppress(NotFoundError):
                self._volumes.remove_homes(ref)

    def ensure_backup(self, ref: str, backup_id: str, *, live: bool = False) -> None:
        with self._lock(ref):
            observed = self.observe(ref)
            is_running = observed.phase is Phase.RUNNING
            if not (live and is_running):
                self._expect_rest(ref)
            elif not self._place.holds_still():
                raise PermanentError(
                    "a running workstation can't be copied here, stop it first: a storage pool of "
                    f"the kind {self._place.driver()} takes no snapshots",
                    reason=Reason.BACKUP,
                )
            if observed.volume_generation is None:
                raise PermanentError("there is no volume to back up", reason=Reason.BACKUP)
            home = home_of(ref, observed.volume_generation)

            def source(cancellation: Cancellation) -> AbstractContextManager[Path]:
                return self._copies.opened(cancellation, ref, backup_id, home)

            self._repository.ensure(ref, backup_id, source)

    def _expect_no_copy(self, ref: str, spec: Spec, observed: Observed) -> None:
        """A disk that is being copied may neither be written to nor be swapped."""
        copying = self._repository.copying(ref)
        is_kept = observed.volume_generation == spec.volume.generation
        if copying is not None and not (self._place.holds_still() and is_kept):
            raise RetryableError("the disk is being copied; it starts when that is done")

    def _expect_rest(self, ref: str) -> None:
        phase = self.observe(ref).phase
        if phase not in _AT_REST:
            raise RetryableError(f"the workstation is {phase}, not stopped")

    def _lock(self, ref: str) -> threading.RLock:
        return self._locks[sum(ref.encode()) % _LOCKS]


def _expect_no_pause(jobs: Jobs, ref: str) -> None:
    """Raises RetryableError while what failed a short while ago is not to be tried again."""
    failed = jobs.pause(ref)
    if failed is not None:
        left = max(0.1, failed.until - time.monotonic())
        said = f"{failed.why} (tried {failed.times} times, again in {left:.0f} s)"
        raise RetryableError(said, after_seconds=left)
