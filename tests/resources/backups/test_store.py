"""The table of backups."""

from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from soundstage.resources.backups import store
from soundstage.resources.backups.model import StreamingSessionState

SESSION, OTHER = "s" * 22, "o" * 22


def test_a_session_s_backups_are_read_oldest_first_and_by_state(
    transaction: Connection, begin: Any
) -> None:
    newest = begin(3, "kept")
    oldest = begin(1, "kept")
    copying = begin(2)
    begin(4, "kept", session_id=OTHER)
    assert store.of_session(transaction, SESSION) == [oldest, copying, newest]
    ready = store.of_session(transaction, SESSION, StreamingSessionState.READY)
    assert ready == [oldest, newest]
    assert store.of_session(transaction, "nobody") == []


def test_the_backup_of_a_stop_is_that_session_s_and_that_stop_s(
    transaction: Connection, begin: Any
) -> None:
    first, theirs = begin(1), begin(1, session_id=OTHER)
    assert store.of_stop(transaction, SESSION, 1) == first
    assert store.of_stop(transaction, OTHER, 1) == theirs
    assert store.of_stop(transaction, SESSION, 2) is None


def test_a_stop_has_one_backup_whoever_writes(transaction: Connection, begin: Any) -> None:
    first = begin(1)
    second = msgspec.structs.replace(first, id="another")
    with pytest.raises(IntegrityError), transaction.begin_nested():
        store.backups.insert(transaction, second)
    store.backups.insert(transaction, msgspec.structs.replace(second, stop_number=2))
    assert len(store.of_session(transaction, SESSION)) == 2


def test_a_backup_needs_its_studio(transaction: Connection, begin: Any) -> None:
    lost = msgspec.structs.replace(begin(1), id="lost", stop_number=2, studio_id="nowhere")
    with pytest.raises(IntegrityError), transaction.begin_nested():
        store.backups.insert(transaction, lost)
