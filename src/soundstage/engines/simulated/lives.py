"""How a workstation's life goes on: what begins, and what has come to pass when it is looked at.

Nothing happens between two looks: `Lives.current` lets all happen that was due before, at the
moment it was due. The engine asks with the world's lock held.
"""

from datetime import datetime, timedelta

from soundstage.engines.interface import (
    Mark,
    PermanentError,
    Phase,
    Reason,
    RetryableError,
    Script,
    ScriptOutput,
    Spec,
    Stage,
)
from soundstage.engines.simulated.manner import Manner
from soundstage.engines.simulated.misbehaviour import Misbehaviour, Orders
from soundstage.engines.simulated.scripts import pretend
from soundstage.engines.simulated.world import ALIVE, Disk, Workstation, World
from soundstage.kit.clock import Clock

_STARTS_KEPT = 5
_SLOW = 10
"""How many times longer the slow ones take."""
_SPOILS_A_START = (
    Misbehaviour.NEVER_STARTS,
    Misbehaviour.DIES_WHILE_STARTING,
    Misbehaviour.ANSWERS_LATE,
    Misbehaviour.CRASHES,
)


class Lives:
    """Of all workstations of one engine."""

    def __init__(self, world: World, clock: Clock, manner: Manner, orders: Orders) -> None:
        self._world = world
        self._clock = clock
        self._manner = manner
        self._orders = orders

    def current(self, ref: str) -> Workstation | None:
        """Let what is due happen, and hand back what is then there."""
        workstation = self._world.workstations.get(ref)
        if workstation is None:
            return None
        now = self._clock()
        if workstation.restored_at is not None and now >= workstation.restored_at:
            self._restore(ref, workstation, workstation.restored_at)
        if workstation.due is not None and now >= workstation.due:
            due, workstation.due = workstation.due, None
            self._end_step(workstation, due)
        if workstation.is_leaving and workstation.phase in {Phase.STOPPED, Phase.FAILED}:
            del self._world.workstations[ref]
            return None
        return workstation

    def all(self) -> dict[str, Workstation]:
        """Hand back those that are there now, by ref."""
        refs = list(self._world.workstations)
        return {ref: found for ref in refs if (found := self.current(ref)) is not None}

    def running(self, ref: str) -> Workstation:
        """Hand back one that runs. Raises RetryableError where it does not."""
        workstation = self.current(ref)
        if workstation is None or workstation.phase is not Phase.RUNNING:
            raise RetryableError("No desktop is there now.")
        return workstation

    def disk(self, ref: str) -> Disk:
        """Hand back its disk. Raises KeyError where it has none."""
        workstation = self.current(ref)
        if workstation is None or workstation.disk is None:
            raise KeyError(ref)
        return workstation.disk

    def begin_start(self, ref: str, workstation: Workstation, spec: Spec) -> None:
        """Begin another start. Raises PermanentError where the disk can't become what is wanted."""
        now = self._clock()
        self._ask_for_disk(workstation, spec, now)
        begins = workstation.restored_at or now
        workstation.spoilt = self._orders.use(ref, *_SPOILS_A_START)
        factor = _SLOW if workstation.spoilt is Misbehaviour.ANSWERS_LATE else 1
        takes = timedelta(seconds=self._manner.start_seconds * factor)
        never = workstation.spoilt is Misbehaviour.NEVER_STARTS
        workstation.due = None if never else begins + takes
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
        workstation.enter(Phase.STARTING, now)

    def go_on(self, workstation: Workstation) -> None:
        """What waits, or would, waits no more; what was due then is due at once."""
        workstation.waits = False
        if workstation.phase is Phase.PREPARED:
            now = self._clock()
            workstation.enter(Phase.STARTING, now)
            workstation.due = now

    def begin_stop(self, ref: str, workstation: Workstation) -> None:
        """Begin to stop one that is alive; what is at rest stays so."""
        if workstation.phase not in ALIVE:
            return
        now = self._clock()
        factor = _SLOW if self._orders.use(ref, Misbehaviour.STOPS_SLOWLY) else 1
        workstation.due = now + timedelta(seconds=self._manner.stop_seconds * factor)
        workstation.restoring = workstation.restored_at = None
        workstation.enter(Phase.STOPPING, now)

    def crash(self, workstation: Workstation) -> None:
        """End one that is alive without any warning."""
        if workstation.phase not in ALIVE:
            return
        workstation.due = workstation.restoring = workstation.restored_at = None
        workstation.crashed_at = self._clock()
        workstation.enter(Phase.STOPPED, workstation.crashed_at, "It crashed.")

    def _ask_for_disk(self, workstation: Workstation, spec: Spec, now: datetime) -> None:
        wanted = spec.volume
        present = workstation.disk.generation if workstation.disk is not None else None
        if present is None and wanted.backup_id is None:
            workstation.disk = Disk(wanted.generation)
        elif present != wanted.generation:
            if wanted.backup_id is None or (present or 0) > wanted.generation:
                message = f"Generation {wanted.generation} can't be made of {present}."
                raise PermanentError(message, reason=Reason.BACKUP)
            workstation.restoring = wanted
            workstation.restored_at = now + timedelta(seconds=self._manner.backup_seconds)

    def _restore(self, ref: str, workstation: Workstation, moment: datetime) -> None:
        wanted, workstation.restoring, workstation.restored_at = workstation.restoring, None, None
        if wanted is None or wanted.backup_id is None:
            return
        backup = self._world.backup(wanted.backup_of or ref, wanted.backup_id)
        is_spoilt = self._orders.use(ref, Misbehaviour.FAILS_RESTORE) is not None
        if backup is None or backup.is_failing or is_spoilt:
            workstation.due = None
            detail = "The backup could not be restored."
            workstation.enter(Phase.FAILED, moment, detail, Reason.BACKUP)
            return
        workstation.disk = Disk(wanted.generation, dict(backup.files))

    def _end_step(self, workstation: Workstation, moment: datetime) -> None:
        """What a stop or a start comes to."""
        if workstation.phase is Phase.STOPPING:
            workstation.enter(Phase.STOPPED, moment)
        elif failed := _run_scripts(workstation, moment):
            reason, detail = failed
            workstation.enter(Phase.FAILED, moment, detail, reason)
        elif workstation.spoilt is Misbehaviour.DIES_WHILE_STARTING:
            workstation.enter(Phase.FAILED, moment, "The desktop ended before it answered.")
        elif workstation.waits:
            workstation.enter(Phase.PREPARED, moment)
        else:
            workstation.enter(Phase.RUNNING, moment)


def _run_scripts(workstation: Workstation, moment: datetime) -> tuple[Reason, str] | None:
    """Keep what each says, up to the first that fails; says how that failed."""
    scripts, waiting = workstation.scripts, list[Script]()
    if workstation.waits:
        waiting = [script for script in scripts if not script.as_root]
        scripts = [script for script in scripts if script.as_root]
    workstation.scripts = waiting
    done = sum(mark.stage is Stage.SCRIPT for mark in workstation.marks)
    total = done + len(scripts) + len(waiting)
    for number, script in enumerate(scripts, done + 1):
        code, output = pretend(script)
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
