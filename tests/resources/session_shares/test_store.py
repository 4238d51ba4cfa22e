"""The table: which shares of a session are open, and how many look on."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from soundstage.kit.clock import system_clock
from soundstage.resources.session_shares import store
from soundstage.resources.session_shares.model import SessionShare
from soundstage.testing.walks import Studio
from soundstage.testing.world import World

RULES: dict[str, Any] = {"sessionShare": {}}


def test_open_ones_are_found_in_order_and_counted(world: World) -> None:
    studio = Studio(world, **RULES)
    session_id = studio.launch()["sessionId"]
    now = system_clock()
    with world.service.database.transaction() as transaction:
        _fill(transaction, studio.id, session_id, now)
        found = store.open_of(transaction, session_id, now)
        assert [each.id for each in found] == ["first", "second"]
        store.note_viewers(transaction, {"first": 2, "unknown": 1}, now)
        counted = {each.id: each.viewers for each in store.among(transaction, {"first", "over"})}
        assert counted == {"first": 2, "over": 0}


def _fill(transaction: Connection, studio_id: str, session_id: str, now: datetime) -> None:
    share = SessionShare(
        id="second",
        studio_id=studio_id,
        session_id=session_id,
        owned_by="anna",
        created_by="anna",
        created_at=now,
        ends_at=now + timedelta(hours=1),
        max_viewers=3,
    )
    for changed in (
        {},
        {"id": "first", "created_at": now - timedelta(hours=1)},
        {"id": "over", "ends_at": now},
        {"id": "ended", "ended_at": now},
    ):
        store.shares.insert(transaction, msgspec.structs.replace(share, **changed))
