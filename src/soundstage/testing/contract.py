"""What the contract of engines is asked with: one workstation and the wishes for it, over whichever
engine a harness is around.

The tests in tests/contracts use it, which have a harness for each engine.
"""

import itertools
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable

from soundstage.engines.interface import (
    BackupPhase,
    Engine,
    ObservedBackup,
    Phase,
    RetryableError,
    Spec,
    SupportsBackups,
    Volume,
)

RESTING = frozenset({Phase.STOPPED, Phase.FAILED, Phase.ABSENT})


class Harness(ABC):
    """What the suite needs of an engine beyond its contract."""

    engine: Engine

    @abstractmethod
    def advance(self) -> None:
        """Let a little time pass, or raise AssertionError when enough has."""

    @abstractmethod
    def crash(self, ref: str) -> None:
        """End a running workstation as an accident would."""

    @abstractmethod
    def put(self, ref: str, name: str, content: bytes) -> None: ...

    @abstractmethod
    def get(self, ref: str, name: str) -> bytes | None: ...

    @abstractmethod
    def restart(self) -> None:
        """Put a new engine over the same state, as after a kill -9 of the service."""

    @abstractmethod
    def let_fit(self, number: int | None) -> None:
        """Have so many workstations fit, as after a change of the settings; None: the usual."""

    def until(
        self, condition: Callable[[], bool], action: Callable[[], None] | None = None
    ) -> None:
        """Repeat `action` until `condition` holds; both may raise RetryableError meanwhile."""
        self.began()
        while True:
            try:
                if condition():
                    return
                if action is not None:
                    action()
            except RetryableError:
                pass
            self.advance()

    @abstractmethod
    def began(self) -> None:
        """Called when a wait begins."""

    def spec(self, *, attempt: int = 0, image: str = "ami-host", **volume: object) -> Spec:
        return Spec(
            image=image,
            instance_type="g4dn.xlarge",
            volume=Volume(size_gib=1, **volume),  # type: ignore[arg-type]  # Of a test's own making.
            attempt=attempt,
        )


def new_id() -> str:
    return secrets.token_hex(11)


class Workstation:
    """One workstation and the wishes that the reconciler would have for it."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.ref = new_id()
        self.attempts = itertools.count(1)
        self.spec: Spec = harness.spec()

    @property
    def engine(self) -> Engine:
        return self.harness.engine

    @property
    def backups(self) -> SupportsBackups:
        assert isinstance(self.engine, SupportsBackups)  # noqa: S101 - tests alone call it
        return self.engine

    def phase(self) -> Phase:
        return self.engine.observe(self.ref).phase

    def wish(
        self,
        *,
        generation: int | None = None,
        backup_id: str | None = None,
        backup_of: str | None = None,
    ) -> Spec:
        """Make the next attempt's spec, of the generation in place unless told otherwise."""
        if generation is None:
            generation = self.engine.observe(self.ref).volume_generation or 0
        attempt = next(self.attempts)
        self.spec = self.harness.spec(
            attempt=attempt, generation=generation, backup_id=backup_id, backup_of=backup_of
        )
        return self.spec

    def start(
        self,
        *,
        generation: int | None = None,
        backup_id: str | None = None,
        backup_of: str | None = None,
    ) -> None:
        spec = self.wish(generation=generation, backup_id=backup_id, backup_of=backup_of)

        def is_decided() -> bool:
            observed = self.engine.observe(self.ref)
            is_ours = observed.attempt == spec.attempt
            return is_ours and observed.phase in {Phase.RUNNING, Phase.FAILED}

        self.harness.until(is_decided, lambda: self.engine.ensure_running(self.ref, spec))

    def run(self) -> "Workstation":
        if self.phase() is not Phase.RUNNING:
            self.start()
        if self.phase() is not Phase.RUNNING:
            raise AssertionError(self.engine.observe(self.ref).detail)
        return self

    def rest(self) -> "Workstation":
        if self.engine.observe(self.ref).volume_generation is None:
            self.run()
        self.harness.until(
            lambda: self.phase() in RESTING, lambda: self.engine.ensure_stopped(self.ref)
        )
        return self

    def observed(self, backup_id: str) -> ObservedBackup:
        return self.backups.observe_backup(self.ref, backup_id)

    def back_up(self, backup_id: str) -> ObservedBackup:
        self.harness.until(
            lambda: self.observed(backup_id).phase is BackupPhase.COMPLETE,
            lambda: self.backups.ensure_backup(self.ref, backup_id),
        )
        return self.observed(backup_id)

    def remove(self) -> None:
        self.harness.until(
            lambda: self.phase() is Phase.ABSENT, lambda: self.engine.ensure_absent(self.ref)
        )


def end_at_last(harness: Harness, ref: str) -> None:
    engine = harness.engine
    harness.until(lambda: ref not in engine.refs(), lambda: engine.ensure_absent(ref))
