"""People who work in a session keep it awake; its end can be put off."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from soundstage.client.calls import CallError
from soundstage.kit import journal
from soundstage.resources.sessions import activity, store
from soundstage.resources.sessions.model import Activity, StreamingSession
from soundstage.testing.walks import Studio


def stored(studio: Studio, session: dict[str, Any]) -> StreamingSession:
    with studio.world.service.database.transaction(write=False) as transaction:
        found = store.sessions.get(transaction, session["sessionId"])
    assert found is not None
    return found


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.fixture
def idling(studio: Studio) -> dict[str, Any]:
    rules = {"sessionPersistenceMode": "ACTIVATED", "idleStopInMinutes": 60}
    profile = studio.world.profile(studio.id, name="Idle", **rules)
    return studio.world.session(studio.id, profile["launchProfileId"])


def test_input_is_noted_where_it_matters(studio: Studio, idling: dict[str, Any]) -> None:
    plain = studio.launch()
    now = studio.world.clock() + timedelta(minutes=3)
    before = stored(studio, idling)
    with studio.world.service.database.transaction() as transaction:
        ids = {idling["sessionId"], plain["sessionId"], "x" * 22}
        activity.note_input(transaction, ids, now)
    after = stored(studio, idling)
    assert before.active_by is Activity.START
    assert (after.active_at, after.active_by) == (now, Activity.INPUT)
    assert stored(studio, plain).active_by is Activity.START
    assert idling["nextAction"]["rule"] == "IDLE"
    later = moment(studio.world.see(idling)["nextAction"]["at"])
    assert later - moment(idling["nextAction"]["at"]) >= timedelta(minutes=3)


def test_an_end_is_put_off_as_far_as_a_new_run_would_go(studio: Studio) -> None:
    session = studio.launch()
    first = moment(session["stopAt"])
    studio.world.advance(timedelta(minutes=600))
    extended = studio.call("ExtendStreamingSession", session, minutes=60)["session"]
    assert moment(extended["stopAt"]) == first + timedelta(minutes=60)
    assert moment(extended["nextAction"]["at"]) == moment(extended["stopAt"])
    farthest = studio.call("ExtendStreamingSession", session)["session"]
    allowed = studio.world.clock() + timedelta(minutes=690)
    assert abs(moment(farthest["stopAt"]) - allowed) < timedelta(seconds=1)
    # It never comes nearer.
    again = studio.call("ExtendStreamingSession", session, minutes=1)["session"]
    assert again["stopAt"] == farthest["stopAt"]
    studio.world.advance(timedelta(minutes=680))
    assert studio.world.see(session)["state"] == "READY"
    studio.world.advance(timedelta(minutes=11))
    assert studio.world.see(session)["state"] == "STOPPED"
    with studio.world.service.database.transaction(write=False) as transaction:
        subject = f"streaming-session/{session['sessionId']}"
        noted = [entry.kind for entry in journal.read(transaction, subject=subject)]
    assert noted.count("sessions.EXTENDED") == 3


def test_what_does_not_run_can_not_be_extended(studio: Studio) -> None:
    session = studio.stop(studio.launch())
    with pytest.raises(CallError) as raised:
        studio.call("ExtendStreamingSession", session)
    assert raised.value.status == 409
    assert "STOPPED" in str(raised.value)
