"""Waking the reconciler at once instead of at its next look.

Services call `hint` inside their transaction; `kit.database` delivers what was hinted after the
commit, so that nobody wakes up before the row can be seen. A hint that is lost in a crash costs
time, never correctness: every row also has a moment when it is due.
"""

from collections.abc import Callable

import sqlalchemy

from soundstage.kit import occasion, tracing

_KEY = "soundstage.hints"

Hint = tuple[str, str]
"""The worker to wake, and the id of what changed."""
Listener = Callable[[list[Hint]], None]


def hint(transaction: sqlalchemy.Connection, worker: str, changed: str) -> None:
    """Wake `worker` after the commit, because `changed` (an id) changed."""
    transaction.info.setdefault(_KEY, []).append((worker, changed))
    request_id = occasion.of(transaction).request_id
    if request_id is not None:
        tracing.tracer().caused(changed, request_id)


def take(transaction: sqlalchemy.Connection) -> list[Hint]:
    """Take out what this transaction hinted; for `kit.database`."""
    hints: list[Hint] = transaction.info.pop(_KEY, [])
    return hints
