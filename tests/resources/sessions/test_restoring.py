"""A new session begins with a backup, under the rules of today."""

from datetime import timedelta

import pytest

from soundstage.client.calls import CallError
from soundstage.testing.backups import member, read_shot, write_shot
from soundstage.testing.walks import Studio


def test_a_deleted_session_s_work_begins_a_new_one_while_its_backups_are_kept(
    studio: Studio,
) -> None:
    session = studio.launch()
    write_shot(studio, session, b"nearly lost")
    studio.stop(session)
    (backup,) = studio.backups("READY")
    studio.delete(session)
    studio.world.advance(timedelta(days=6))
    again = studio.launch(backupId=backup["backupId"])
    assert (again["state"], again["startedFromBackupId"]) == ("READY", backup["backupId"])
    assert read_shot(studio, again) == b"nearly lost"
    # From here on it is a session like any other.
    write_shot(studio, again, b"went on")
    studio.stop(again)
    studio.start(again)
    assert read_shot(studio, again) == b"went on"
    studio.world.advance(timedelta(days=2))
    with pytest.raises(CallError, match=r"DELETED|no streaming session backup"):
        studio.launch(backupId=backup["backupId"])


def test_a_restore_that_takes_long_is_no_late_launch(studio: Studio) -> None:
    session = studio.launch()
    studio.stop(session)
    (backup,) = studio.backups("READY")
    studio.world.engine.backup_seconds = 3600
    again = studio.launch(backupId=backup["backupId"])
    assert again["state"] == "CREATE_IN_PROGRESS"
    assert studio.later(again, 3700)["state"] == "READY"


def test_a_new_session_keeps_to_the_rules_of_today(studio: Studio) -> None:
    session = studio.launch()
    studio.stop(session)
    (backup,) = studio.backups("READY")
    for wrong in ({"ec2InstanceType": "g3.4xlarge"}, {"streamingImageId": "x" * 22}):
        with pytest.raises(CallError, match="allows"):
            studio.launch(backupId=backup["backupId"], **wrong)
    with pytest.raises(CallError, match="no streaming session backup"):
        studio.launch(backupId="x" * 22)


def test_people_begin_with_their_own_backups_only(studio: Studio) -> None:
    ann, ben = member(studio, "ann"), member(studio, "ben")
    launch = {"studioId": studio.id, "launchProfileId": studio.profile_id}
    session = ann.call("CreateStreamingSession", **launch)["session"]
    studio.later(session)
    studio.stop(session)
    (backup,) = studio.backups("READY")
    where = {"studioId": studio.id, "backupId": backup["backupId"]}
    refusals = []
    for backup_id in (backup["backupId"], "x" * 22):
        with pytest.raises(CallError) as raised:
            ben.call("CreateStreamingSession", **launch, backupId=backup_id)
        refusals.append((raised.value.name, str(raised.value).replace(backup_id, "")))
    # Whether there is such a backup can't be told from the answer.
    assert refusals[0] == refusals[1]
    assert refusals[0][0] == "AccessDeniedException"
    for call in ("ListStreamingSessionBackupFiles", "GetStreamingSessionBackupFile"):
        with pytest.raises(CallError) as raised:
            ben.call(call, **where, path="show/shot.blend")
        assert raised.value.name == "AccessDeniedException"
    with pytest.raises(CallError) as raised:
        ben.call("CreateStreamingSessionBackup", studioId=studio.id, sessionId=session["sessionId"])
    assert raised.value.name == "AccessDeniedException"
    own = ann.call("CreateStreamingSession", **launch, backupId=backup["backupId"])["session"]
    assert studio.later(own)["state"] == "READY"
    studio.world.operator.call(
        "DeleteLaunchProfileMember",
        studioId=studio.id,
        launchProfileId=studio.profile_id,
        principalId=studio.world.principal_id("ann"),
    )
    with pytest.raises(CallError) as raised:
        ann.call("CreateStreamingSession", **launch, backupId=backup["backupId"])
    assert raised.value.name == "AccessDeniedException"


def test_another_studio_s_backups_are_not_there(studio: Studio) -> None:
    session = studio.launch()
    studio.stop(session)
    (backup,) = studio.backups("READY")
    role = "arn:aws:iam::000000000000:role/soundstage"
    other = studio.world.operator.call(
        "CreateStudio",
        studioName="other",
        displayName="Other",
        adminRoleArn=role,
        userRoleArn=role,
    )["studio"]["studioId"]
    studio.world.settle()
    profile = studio.world.profile(other)
    with pytest.raises(CallError, match="no streaming session backup"):
        studio.world.operator.call(
            "CreateStreamingSession",
            studioId=other,
            launchProfileId=profile["launchProfileId"],
            backupId=backup["backupId"],
        )
    for operation in ("ListStreamingSessionBackupFiles", "GetStreamingSessionBackupFile"):
        with pytest.raises(CallError, match="no streaming session backup"):
            studio.world.operator.call(
                operation, studioId=other, backupId=backup["backupId"], path="show"
            )
