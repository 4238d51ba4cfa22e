"""How the last starts went, read from the journal; the noun of availability asks how long they
took, and the operations what is still to come of those that go on.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import ColumnElement, Connection

from soundstage.kit import journal
from soundstage.resources.backups.model import StreamingSessionState
from soundstage.resources.sessions import steps, store
from soundstage.resources.sessions.model import StreamingSession
from soundstage.resources.sessions.outlook import Outlook, Past, outlook
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


def outlooks(
    transaction: Connection, sessions: Collection[StreamingSession], now: datetime
) -> dict[str, Outlook]:
    """Say, by their ids, what is to come of those of a studio's sessions that are being started."""
    starting = [each for each in sessions if each.state in steps.STARTS]
    if not starting:
        return {}
    of_profiles = {each.launch_profile_id for each in starting}
    newest = store.newest_of_profiles(transaction, of_profiles, limit=_LAST_SESSIONS)
    own: dict[str, list[Past]] = {profile_id: [] for profile_id in of_profiles}
    profile_of = {f"{ArnKind.STREAMING_SESSION}/{session}": profile for session, profile in newest}
    columns = journal.journal.c
    subjects = columns.subject.in_(sorted(profile_of))
    for subject, past in _past(transaction, subjects, _LAST_ENTRIES * len(profile_of)):
        own[profile_of[subject]].append(past)
    others: list[Past] = []
    if not all(own.values()):
        of_studio = columns.studio_id == starting[0].studio_id
        others = [past for _, past in _past(transaction, of_studio, _LAST_ENTRIES)]
    return {each.id: outlook(each, own[each.launch_profile_id], others, now) for each in starting}


def _past(
    transaction: Connection, where: ColumnElement[bool], limit: int
) -> list[tuple[str, Past]]:
    """Read the last starts that went well, with their subjects, oldest first."""
    columns = journal.journal.c
    order = [columns.at.desc(), columns.sequence.desc()]
    found = journal.find(transaction, where, columns.kind == _DONE, order=order, limit=limit)
    return [
        (entry.subject, msgspec.convert(entry.detail, Past))
        for entry in reversed(found)
        # Starts of before this was noted tell nothing.
        if "startedFrom" in entry.detail
    ]
