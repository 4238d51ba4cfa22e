"""A session that leaves a lost host, by the front door, with an engine that is told to lose it."""

from datetime import timedelta
from typing import Any

import pytest
from tests.resources.sessions.conftest import Lost

from soundstage.engines.interface import Phase
from soundstage.engines.simulated.misbehaviour import Misbehaviour
from soundstage.kit import journal
from soundstage.resources.sessions import store
from soundstage.testing.walks import Studio

MINUTES = timedelta(minutes=1)


def kinds(studio: Studio, session: dict[str, Any]) -> list[str]:
    with studio.world.service.database.transaction(write=False) as transaction:
        subject = f"streaming-session/{session['sessionId']}"
        entries = journal.read(transaction, subject=subject)
    kinds = [entry.kind.partition(".") for entry in entries]
    return [kind for noun, _, kind in kinds if noun == "sessions"]


def test_it_is_brought_up_elsewhere_from_its_last_backup(lost: Lost) -> None:
    studio, session = lost.studio, lost.session
    stream = studio.stream(session)
    lost.lose()
    seen = studio.later(session, seconds=30)
    assert seen["state"] == "READY"
    assert (
        "The host n2 of the workstation does not answer. If that is still so at"
        in (seen["statusMessage"])
    )
    assert not studio.is_cut(stream)
    studio.world.advance(10 * MINUTES)
    assert studio.is_cut(stream)
    seen = studio.later(session, seconds=60)
    assert (seen["state"], seen["statusCode"]) == ("READY", "STREAMING_SESSION_STARTED")
    assert "runs on another host, from its last backup" in seen["statusMessage"]
    assert lost.scene() == b"at the backup"
    assert kinds(studio, session)[-3:] == ["OUT_OF_REACH", "START_IN_PROGRESS", "READY"]
    # Everything goes on with the new one: streams, stops, backups, starts.
    studio.stream(session)
    lost.engine.write(lost.ref_now, "scene", b"elsewhere")
    assert studio.stop(session)["state"] == "STOPPED"
    assert len(studio.backups("READY")) == 2
    started = studio.start(session)
    assert (started["state"], started["statusMessage"]) == ("READY", "The workstation is ready.")
    assert lost.scene() == b"elsewhere"


def test_by_default_it_waits_for_its_host(studio: Studio) -> None:
    session = studio.launch()
    engine = studio.world.engine
    engine.misbehave(Misbehaviour.OUT_OF_REACH, ref=session["sessionId"], times=10**6)
    seen = studio.later(session, seconds=3600)
    assert seen["state"] == "READY"
    assert seen["statusMessage"] == "Out of reach. The host n2 of the workstation does not answer."
    assert seen["unreachableSince"]
    engine.calm()
    seen = studio.later(session)
    assert seen["statusMessage"] == "The workstation can be reached again."
    assert "unreachableSince" not in seen
    assert kinds(studio, session)[-2:] == ["OUT_OF_REACH", "REACHED"]


def test_a_host_that_is_back_in_time_keeps_it(lost: Lost) -> None:
    lost.lose()
    lost.studio.world.advance(9 * MINUTES)
    lost.engine.calm()
    lost.studio.world.advance(30 * MINUTES)
    assert lost.ref_now == lost.ref
    assert lost.engine.observe(lost.ref).phase is Phase.RUNNING
    # And its patience begins anew.
    lost.lose()
    lost.studio.world.advance(9 * MINUTES)
    assert lost.ref_now == lost.ref


def test_a_move_that_finds_no_room_can_be_tried_again(lost: Lost) -> None:
    lost.lose()
    lost.engine.most_workstations = 0
    lost.studio.world.advance(11 * MINUTES)
    seen = lost.studio.world.see(lost.session)
    assert (seen["state"], seen["statusCode"]) == ("START_FAILED", "INSUFFICIENT_CAPACITY")
    lost.engine.most_workstations = None
    assert lost.studio.start(lost.session)["state"] == "READY"
    assert lost.scene() == b"at the backup"


def test_it_moves_on_from_a_host_that_is_lost_while_it_starts_there(lost: Lost) -> None:
    lost.lose()
    lost.studio.world.advance(10 * MINUTES)
    second = lost.ref_now
    lost.studio.world.advance(MINUTES)
    lost.lose()
    lost.studio.world.advance(12 * MINUTES)
    assert lost.ref_now not in {lost.ref, second}
    assert lost.studio.world.see(lost.session)["state"] == "READY"
    assert lost.scene() == b"at the backup"


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_restart_of_the_service_changes_nothing(lost: Lost, moment: str) -> None:
    lost.lose()
    lost.studio.world.advance((5 if moment == "before" else 10) * MINUTES)
    lost.studio.world.restart()
    lost.studio.world.advance(7 * MINUTES)
    assert lost.studio.world.see(lost.session)["state"] == "READY"
    assert lost.ref_now != lost.ref
    with lost.studio.world.service.database.transaction(write=False) as transaction:
        assert store.named(transaction, lost.ref_now) == lost.session["sessionId"]
