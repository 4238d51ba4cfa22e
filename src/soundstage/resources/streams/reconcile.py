"""The worker that opens and ends streams."""

from datetime import datetime

import msgspec
from sqlalchemy import Connection

from soundstage.engines.interface import Engine, Observed, Phase, RetryableError
from soundstage.resources.streams import service, store
from soundstage.resources.streams.lifecycle import Step, next_step
from soundstage.resources.streams.model import (
    StreamingSessionStream,
    StreamingSessionStreamState,
)


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A stream, and whether it may be open."""

    stream: StreamingSessionStream
    ref: str
    """What the engine knows the workstation by."""
    may_stay_open: bool


class StreamWorker:
    """Waits for the desktop to answer, and ends what must not be open any more."""

    name = "streams"
    table = store.table

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def load(self, transaction: Connection, row_id: str, now: datetime) -> Loaded | None:
        """Read the stream and whether it may be open."""
        del now
        stream = store.streams.get(transaction, row_id)
        if stream is None:
            return None
        may_stay = service.may_stay_open(transaction, stream)
        ref = service.workstation(transaction, stream)
        return Loaded(stream=stream, ref=ref, may_stay_open=may_stay)

    def act(self, loaded: Loaded, now: datetime) -> Step:
        """Look whether the desktop answers, if that is the question."""
        observed = Observed(phase=Phase.STARTING)
        if loaded.stream.state is StreamingSessionStreamState.CREATE_IN_PROGRESS:
            try:
                observed = self._engine.observe(loaded.ref)
            except RetryableError as error:
                observed = Observed(phase=Phase.STARTING, detail=str(error))
        return next_step(loaded.stream, observed, now, may_stay_open=loaded.may_stay_open)

    def due_at(self, outcome: Step) -> datetime | None:
        """When to look again."""
        return outcome.again_at

    def is_decision(self, outcome: Step) -> bool:
        """A look after which nothing changes only notes when the next one is."""
        return outcome.event is not None

    def apply(self, transaction: Connection, loaded: Loaded, outcome: Step, now: datetime) -> None:
        """Make the transition that was decided."""
        if outcome.event == "purge":
            store.streams.delete(transaction, loaded.stream.id)
        elif outcome.event is not None:
            service.move(
                transaction, loaded.stream, outcome.event, now=now, message=outcome.message
            )

    def wake(self, transaction: Connection, changed: str, now: datetime) -> None:
        """Look at the streams of a session or a person that changed."""
        service.wake(transaction, changed, now)
