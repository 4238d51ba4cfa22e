"""How long starts took, read from the journal; asked by the noun of availability."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection

from soundstage.kit import journal
from soundstage.resources.backups.model import StreamingSessionState
from soundstage.resources.sessions import store
from soundstage.wire.arn import ArnKind

_LAST_STARTS = 10
_LAST_SESSIONS = 10
_LAST_ENTRIES = 10
"""Of a session on the average: what is older tells little of the next start."""
_BEGUN = {
    f"sessions.{state}"
    for state in (
        StreamingSessionState.CREATE_IN_PROGRESS,
        StreamingSessionState.START_IN_PROGRESS,
    )
}
_DONE = f"sessions.{StreamingSessionState.READY}"


def lengths(transaction: Connection, profile_ids: Collection[str]) -> dict[str, list[timedelta]]:
    """Give what the last starts by each launch profile took, from the wish until it was READY.

    Those of its newest sessions are looked at, in two statements however many profiles there are;
    of a start that went wrong there is no length.
    """
    newest = store.newest_of_profiles(transaction, profile_ids, limit=_LAST_SESSIONS)
    profile_of = {f"{ArnKind.STREAMING_SESSION}/{session}": profile for session, profile in newest}
    found: dict[str, list[timedelta]] = {profile_id: [] for profile_id in profile_ids}
    begun: dict[str, datetime] = {}
    limit = _LAST_ENTRIES * max(1, len(profile_of))
    for subject, kind, at in journal.newest(transaction, profile_of, limit=limit):
        if kind in _BEGUN:
            begun[subject] = at
        elif kind == _DONE and subject in begun:
            found[profile_of[subject]].append(at - begun.pop(subject))
        elif kind.endswith(("_FAILED", "_IN_PROGRESS")):
            begun.pop(subject, None)
    return {profile_id: lengths[-_LAST_STARTS:] for profile_id, lengths in found.items()}
