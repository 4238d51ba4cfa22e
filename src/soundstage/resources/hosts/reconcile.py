"""The worker that takes hosts out: has sessions told, stops them in turn, sees the last go."""

from datetime import datetime

import msgspec
from sqlalchemy import Connection

from soundstage.engines.interface import Engine, ObservedHost, RetryableError, SupportsHosts
from soundstage.kit import lease
from soundstage.resources.hosts import service, store
from soundstage.resources.hosts.lifecycle import MACHINE, Step, next_step
from soundstage.resources.hosts.model import Evacuation, HostState, Occupant
from soundstage.resources.hosts.service import Occupants
from soundstage.resources.request import SERVICE_PRINCIPAL

_SAID = {
    HostState.EVACUATED: "Nothing runs on it any more: it may be switched off.",
    HostState.EVACUATING: "A workstation runs on it again.",
}


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """The order, and the sessions on the host."""

    evacuation: Evacuation
    occupants: list[Occupant]


class HostWorker:
    """Works one order off after the other."""

    name = "hosts"
    table = store.table

    def __init__(self, engine: Engine, occupants: Occupants) -> None:
        self._engine = engine
        self._occupants = occupants

    def load(self, transaction: Connection, row_id: str, now: datetime) -> Loaded | None:
        """Read it, and who is there."""
        del now
        found = store.evacuations.get(transaction, row_id)
        if found is None:
            return None
        return Loaded(evacuation=found, occupants=self._occupants.on_host(transaction, row_id))

    def act(self, loaded: Loaded, now: datetime) -> Step:
        """Look who is there, and decide; all that is done is written."""
        return next_step(
            loaded.evacuation, self._observe(loaded.evacuation.id), loaded.occupants, now
        )

    def _observe(self, name: str) -> ObservedHost | None:
        unseen = ObservedHost(name=name, is_reachable=False)
        if not isinstance(self._engine, SupportsHosts):
            return unseen
        try:
            found = {each.name: each for each in self._engine.hosts()}
        except RetryableError:
            return unseen
        return found.get(name)

    def due_at(self, outcome: Step) -> datetime | None:
        """When to look again."""
        return outcome.again_at

    def is_decision(self, outcome: Step) -> bool:
        """Only what changes sessions, or the host's state."""
        return bool(outcome.tell or outcome.stop or outcome.event)

    def apply(self, transaction: Connection, loaded: Loaded, outcome: Step, now: datetime) -> None:
        """Write what was decided."""
        evacuation = loaded.evacuation
        changes: dict[str, object] = {}
        if outcome.remaining != evacuation.remaining:
            changes["remaining"] = outcome.remaining
        if outcome.tell:
            self._occupants.tell(transaction, evacuation, outcome.tell, now)
        if outcome.stop:
            self._occupants.stop(transaction, evacuation, outcome.stop, now)
        if outcome.event is not None:
            state = MACHINE.target(evacuation.state, outcome.event)
            changes |= {"state": state, "state_since": now}
            service.note(
                transaction,
                evacuation.id,
                state,
                actor=SERVICE_PRINCIPAL,
                now=now,
                message=_SAID[state],
            )
        if changes:
            store.evacuations.update(transaction, evacuation.id, changes)

    def wake(self, transaction: Connection, changed: str, now: datetime) -> None:
        """Look at the host now."""
        lease.wake_row(transaction, self.table, changed, now)
