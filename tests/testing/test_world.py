"""Time in the world goes where it is sent, past everything that is due on the way."""

from datetime import timedelta
from pathlib import Path

from soundstage.testing.world import world


def test_time_stops_where_something_is_due_and_ends_where_it_was_sent(home: Path) -> None:
    with world(home) as made:
        studio = made.studio()
        profile = made.profile(studio["studioId"])
        session = made.operator.call(
            "CreateStreamingSession",
            studioId=studio["studioId"],
            launchProfileId=profile["launchProfileId"],
        )["session"]
        began = made.clock()
        made.advance(timedelta(days=1))
        assert made.clock() == began + timedelta(days=1)
        # It was launched, ran its 690 minutes, and was ended: it may not be stopped.
        assert made.see(session)["state"] == "DELETED"


def test_a_restarted_world_knows_the_same_people_and_workstations(home: Path) -> None:
    with world(home) as made:
        studio = made.studio()
        profile = made.profile(studio["studioId"])
        session = made.session(studio["studioId"], profile["launchProfileId"])
        ann = made.principal_id("ann")
        made.restart()
        assert made.see(session)["state"] == "READY"
        assert made.principal_id("ann") == ann
