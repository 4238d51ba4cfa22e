"""The rows of what was left on lost hosts."""

from datetime import UTC, datetime

from tests.resources.sessions.conftest import Lost

from soundstage.resources.sessions import left
from soundstage.resources.sessions.model import LeftWorkstation


def test_what_was_left_is_nobody_s_left_over(lost: Lost) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    row = LeftWorkstation(id="w" * 22, session_id=lost.ref, left_at=now)
    with lost.studio.world.service.database.transaction() as transaction:
        left.left.insert(transaction, row, due_at=now)
        assert left.known_refs(transaction, {row.id, "x" * 22}) == {row.id}
