"""A resource that is only made, changed and deleted is settled by one look."""

from datetime import timedelta
from pathlib import Path

from soundstage.kit import journal
from soundstage.resources.reconcilers import workers
from soundstage.resources.settling import SettlingWorker
from soundstage.testing.world import world


def test_what_is_in_progress_is_settled_once_and_noted(home: Path) -> None:
    with world(home) as made:
        studio = made.studio()
        assert (studio["state"], studio["statusCode"]) == (
            "CREATE_IN_PROGRESS",
            "STUDIO_CREATE_IN_PROGRESS",
        )
        found = made.operator.call("GetStudio", studioId=studio["studioId"])["studio"]
        assert (found["state"], found["statusCode"]) == ("READY", "STUDIO_CREATED")
        with made.service.database.transaction(write=False) as transaction:
            kinds = [entry.kind for entry in journal.read(transaction)]
            assert kinds.count("studios.READY") == 1


def test_what_is_settled_needs_nothing(home: Path) -> None:
    with world(home) as made:
        studio_id = made.studio()["studioId"]
        (worker,) = (
            worker
            for worker in workers(made.engine, keep_backups_for=timedelta(days=7))
            if worker.table.name == "studios"
        )
        assert isinstance(worker, SettlingWorker)
        with made.service.database.transaction() as transaction:
            assert worker.load(transaction, studio_id, made.clock()) is None
            assert worker.load(transaction, "nobody", made.clock()) is None
