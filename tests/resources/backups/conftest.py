"""What tests of backups need: a quick way to begin one and to bring it into a state."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from soundstage.resources.backups import service
from soundstage.resources.backups.model import StreamingSessionBackup
from soundstage.testing.world import World

Begin = Callable[..., StreamingSessionBackup]


@pytest.fixture
def begin(world: World, studio_id: str, transaction: Connection) -> Begin:
    """Give a function that begins the backup of a stop, and lets these things happen to it."""

    def call(stop_number: int, *events: str, session_id: str = "s" * 22) -> StreamingSessionBackup:
        moment = world.clock() + timedelta(seconds=stop_number)
        backup = service.begin(
            transaction,
            studio_id=studio_id,
            session_id=session_id,
            stop_number=stop_number,
            launch_profile_id="p" * 22,
            owned_by="ann",
            tags={"shot": "12"},
            now=moment,
        )
        for event in events:
            service.move(transaction, backup, event, now=moment, message=f"It was {event}.")
            backup = service.find(transaction, studio_id, backup.id)
        return backup

    return call
