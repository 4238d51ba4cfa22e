"""The worker that keeps pools of warm workstations filled."""

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection, or_

from soundstage.engines.interface import (
    Engine,
    Observed,
    OutOfReachError,
    PermanentError,
    Phase,
    RetryableError,
)
from soundstage.kit import hints, lease
from soundstage.resources.hosts import service as hosts
from soundstage.resources.launch_profiles import service as launch_profiles
from soundstage.resources.launch_profiles.equipment import Equipment
from soundstage.resources.launch_profiles.workstation import spec_of
from soundstage.resources.warm_workstations import service, store
from soundstage.resources.warm_workstations.lifecycle import (
    Act,
    Situation,
    Step,
    blind_step,
    lost_step,
    next_step,
    refused_step,
)
from soundstage.resources.warm_workstations.model import (
    FIRST_ATTEMPT,
    Draft,
    WarmWorkstation,
    WarmWorkstationState,
)
from soundstage.wire.faults import NotFoundError


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A place, and what its launch profile wants of it now."""

    place: WarmWorkstation
    is_wanted: bool
    draft: Draft | None
    equipment: Equipment = Equipment()
    """What its components give to the workstation; of one that is being prepared."""
    closed: list[str] = []
    """The hosts on which nothing new may be placed."""


class WarmWorker:
    """Observes what stands in a place, decides, and asks the engine for the next thing."""

    name = "warm_workstations"
    table = store.table

    def __init__(
        self, engine: Engine, *, oldest: timedelta = timedelta(hours=12), script_seconds: int = 600
    ) -> None:
        self._engine = engine
        self._oldest = oldest
        self._script_seconds = script_seconds

    def load(self, transaction: Connection, row_id: str, now: datetime) -> Loaded | None:
        """Read the place and its launch profile."""
        del now
        place = store.places.get(transaction, row_id)
        if place is None:
            return None
        try:
            profile = launch_profiles.find(transaction, place.studio_id, place.launch_profile_id)
        except NotFoundError:
            return Loaded(place=place, is_wanted=False, draft=None)
        equipment = Equipment()
        if place.state is WarmWorkstationState.PREPARING and place.draft is not None:
            equipment = launch_profiles.equip(
                transaction, place.studio_id, place.draft.studio_component_ids
            )
        return Loaded(
            place=place,
            is_wanted=place.number < service.size_of(profile),
            draft=service.draft_of(transaction, profile),
            equipment=equipment,
            closed=hosts.closed(transaction),
        )

    def act(self, loaded: Loaded, now: datetime) -> Step:
        """Take one step; an engine that can't answer costs time, never a wrong decision."""
        place = loaded.place
        situation = Situation(
            is_wanted=loaded.is_wanted,
            draft=loaded.draft,
            oldest=self._oldest,
            patience=loaded.equipment.may_take(self._script_seconds),
            closed=loaded.closed,
        )
        try:
            step = next_step(place, self._observe(place), now, situation)
            self._do(loaded, step.act)
        except OutOfReachError as error:
            return lost_step(str(error), now)
        except RetryableError as error:
            again_at = now + timedelta(seconds=error.after_seconds)
            return blind_step(place, why=str(error), again_at=again_at, now=now)
        except PermanentError as error:
            if place.state is not WarmWorkstationState.PREPARING:
                # What can't be removed now is tried again.
                return Step(message=str(error), again_at=now + timedelta(seconds=30))
            return refused_step(place, error.reason, str(error), now)
        return step

    def _observe(self, place: WarmWorkstation) -> Observed:
        if place.workstation_id is None:
            return Observed(phase=Phase.ABSENT)
        return self._engine.observe(place.workstation_id)

    def _do(self, loaded: Loaded, act: Act) -> None:
        ref, draft = loaded.place.workstation_id, loaded.place.draft
        if ref is None or draft is None:
            return
        if act is Act.PREPARE:
            spec = spec_of(
                draft,
                loaded.equipment,
                attempt=FIRST_ATTEMPT,
                script_seconds=self._script_seconds,
                avoid=loaded.closed,
            )
            self._engine.ensure_running(ref, msgspec.structs.replace(spec, waits=True))
        elif act is Act.REMOVE:
            self._engine.ensure_absent(ref)

    def due_at(self, outcome: Step) -> datetime | None:
        """When to look again."""
        return outcome.again_at

    def is_decision(self, outcome: Step) -> bool:
        """A look after which nothing changes only notes when the next one is."""
        return outcome.event is not None

    def apply(self, transaction: Connection, loaded: Loaded, outcome: Step, now: datetime) -> None:
        """Write what was decided."""
        place = loaded.place
        if outcome.event is None:
            if outcome.message and outcome.message != place.status_message:
                store.places.update(transaction, place.id, {"status_message": outcome.message})
            return
        service.move(transaction, place, outcome, now, draft=loaded.draft)
        if outcome.event in {"gone", "lost"} and place.given_up_for is not None:
            hints.hint(transaction, "sessions", place.given_up_for)

    def wake(self, transaction: Connection, changed: str, now: datetime) -> None:
        """Look at the changed place now, or at what a notice of the engine is about, or at a whole
        pool.
        """
        columns = self.table.c
        concerned = or_(
            columns.id == changed,
            columns.workstation_id == changed,
            columns.launch_profile_id == changed,
        )
        lease.wake(transaction, self.table, now, concerned)
