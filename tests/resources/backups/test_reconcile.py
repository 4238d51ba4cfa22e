"""The worker asks for copies; an engine that stumbles costs time, one that refuses ends it."""

from datetime import timedelta
from pathlib import Path

from soundstage.engines.interface import PermanentError
from soundstage.engines.simulated.engine import SimulatedEngine
from soundstage.engines.simulated.misbehaviour import Misbehaviour
from soundstage.resources.backups.lifecycle import Act
from soundstage.resources.backups.reconcile import BackupWorker
from soundstage.resources.backups.service import begin
from soundstage.testing.world import World, world


class Refuses(SimulatedEngine):
    def ensure_backup(self, ref: str, backup_id: str, *, live: bool = False) -> None:
        assert not live
        raise PermanentError(f"There is nothing of {ref} to copy as {backup_id}.")


def begun(made: World) -> str:
    """Begin a backup of a session that there is not, and say its id."""
    studio_id = made.studio()["studioId"]
    with made.service.database.transaction() as transaction:
        backup = begin(
            transaction,
            studio_id=studio_id,
            session_id="s" * 22,
            stop_number=1,
            launch_profile_id="p" * 22,
            owned_by="ann",
            tags={},
            now=made.clock(),
        )
    return backup.id


def test_an_engine_that_can_not_say_is_asked_again(home: Path) -> None:
    with world(home) as made:
        backup_id = begun(made)
        made.engine.misbehave(Misbehaviour.RETRYABLE)
        worker = BackupWorker(made.engine)
        with made.service.database.transaction(write=False) as transaction:
            loaded = worker.load(transaction, backup_id, made.clock())
        assert loaded is not None
        step = worker.act(loaded, made.clock())
        assert (step.act, step.event) == (Act.NOTHING, None)
        assert worker.due_at(step) == made.clock() + timedelta(seconds=1)


def test_an_engine_that_refuses_fails_the_backup_and_says_why(home: Path) -> None:
    with world(home) as made:
        backup_id = begun(made)
        worker = BackupWorker(Refuses(made.clock))
        with made.service.database.transaction(write=False) as transaction:
            loaded = worker.load(transaction, backup_id, made.clock())
        assert loaded is not None
        step = worker.act(loaded, made.clock())
        assert step.event == "failed"
        assert "nothing of" in step.message


def test_one_backup_a_stop_however_often_it_is_begun(home: Path) -> None:
    with world(home) as made:
        studio_id = made.studio()["studioId"]
        found = set()
        for _ in range(3):
            with made.service.database.transaction() as transaction:
                found.add(
                    begin(
                        transaction,
                        studio_id=studio_id,
                        session_id="s" * 22,
                        stop_number=1,
                        launch_profile_id="p" * 22,
                        owned_by="ann",
                        tags={},
                        now=made.clock(),
                    ).id
                )
        assert len(found) == 1
