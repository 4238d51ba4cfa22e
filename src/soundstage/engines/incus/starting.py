"""Brings one workstation up, step by step; each step looks first whether it was taken already.

The engine begins it as a job and begins it again for as long as the workstation is not there: so a
service that died in between, or an Incus that did not answer, costs only time.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import structlog

from soundstage.engines.incus import bundle, drawing, graphics
from soundstage.engines.incus.client import Client
from soundstage.engines.incus.connection import NotFoundError
from soundstage.engines.incus.instances import Workstations
from soundstage.engines.incus.names import instance_of
from soundstage.engines.incus.news import News
from soundstage.engines.incus.pacing import Pace
from soundstage.engines.incus.place import Place
from soundstage.engines.incus.records import (
    Door,
    Failure,
    Marks,
    Status,
    Workstation,
    kept,
    outputs_kept,
)
from soundstage.engines.incus.settings import IncusSettings
from soundstage.engines.incus.volumes import Volumes
from soundstage.engines.interface import (
    EngineError,
    PermanentError,
    Reason,
    RetryableError,
    Spec,
    Stage,
    Volume,
)
from soundstage.engines.keeping import KeptMark
from soundstage.kit.jobs import Cancellation
from soundstage.kit.places import Identity

_DESKTOP_SECONDS = 60.0
_SCRIPTS_HOLD = 30.0
"""One with a script, which may wait for others, keeps nobody waiting behind it for longer."""
_CLEARS_WITHIN = 20.0
_NO_WAIT_SECONDS = 0.05

_log = structlog.get_logger(__name__)


class NotWantedError(Exception):
    """It was called off meanwhile."""


class Starter:
    """Starts workstations of one installation."""

    def __init__(
        self,
        client: Client,
        settings: IncusSettings,
        *,
        place: Place,
        workstations: Workstations,
        volumes: Volumes,
        pace: Pace,
        news: News,
        identity: Identity,
        notify: Callable[[str], None],
    ) -> None:
        self._client = client
        self._settings = settings
        self._place = place
        self._workstations = workstations
        self._volumes = volumes
        self._pace = pace
        self._news = news
        self._cores: dict[str, float] = {}
        self._marks: dict[str, list[KeptMark]] = {}
        """What is on its way came to; kept with the next thing that is kept of it anyway."""
        self._identity = identity
        self._notify = notify

    def start(self, cancellation: Cancellation, ref: str, spec: Spec, creation: str) -> None:
        """Go all the way; `creation` is the operation that makes the instance, if one does."""
        try:
            if creation:
                self._workstations.wait(ref, creation)
            found = self._wanted(ref, spec)
            self._marks[ref] = list(found.own_marks)
            if found.own_status is not None:
                # One whose keeper has said something is only to be told to go on.
                self._follow(ref, spec)
                return
            self._make(cancellation, ref, spec)
            self._give_home(ref, spec)
            most = self._start_together(found.member)
            self._mark(ref, Stage.TURN)
            holds = _SCRIPTS_HOLD if spec.scripts else _DESKTOP_SECONDS
            with self._pace.turn(cancellation, ref, found.member, most, holds):
                self._come_from_turn(ref)
                self._switch_on(cancellation, ref, spec)
                self._attach(ref, spec)
                self._hand_over(ref, spec)
                self._follow(ref, spec)
        except NotWantedError:
            _log.info("incus.start_called_off", ref=ref)
        except PermanentError as error:
            self._fail(ref, spec, error)
        finally:
            self._marks.pop(ref, None)
            self._notify(ref)
        self._tidy(ref)

    def noted(self, ref: str) -> list[KeptMark]:
        """What a start that is on its way here came to."""
        return list(self._marks.get(ref, []))

    def _mark(self, ref: str, stage: Stage) -> None:
        self._marks.setdefault(ref, []).append(KeptMark(stage=stage, at=time.time()))

    def _come_from_turn(self, ref: str) -> None:
        """A turn that was had at once was no step."""
        if time.time() - self._marks[ref][-1].at < _NO_WAIT_SECONDS:
            self._marks[ref].pop()
        self._mark(ref, Stage.MACHINE)

    def _marks_kept(self, ref: str, spec: Spec) -> Marks:
        return Marks(attempt=spec.attempt, marks=self.noted(ref))

    def _tidy(self, ref: str) -> None:
        """Remove homes of before, which nobody waits for; one that can't go now may at the next
        start.
        """
        try:
            found = self._workstations.read(ref)
            if found is not None and found.generation is not None:
                self._volumes.remove_older({ref: found.generation})
        except EngineError as error:
            _log.warning("incus.old_home_stays", ref=ref, error=str(error))

    def _start_together(self, member: str) -> int | None:
        """How many workstations start on a host at the same moment; None: as many as there are."""
        for_each_core = self._settings.starts_per_core
        if not for_each_core:
            return None
        if member not in self._cores:
            self._cores[member] = self._place.host(member).cpus
        return max(1, int(self._cores[member] * for_each_core))

    def _wanted(self, ref: str, spec: Spec) -> Workstation:
        """What is there now. Raises NotWantedError when this start is not wanted any more."""
        found = self._workstations.read(ref)
        if found is None:
            raise RetryableError("the instance is not there yet")
        if found.record.wanted != "running" or found.attempt != spec.attempt:
            raise NotWantedError
        return found

    def _make(self, cancellation: Cancellation, ref: str, spec: Spec) -> None:
        """Its system and its home, beside each other: one is Incus's work, and the other, where it
        comes from a backup, mostly restic's. Such a one is laid into an instance that runs by then.
        """
        found = self._wanted(ref, spec)
        is_restored = _is_restored(found, spec)
        if found.is_running and not is_restored:
            return
        self._mark(ref, Stage.DISK)
        with ThreadPoolExecutor(1, "incus-system") as beside:
            if is_restored:
                system = beside.submit(self._boot, cancellation, ref, spec)
            else:
                system = beside.submit(self._build, ref, spec)
            self._volumes.make(cancellation, ref, spec.volume, found.generation, found.member)
            system.result()

    def _boot(self, cancellation: Cancellation, ref: str, spec: Spec) -> None:
        """Have it run without a home, which its desktop alone needs. It waits for no turn: a turn
        is long because a desktop takes a core for seconds, and a restore may take hours.
        """
        found = self._wanted(ref, spec)
        if not found.is_running:
            self._build(ref, spec)
            config, devices = self._drawn(found, spec)
            del devices["home"]
            self._change(ref, {**config, **kept(built=spec.attempt)}, devices)
            self._switch_on(cancellation, ref, spec)

    def _build(self, ref: str, spec: Spec) -> None:
        """Each start has a system as the image has it; only the home persists."""
        found = self._wanted(ref, spec)
        if found.built == spec.attempt:
            return
        image = self._place.image(spec.image)
        name = instance_of(ref)
        self._workstations.rebuild(
            ref, lambda facts: drawing.bare(self._settings, name, image, facts)
        )

    def _give_home(self, ref: str, spec: Spec) -> None:
        """Write down, in one word, that its system and its home are as they should be."""
        found = self._wanted(ref, spec)
        if found.is_running and not _is_restored(found, spec):
            return
        config, devices = self._drawn(found, spec)
        facts = kept(
            built=spec.attempt,
            generation=spec.volume.generation,
            marks=self._marks_kept(ref, spec),
        )
        self._change(ref, {**config, **facts}, devices)

    def _drawn(
        self, found: Workstation, spec: Spec
    ) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        """Its limits, and its devices."""
        promise = found.record.promise
        limits = {} if promise is None else drawing.limits(self._settings, promise)
        limits |= graphics.config(self._cards(found))
        gpus = [] if promise is None else promise.gpus
        devices = drawing.devices(
            self._settings,
            found.ref,
            spec,
            gpus,
            doors=self._place.doors(found.seat),
            address=None if found.seat is None else found.seat.address,
        )
        return limits, devices

    def _change(self, ref: str, config: dict[str, str], devices: dict[str, dict[str, str]]) -> None:
        def edit(instance: dict[str, Any]) -> None:
            instance["config"].update(config)
            instance["devices"] = devices

        self._workstations.change(ref, edit)

    def _cards(self, found: Workstation) -> list[graphics.Card]:
        """Those that it was promised. One may be gone since: then the start says so."""
        promise = found.record.promise
        if promise is None or not promise.gpus:
            return []
        return [card for card in self._place.cards(found.member) if card.name in promise.gpus]

    def _switch_on(self, cancellation: Cancellation, ref: str, spec: Spec) -> None:
        found = self._wanted(ref, spec)
        if found.is_running:
            return
        if found.begun == spec.attempt:
            # It ran, and is gone: what is seen of it says how.
            raise NotWantedError
        cancellation.check()
        body = {"action": "start", "timeout": 30}
        self._client.do("PUT", f"/instances/{instance_of(ref)}/state", body)

    def _attach(self, ref: str, spec: Spec) -> None:
        """Shared file systems are there before any script runs."""
        shares = drawing.shared(self._settings, spec)
        if not shares or self._wanted(ref, spec).begun == spec.attempt:
            return
        self._mark(ref, Stage.SHARES)

        def edit(instance: dict[str, dict[str, object]]) -> None:
            instance["devices"].update(shares)

        try:
            self._workstations.change(ref, edit)
        except PermanentError as error:
            sentence = f"A shared file system can't be attached: {error}"
            raise PermanentError(sentence, reason=Reason.MOUNT) from error
        self._mark(ref, Stage.MACHINE)

    def _hand_over(self, ref: str, spec: Spec) -> None:
        """Give it its programs and its plan, and have the desktop begun."""
        found = self._wanted(ref, spec)
        if found.begun == spec.attempt:
            return
        name = instance_of(ref)
        self._run(name, bundle.PREPARE)
        packed = bundle.pack(
            spec,
            frames_per_second=self._settings.frames_per_second,
            gateway=self._identity.certificate.read_bytes(),
            encode_on=graphics.render_node(self._cards(found)),
        )
        self._client.write_file(name, bundle.BUNDLE, packed, mode=0o600)
        # Of an earlier try, if that came so far.
        certificate = self._run(name, bundle.BEGIN)
        door = Door(attempt=spec.attempt, host="", certificate=certificate)
        where = self._place.reached(name, found.seat)
        if where is not None:
            door = msgspec.structs.replace(door, host=where[0], ports=where[1])
        marks = self._marks_kept(ref, spec)
        self._workstations.note(ref, kept(begun=spec.attempt, door=door, marks=marks))

    def _run(self, name: str, command: str) -> str:
        done = self._client.run(name, "sh", "-c", command)
        if done.code != 0:
            said = (done.errors or done.output).decode(errors="replace").strip()
            raise RetryableError(f"the instance did not take its programs: {said[-300:]}")
        return done.output.decode()

    def _follow(self, ref: str, spec: Spec) -> None:
        """Wait until the keeper says how the start ended, and keep its word."""
        found = self._wanted(ref, spec)
        known = found.own_status
        is_to_go_on = known is not None and known.phase == "prepared" and not spec.waits
        if not found.is_running or not (known is None or is_to_go_on):
            return
        seconds = _DESKTOP_SECONDS + spec.script_seconds * len(spec.scripts)
        question = bundle.ask("go" if is_to_go_on else "wait")
        with self._news.awaited(ref):
            done = self._client.run(instance_of(ref), *question, seconds=seconds)
        if done.code != 0 or not done.output:
            said = done.errors.decode(errors="replace").strip().splitlines()
            raise RetryableError(f"the desktop's keeper does not answer: {said[-1:]}")
        self.keep(ref, msgspec.json.decode(done.output, type=Status))

    def keep(self, ref: str, status: Status) -> None:
        """Keep a keeper's word for when its instance is gone; end the instance if it has ended."""
        found = self._workstations.read(ref)
        if found is None or found.attempt != status.attempt:
            return
        facts = kept(status=msgspec.structs.replace(status, outputs=[]), lost_at=None)
        if status.outputs:
            facts |= outputs_kept(found, status)
        is_there = status.phase in {"prepared", "running"}
        # Of one that was prepared it is known since then.
        if found.door is not None and not found.door.host and is_there:
            where = self._place.reached(instance_of(ref), found.seat)
            if where is None:
                raise RetryableError("the instance has no address yet", after_seconds=0.2)
            facts |= kept(door=msgspec.structs.replace(found.door, host=where[0], ports=where[1]))
        is_up = status.phase == "running"
        disks = self._paced(ref, found.record.spec.volume) if is_up else None
        self._workstations.note(ref, facts, disks)
        if status.phase == "ended":
            self.end(ref)

    def _paced(self, ref: str, volume: Volume) -> dict[str, dict[str, str]]:
        is_one_disk = self._place.is_one_disk()
        return drawing.paced(self._settings, ref, volume, is_one_disk=is_one_disk)

    def end(self, ref: str) -> None:
        """Begin to stop what has nothing left to close."""
        body = {"action": "stop", "timeout": 0, "force": True}
        try:
            self._client.begin("PUT", f"/instances/{instance_of(ref)}/state", body)
        except NotFoundError:
            return
        except PermanentError as error:
            # It is at rest already.
            _log.info("incus.not_stopped", ref=ref, error=str(error))

    def _fail(self, ref: str, spec: Spec, error: PermanentError) -> None:
        found = self._workstations.read(ref)
        if found is None or found.attempt != spec.attempt:
            raise error
        failure = Failure(
            attempt=spec.attempt, reason=error.reason, detail=str(error), at=time.time()
        )
        self._note_at_last(ref, kept(failure=failure, marks=self._marks_kept(ref, spec)))
        if found.is_running:
            self.end(ref)

    def _note_at_last(self, ref: str, facts: dict[str, str]) -> None:
        """Incus takes no change while it clears away after a start that failed, which is no
        operation that could be waited for.
        """
        deadline = time.monotonic() + _CLEARS_WITHIN
        while True:
            try:
                self._workstations.note(ref, facts)
            except RetryableError as error:
                if time.monotonic() > deadline:
                    raise
                time.sleep(error.after_seconds / 10)
            else:
                return


def _is_restored(found: Workstation, spec: Spec) -> bool:
    """Reports whether its home is still to be made of a backup."""
    volume = spec.volume
    return volume.backup_id is not None and found.generation != volume.generation
