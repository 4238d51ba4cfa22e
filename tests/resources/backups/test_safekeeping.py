"""What the store has is compared with what is known, and the studio is kept when it is due."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from soundstage.engines.interface import BackupCheck, RetryableError
from soundstage.engines.simulated.engine import SimulatedEngine
from soundstage.resources.backups import safekeeping
from soundstage.resources.backups.safekeeping import Safekeeping, Verdict
from soundstage.testing.walks import Studio


def verdict_of(studio: Studio) -> Verdict:
    made = studio.world
    return safekeeping.verify(made.engine, made.service.database, data=None, clock=made.clock)


def keeper_of(studio: Studio, **every: timedelta) -> Safekeeping:
    made = studio.world
    wished = {"verify_every": timedelta(days=7), "keep_every": timedelta(hours=6), **every}
    return Safekeeping(made.engine, made.service.database, made.settings.home, made.clock, **wished)


def test_all_is_well_when_both_sides_agree(studio: Studio) -> None:
    studio.stop(studio.launch())
    found = verdict_of(studio)
    assert (found.is_well, found.backups, found.missing, found.unknown) == (True, 1, [], [])


def test_what_the_store_lost_and_what_nobody_knows_is_named(studio: Studio) -> None:
    session = studio.launch()
    studio.stop(session)
    (backup,) = studio.backups()
    kept = studio.world.engine.world.backups
    kept["x" * 22] = kept.pop(backup["backupId"])
    found = verdict_of(studio)
    assert not found.is_well
    assert backup["backupId"] in found.missing[0]
    assert session["sessionId"] in found.missing[0]
    assert found.unknown == ["x" * 22]


def test_the_studio_is_kept_as_it_is_at_one_moment(studio: Studio, tmp_path: Path) -> None:
    safekeeping.keep_studio(studio.world.engine, studio.world.service.database)
    ((_, content),) = studio.world.engine.world.studio_copies
    (tmp_path / "copy").write_bytes(content)
    copy = sqlite3.connect(tmp_path / "copy")
    assert copy.execute("SELECT count(*) FROM studios").fetchone() == (1,)
    copy.close()


def test_what_is_due_is_done_and_noted(studio: Studio) -> None:
    keeper, engine, home = keeper_of(studio), studio.world.engine, studio.world.settings.home
    assert safekeeping.read_notes(home).verdict is None
    keeper.do_what_is_due()
    keeper.do_what_is_due()
    assert len(engine.world.studio_copies) == 1
    first = safekeeping.read_notes(home).verdict
    assert first is not None
    assert (first.data, first.at) == ("1/12", studio.world.clock())
    studio.world.clock.advance(timedelta(hours=6))
    keeper.do_what_is_due()
    assert len(engine.world.studio_copies) == 2
    studio.world.clock.advance(timedelta(days=7))
    keeper.do_what_is_due()
    notes = safekeeping.read_notes(home)
    assert notes.verdict is not None
    assert (notes.verdict.data, notes.part) == ("2/12", 2)


def test_a_clock_that_was_set_back_holds_nothing_up(studio: Studio) -> None:
    keeper = keeper_of(studio)
    keeper.do_what_is_due()
    studio.world.clock.set(studio.world.clock() - timedelta(days=100))
    keeper.do_what_is_due()
    assert len(studio.world.engine.world.studio_copies) == 2


def test_zero_switches_it_off(studio: Studio) -> None:
    keeper_of(studio, verify_every=timedelta(0), keep_every=timedelta(0)).do_what_is_due()
    assert safekeeping.read_notes(studio.world.settings.home) == safekeeping.Notes()


def test_a_store_that_does_not_answer_is_asked_again_an_hour_later(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def away(self: SimulatedEngine, *, data: str | None) -> BackupCheck:
        asked.append((self, data))
        raise RetryableError("It does not answer.")

    monkeypatch.setattr(SimulatedEngine, "check_backups", away)
    keeper = keeper_of(studio)
    for _ in range(3):
        keeper.do_what_is_due()
    assert len(asked) == 1
    studio.world.clock.advance(timedelta(hours=1))
    keeper.do_what_is_due()
    assert len(asked) == 2


def test_spoilt_notes_are_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / "safekeeping.json").write_text("{")
    assert safekeeping.read_notes(tmp_path) == safekeeping.Notes()
