"""`soundstage audit`: a whole trail, a spoilt one, and the trail as a file."""

import csv
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from io import StringIO
from typing import Any

import pytest
from click.testing import CliRunner, Result

from soundstage.cli.audit import audit
from soundstage.cli.exits import Exit
from soundstage.kit.config import Settings
from soundstage.testing.world import world
from soundstage.wiring.home import database_file

Typed = Callable[..., Result]


def verify(settings: Settings, *arguments: str, code: int = 0) -> dict[str, Any]:
    done = CliRunner().invoke(
        audit, ["verify", "--output", "json", *arguments], obj=settings, catch_exceptions=False
    )
    assert done.exit_code == code, done.output
    told: dict[str, Any] = json.loads(done.output)
    return told


def test_a_spoilt_trail_is_found(settings: Settings) -> None:
    with world(settings.home) as made:
        made.studio()
        made.service.housekeeping.sweep()
    whole = verify(settings)
    assert whole["faults"] == []
    assert whole["verified"] > 2
    assert verify(settings, "--head", str(whole["head"]))["faults"] == []
    with closing(sqlite3.connect(database_file(settings))) as connection:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute("UPDATE events SET actor = 'nobody' WHERE sequence = 2")
        connection.execute("DROP TRIGGER events_stay")
        connection.execute("UPDATE events SET actor = 'nobody' WHERE sequence = 2")
        connection.commit()
    faults = verify(settings, code=Exit.FAILED)["faults"]
    assert [fault.partition(" of ")[0] for fault in faults] == ["Event 2"]
    other = f"{1}:{'0' * 64}"
    assert len(verify(settings, "--head", other, code=Exit.FAILED)["faults"]) == 2


def test_a_head_that_is_none_is_refused(settings: Settings) -> None:
    done = CliRunner().invoke(audit, ["verify", "--head", "x"], obj=settings)
    assert done.exit_code == 2
    assert "no head" in done.output


def test_the_trail_is_exported_oldest_first(typed: Typed, studio_id: str) -> None:
    assert studio_id
    lines = typed("audit", "export").output.splitlines()
    events = [json.loads(line) for line in lines]
    assert [event["eventId"] for event in events] == sorted(event["eventId"] for event in events)
    assert events[0]["type"] == "studios.CREATE_IN_PROGRESS"
    rows = list(csv.DictReader(StringIO(typed("audit", "export", "--output", "csv").output)))
    assert [row["eventId"] for row in rows] == [event["eventId"] for event in events]
    assert typed("audit", "export", "--since", "2999-01-01").output == ""
    assert typed("audit", "export", "--until", "2001-01-01").output == ""
    people = typed("audit", "export", "--scope", "INSTALLATION").output
    assert "people.CREATED" in people


def test_a_moment_that_is_none_is_refused(typed: Typed) -> None:
    assert "no moment" in typed("audit", "export", "--since", "soon", code=2).output
