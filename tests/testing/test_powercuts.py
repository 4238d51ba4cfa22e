"""A world waits for no disk, whatever it commits; the product does."""

from pathlib import Path

from soundstage.testing.world import world

OFF, NORMAL = 0, 1


def test_a_world_waits_for_no_disk(home: Path) -> None:
    levels = []
    with world(home) as made:
        for is_note in (False, True, False):
            with made.service.database.transaction(note=is_note) as transaction:
                levels.append(transaction.exec_driver_sql("PRAGMA synchronous").scalar_one())
    assert levels == [OFF, NORMAL, OFF]
