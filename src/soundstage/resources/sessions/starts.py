"""How long starts took, read from the journal; asked by the noun of availability."""

from datetime import timedelta

from sqlalchemy import Connection

from soundstage.kit import journal
from soundstage.resources.backups.model import StreamingSessionState
from soundstage.resources.sessions import store
from soundstage.wire.arn import ArnKind

_LAST_STARTS = 10
_LAST_SESSIONS = 10
_BEGUN = {
    f"sessions.{state}"
    for state in (
        StreamingSessionState.CREATE_IN_PROGRESS,
        StreamingSessionState.START_IN_PROGRESS,
    )
}
_DONE = f"sessions.{StreamingSessionState.READY}"


def lengths(transaction: Connection, profile_id: str) -> list[timedelta]:
    """Give what the last starts by a launch profile took, from the wish until it was READY.

    Those of its newest sessions are looked at; of one that went wrong there is no length.
    """
    found = []
    for session_id in store.newest_of_profile(transaction, profile_id, limit=_LAST_SESSIONS):
        begun = None
        subject = f"{ArnKind.STREAMING_SESSION}/{session_id}"
        for entry in journal.read(transaction, subject=subject):
            if entry.kind in _BEGUN:
                begun = entry.at
            elif entry.kind == _DONE and begun is not None:
                found.append((entry.at, entry.at - begun))
                begun = None
            elif entry.kind.endswith(("_FAILED", "_IN_PROGRESS")):
                begun = None
    return [length for _, length in sorted(found)[-_LAST_STARTS:]]
