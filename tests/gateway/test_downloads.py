"""One file of a backup is handed out by an address that holds for a short while."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from soundstage.testing.backups import fetch, find_file, kept_backup
from soundstage.testing.walks import Studio
from soundstage.testing.world import world


@pytest.fixture
def studio(home: Path) -> Iterator[Studio]:
    with world(home) as made:
        yield Studio(made)


def test_one_file_is_fetched_by_an_address_that_expires(studio: Studio) -> None:
    backup = kept_backup(studio)
    found = find_file(studio, backup, "show/shot.blend")
    assert found["file"]["sizeInBytes"] == 700_000
    answer = fetch(studio, found["url"])
    assert (answer.status_code, answer.content) == (200, b"b" * 700_000)
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''shot.blend"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    odd = fetch(studio, find_file(studio, backup, "notes é.txt")["url"])
    assert odd.headers["content-disposition"].endswith("notes%20%C3%A9.txt")
    assert fetch(studio, found["url"], "HEAD").status_code == 405
    assert fetch(studio, found["url"] + "x").status_code == 403
    assert fetch(studio, found["url"].partition("?")[0]).status_code == 403
    studio.world.clock.advance(timedelta(minutes=2))
    assert fetch(studio, found["url"]).status_code == 410


def test_an_address_opens_nothing_once_the_backup_is_going(studio: Studio) -> None:
    backup = kept_backup(studio)
    found = find_file(studio, backup, "show/shot.blend")
    (session,) = list(studio.world.operator.pages("ListStreamingSessions", studioId=studio.id))
    for _ in range(2):
        studio.call("CreateStreamingSessionBackup", session)
        studio.world.advance(timedelta(seconds=10))
    assert fetch(studio, found["url"]).status_code == 404


def test_a_stream_s_ticket_is_no_file_s(studio: Studio) -> None:
    session = studio.launch()
    stream = studio.stream(session)
    ticket = urlsplit(stream["url"]).query
    assert fetch(studio, f"http://localhost:8080/backup-files/?{ticket}").status_code == 403
