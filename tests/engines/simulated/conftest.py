"""A simulated engine whose time is set by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from soundstage.engines.interface import BackupPhase, Phase, Script, Spec, Volume
from soundstage.engines.simulated.engine import SimulatedEngine

REF, OTHER, BACKUP = "r" * 22, "o" * 22, "b" * 22


class Studio:
    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, tzinfo=UTC)
        self.engine = SimulatedEngine(lambda: self.now)

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def start(
        self,
        attempt: int = 1,
        *,
        ref: str = REF,
        volume: Volume | None = None,
        scripts: list[Script] | None = None,
    ) -> None:
        spec = Spec(
            image="ami-any",
            instance_type="g4dn.xlarge",
            volume=volume or Volume(),
            attempt=attempt,
            scripts=scripts or [],
        )
        self.engine.ensure_running(ref, spec)

    def phase(self, ref: str = REF) -> Phase:
        return self.engine.observe(ref).phase

    def back_up(self) -> BackupPhase:
        self.engine.ensure_backup(REF, BACKUP)
        self.wait(self.engine.backup_seconds)
        return self.engine.observe_backup(REF, BACKUP).phase

    def rest(self) -> None:
        self.start()
        self.wait(self.engine.start_seconds)
        self.engine.ensure_stopped(REF)
        self.wait(self.engine.stop_seconds)
        assert self.phase() is Phase.STOPPED


@pytest.fixture
def studio() -> Studio:
    return Studio()
