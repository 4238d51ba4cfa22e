"""What can be done with backups."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select

from soundstage.kit import hints, journal
from soundstage.kit.machine import ImpossibleError
from soundstage.resources.backups import service, store
from soundstage.resources.backups.model import StreamingSessionBackup
from soundstage.testing.walks import Studio
from soundstage.testing.world import World
from soundstage.wire.faults import NotFoundError

SESSION, OTHER = "s" * 22, "o" * 22


def states(transaction: Connection, *backups: StreamingSessionBackup) -> list[str]:
    found = [store.backups.get(transaction, backup.id) for backup in backups]
    return [backup.state for backup in found if backup is not None]


def due_at(transaction: Connection, backup: StreamingSessionBackup) -> datetime | None:
    column = store.table.c.due_at
    statement = select(column).where(store.table.c.id == backup.id)
    moment: datetime | None = transaction.execute(statement).scalar_one()
    return moment


def test_a_backup_is_begun_once_a_stop_and_looked_at_at_once(
    transaction: Connection, begin: Any
) -> None:
    backup = begin(1)
    assert (backup.state, backup.tags, backup.size_bytes) == (
        "CREATE_IN_PROGRESS",
        {"shot": "12"},
        None,
    )
    assert due_at(transaction, backup) == backup.created_at
    assert ("backups", backup.id) in hints.take(transaction)
    assert begin(1).id == backup.id
    assert hints.take(transaction) == []
    assert begin(2).id != backup.id


def test_the_oldest_go_until_the_newest_are_left(
    world: World, transaction: Connection, begin: Any
) -> None:
    ready = [begin(number, "kept") for number in (4, 1, 3, 2)]
    newest, oldest, third, second = ready
    failed, theirs = begin(5, "failed"), begin(1, "kept", session_id=OTHER)
    later = world.clock() + timedelta(hours=1)
    service.rotate(transaction, SESSION, 2, later)
    assert states(transaction, oldest, second) == ["DELETE_IN_PROGRESS"] * 2
    assert states(transaction, third, newest, theirs) == ["READY"] * 3
    assert states(transaction, failed) == ["CREATE_FAILED"]
    assert due_at(transaction, oldest) == later
    found = store.backups.get(transaction, oldest.id)
    assert found is not None
    assert found.status_message == "Rotation keeps the newest 2 backups of a session."
    assert found.status_code == "STREAMING_SESSION_DELETE_IN_PROGRESS"
    # Those that are on their way out do not count any more.
    service.rotate(transaction, SESSION, 2, later)
    assert states(transaction, third, newest) == ["READY"] * 2
    service.rotate(transaction, SESSION, 0, later)
    assert states(transaction, third, newest) == ["DELETE_IN_PROGRESS"] * 2


def test_a_deleted_session_s_backups_are_kept_until_a_moment(
    world: World, transaction: Connection, begin: Any
) -> None:
    now, until = world.clock(), world.clock() + timedelta(days=7)
    kept = [begin(1, "kept"), begin(2), begin(3, "failed")]
    gone = begin(4, "kept", "delete", "gone")
    theirs = begin(1, "kept", session_id=OTHER)
    service.keep_until(transaction, SESSION, until, now)
    # Said once more, later: the first word stands.
    service.keep_until(transaction, SESSION, until + timedelta(days=1), now)

    def purge_at(backup: StreamingSessionBackup) -> datetime | None:
        found = store.backups.get(transaction, backup.id)
        assert found is not None
        return found.purge_at

    assert [purge_at(backup) for backup in kept] == [until] * 3
    assert [due_at(transaction, backup) for backup in kept] == [now] * 3
    assert (purge_at(gone), purge_at(theirs)) == (None, None)


def test_a_session_starts_from_its_newest_ready_backup(transaction: Connection, begin: Any) -> None:
    assert service.newest_ready(transaction, SESSION) is None
    begin(1, "kept")
    wanted = begin(3, "kept")
    begin(2, "kept")
    begin(4, "failed")
    begin(5, "kept", "delete")
    begin(6)
    begin(7, "kept", session_id=OTHER)
    assert service.newest_ready(transaction, SESSION) == wanted


def test_a_transition_is_noted_and_wakes_its_session(transaction: Connection, begin: Any) -> None:
    backup = begin(1, "kept")
    assert (backup.state, backup.status_code) == ("READY", "STREAMING_SESSION_READY")
    assert backup.status_message == "It was kept."
    last = journal.read(transaction)[-1]
    assert (last.kind, last.actor) == ("backups.READY", "soundstage")
    assert last.subject == f"streaming-session-backup/{backup.id}"
    assert last.detail["sessionId"] == SESSION
    assert {("backups", backup.id), ("sessions", SESSION)} <= set(hints.take(transaction))


@pytest.mark.parametrize(
    ("events", "event"),
    [((), "delete"), (("kept",), "failed"), (("kept", "delete"), "kept"), (("failed",), "gone")],
)
def test_no_state_changes_against_the_table(
    transaction: Connection, begin: Any, events: tuple[str, ...], event: str
) -> None:
    backup = begin(1, *events)
    with pytest.raises(ImpossibleError):
        service.move(transaction, backup, event, now=backup.created_at, message="")
    assert states(transaction, backup) == [backup.state]


def test_a_backup_is_found_in_its_own_studio_only(
    transaction: Connection, studio_id: str, begin: Any
) -> None:
    backup = begin(1)
    assert service.find(transaction, studio_id, backup.id) == backup
    with pytest.raises(NotFoundError, match=f"no streaming session backup {backup.id}"):
        service.find(transaction, "us-west-2:stid-0000000000000000", backup.id)
    with pytest.raises(NotFoundError):
        service.find(transaction, studio_id, "none")


def test_a_list_is_of_one_studio_and_of_the_owner_asked_for(studio: Studio, refused: Any) -> None:
    world = studio.world
    sessions = [studio.launch(), studio.launch(ownedBy="ben")]
    for session in sessions:
        studio.stop(session)
    operator = world.principal_id("operator")

    def owners(**members: str) -> list[str]:
        found = world.operator.pages("ListStreamingSessionBackups", studioId=studio.id, **members)
        return [backup["ownedBy"] for backup in found]

    assert sorted(owners()) == sorted([operator, "ben"])
    assert owners(ownedBy="ben") == ["ben"]
    assert owners(ownedBy="nobody") == []
    other = world.operator.call(
        "CreateStudio", studioName="other", displayName="O", adminRoleArn="a", userRoleArn="u"
    )["studio"]["studioId"]
    assert list(world.operator.pages("ListStreamingSessionBackups", studioId=other)) == []
    (theirs,) = world.operator.pages(
        "ListStreamingSessionBackups", studioId=studio.id, ownedBy="ben"
    )
    asked = {"studioId": other, "backupId": theirs["backupId"]}
    assert refused("GetStreamingSessionBackup", **asked)[0] == "ResourceNotFoundException"
