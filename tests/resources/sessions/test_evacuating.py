"""Sessions whose host is taken out: told, stopped, moved, and started elsewhere later."""

from datetime import timedelta
from typing import Any

import pytest
from tests.resources.conftest import Refused
from tests.resources.hosts.conftest import MINUTES, Hosts

from soundstage.engines.interface import Phase
from soundstage.engines.simulated.misbehaviour import Misbehaviour
from soundstage.resources.sessions import store
from soundstage.testing.world import World


@pytest.fixture
def hosts(world: World) -> Hosts:
    return Hosts(world)


def ref_of(hosts: Hosts, session: dict[str, Any]) -> str:
    with hosts.world.service.database.transaction(write=False) as transaction:
        found = store.sessions.get(transaction, session["sessionId"])
    assert found is not None
    return found.ref


def test_people_are_told_at_once_and_everywhere(hosts: Hosts) -> None:
    (session,) = hosts.launch_on("n2")
    stream = hosts.studio.stream(session)
    hosts.evacuate("n2", graceInMinutes=20, reason="new disks")
    coming = hosts.world.see(session)["nextAction"]
    assert (coming["rule"], coming["hostName"], coming["hostReason"]) == (
        "HOST_EVACUATION",
        "n2",
        "new disks",
    )
    hosts.world.settle()
    (said,) = hosts.engine.shown(session["sessionId"])
    assert said.title == "This workstation stops in 20 minutes"
    hosts.world.advance(21 * MINUTES)
    assert hosts.studio.is_cut(stream)


def test_an_earlier_end_for_another_reason_stays(hosts: Hosts) -> None:
    profile = hosts.world.profile(hosts.studio.id, name="Short", maxSessionLengthInMinutes=10)
    (session,) = hosts.launch_on("n2", profile["launchProfileId"])
    hosts.evacuate("n2", graceInMinutes=30)
    assert hosts.world.see(session)["nextAction"]["rule"] == "MAX_SESSION_LENGTH"


def test_one_that_can_not_be_stopped_is_ended(hosts: Hosts) -> None:
    once = hosts.world.profile(hosts.studio.id, name="Once", sessionPersistenceMode="DEACTIVATED")
    (session,) = hosts.launch_on("n2", once["launchProfileId"])
    hosts.evacuate("n2", graceInMinutes=5)
    assert hosts.world.see(session)["nextAction"]["action"] == "TERMINATE"
    hosts.world.advance(6 * MINUTES)
    seen = hosts.world.see(session)
    assert seen["state"] == "DELETED"
    assert hosts.all()["n2"]["state"] == "EVACUATED"


def test_it_goes_on_elsewhere_with_all_that_it_had(hosts: Hosts) -> None:
    (session,) = hosts.launch_on("n2", hosts.moving)
    hosts.engine.write(session["sessionId"], "scene", b"the last stroke")
    hosts.evacuate("n2", graceInMinutes=0, reason="new disks")
    hosts.world.advance(timedelta(seconds=4.5))
    assert "It goes on elsewhere" in hosts.world.see(session)["statusMessage"] or (
        "on another host from its backup, because the host n2"
        in (hosts.world.see(session)["statusMessage"])
    )
    hosts.world.advance(2 * MINUTES)
    seen = hosts.world.see(session)
    assert (seen["state"], seen["statusCode"]) == ("READY", "STREAMING_SESSION_STARTED")
    assert hosts.host_of(session) != "n2"
    assert hosts.engine.read(ref_of(hosts, session), "scene") == b"the last stroke"
    # What it left is gone by now, and there is no second backup of the same.
    assert hosts.engine.observe(session["sessionId"]).phase is Phase.ABSENT
    assert len(hosts.studio.backups("READY")) == 1


def test_without_its_backup_it_stays_where_its_disk_is(hosts: Hosts) -> None:
    (session,) = hosts.launch_on("n2", hosts.moving)
    hosts.engine.misbehave(Misbehaviour.FAILS_BACKUP, ref=session["sessionId"])
    hosts.evacuate("n2", graceInMinutes=0)
    hosts.world.advance(3 * MINUTES)
    seen = hosts.world.see(session)
    assert seen["state"] == "STOPPED"
    assert (
        "It can be started again when the host is back. Its backup failed"
        in (seen["statusMessage"])
    )


def test_one_that_finds_no_room_elsewhere_keeps_its_disk_and_can_be_tried_again(
    hosts: Hosts,
) -> None:
    hosts.engine.host_list = ("n1", "n2")
    hosts.engine.most_workstations = 1
    (blocking,) = hosts.launch_on("n1")
    (session,) = hosts.launch_on("n2", hosts.moving)
    hosts.evacuate("n2", graceInMinutes=0)
    hosts.world.advance(3 * MINUTES)
    seen = hosts.world.see(session)
    assert (seen["state"], seen["statusCode"]) == ("START_FAILED", "INSUFFICIENT_CAPACITY")
    assert hosts.engine.observe(session["sessionId"]).volume_generation == 0
    hosts.studio.stop(blocking)
    assert hosts.studio.start(session)["state"] == "READY"
    hosts.world.advance(MINUTES)
    assert hosts.engine.observe(session["sessionId"]).phase is Phase.ABSENT


def test_one_that_somebody_stops_stays_stopped(hosts: Hosts) -> None:
    (session,) = hosts.launch_on("n2", hosts.moving)
    hosts.evacuate("n2", graceInMinutes=10)
    hosts.studio.stop(session)
    hosts.world.advance(20 * MINUTES)
    assert hosts.world.see(session)["state"] == "STOPPED"
    assert hosts.all()["n2"]["state"] == "EVACUATED"


def test_one_that_rests_there_is_started_elsewhere_from_its_newest_backup(hosts: Hosts) -> None:
    (session,) = hosts.launch_on("n2")
    hosts.engine.write(session["sessionId"], "scene", b"saved")
    hosts.studio.stop(session)
    hosts.evacuate("n2")
    hosts.studio.call("StartStreamingSession", session)
    assert "on another host from its backup of" in hosts.world.see(session)["statusMessage"]
    hosts.world.advance(MINUTES)
    assert hosts.world.see(session)["state"] == "READY"
    assert hosts.host_of(session) != "n2"
    assert hosts.engine.read(ref_of(hosts, session), "scene") == b"saved"


def test_what_is_on_its_disk_alone_is_kept_as_another_backup(hosts: Hosts) -> None:
    (session,) = hosts.launch_on("n2")
    hosts.studio.stop(session)
    hosts.studio.start(session)
    hosts.engine.write(session["sessionId"], "scene", b"in no backup")
    hosts.engine.misbehave(Misbehaviour.FAILS_BACKUP, ref=session["sessionId"])
    hosts.studio.stop(session)
    hosts.evacuate("n2")
    assert hosts.studio.start(session)["state"] == "READY"
    hosts.world.advance(5 * MINUTES)
    assert hosts.engine.observe(session["sessionId"]).phase is Phase.ABSENT
    newest = hosts.studio.backups("READY")[-1]
    hosts.studio.stop(session)
    hosts.studio.start(session, backupId=newest["backupId"])
    assert hosts.engine.read(ref_of(hosts, session), "scene") == b"in no backup"


def test_one_without_a_backup_can_not_be_started_elsewhere(hosts: Hosts, refused: Refused) -> None:
    plain = hosts.world.profile(hosts.studio.id, name="Plain", sessionPersistenceMode="ACTIVATED")
    (session,) = hosts.launch_on("n2", plain["launchProfileId"])
    hosts.evacuate("n2", graceInMinutes=0)
    hosts.world.advance(MINUTES)
    seen = hosts.world.see(session)
    assert seen["statusMessage"] == (
        "The workstation is stopped because the host n2 is taken out for maintenance. It can be "
        "started again when the host is back."
    )
    name, message = refused(
        "StartStreamingSession", studioId=hosts.studio.id, sessionId=session["sessionId"]
    )
    assert name == "ConflictException"
    assert "has its disk on the host n2, which is taken out for maintenance" in message
    hosts.reopen("n2")
    assert hosts.studio.start(session)["state"] == "READY"
    assert hosts.host_of(session) == "n2"


def test_one_that_keeps_dying_there_is_not_moved_back_in_time(hosts: Hosts) -> None:
    (session,) = hosts.launch_on("n2", hosts.moving)
    hosts.studio.stop(session)
    hosts.studio.start(session)
    hosts.evacuate("n2", graceInMinutes=60)
    for _ in range(4):
        hosts.engine.crash(session["sessionId"])
        hosts.world.advance(timedelta(seconds=20))
    seen = hosts.world.see(session)
    assert seen["state"] == "STOPPED"
    assert "died" in seen["statusMessage"]
