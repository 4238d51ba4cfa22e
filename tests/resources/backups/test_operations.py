"""Backups as the wire shows them, and to whom."""

import re
from typing import Any

import pytest

from soundstage.client.calls import CallError, Client
from soundstage.testing.walks import Studio


def test_a_backup_from_the_stop_that_made_it(studio: Studio) -> None:
    world = studio.world
    session = studio.launch(tags={"shot": "12"})
    studio.call("StopStreamingSession", session)
    studio.later(session, 2)
    (begun,) = studio.backups()
    assert (begun["state"], begun["statusCode"]) == (
        "CREATE_IN_PROGRESS",
        "STREAMING_SESSION_CREATE_IN_PROGRESS",
    )
    studio.later(session)
    (backup,) = studio.backups()
    account = world.service.installation.account_id
    backup_id = backup["backupId"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", backup_id)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", backup["createdAt"])
    # These members and no others: what is stored besides is nobody's business.
    assert backup == {
        "arn": f"arn:aws:nimble:us-west-2:{account}:streaming-session-backup/{backup_id}",
        "backupId": backup_id,
        "createdAt": backup["createdAt"],
        "launchProfileId": studio.profile_id,
        "ownedBy": world.principal_id("operator"),
        "sessionId": session["sessionId"],
        "state": "READY",
        "statusCode": "STREAMING_SESSION_READY",
        "statusMessage": "The backup is complete.",
        "tags": {"shot": "12"},
        "sizeInBytes": backup["sizeInBytes"],
    }
    asked = {"studioId": studio.id, "backupId": backup_id}
    assert world.operator.call("GetStreamingSessionBackup", **asked) == {
        "streamingSessionBackup": backup
    }


def test_nothing_is_an_empty_list_without_a_token(studio: Studio) -> None:
    page = studio.world.operator.call("ListStreamingSessionBackups", studioId=studio.id)
    assert page == {"streamingSessionBackups": []}


def test_no_such_backup_and_no_such_studio(studio: Studio, refused: Any) -> None:
    assert refused("GetStreamingSessionBackup", studioId=studio.id, backupId="none") == (
        "ResourceNotFoundException",
        "There is no streaming session backup none.",
    )
    absent = "us-west-2:stid-0000000000000000"
    for operation, more in [
        ("ListStreamingSessionBackups", {}),
        ("GetStreamingSessionBackup", {"backupId": "none"}),
    ]:
        name, message = refused(operation, studioId=absent, **more)
        assert (name, message) == ("ResourceNotFoundException", f"There is no studio {absent}.")


def test_people_see_their_own_backups(studio: Studio) -> None:
    ann, ben = (studio.world.client(name) for name in ("ann", "ben"))
    ann_id = studio.world.principal_id("ann")
    studio.world.operator.call(
        "PutLaunchProfileMembers",
        studioId=studio.id,
        launchProfileId=studio.profile_id,
        identityStoreId="d-1",
        members=[{"principalId": ann_id, "persona": "USER"}],
    )
    studio.stop(studio.launch(ownedBy=ann_id))
    (backup,) = ann.pages("ListStreamingSessionBackups", studioId=studio.id, ownedBy=ann_id)
    one = {"studioId": studio.id, "backupId": backup["backupId"]}
    assert ann.call("GetStreamingSessionBackup", **one)["streamingSessionBackup"] == backup

    def is_denied(client: Client, operation: str, **members: str) -> bool:
        with pytest.raises(CallError) as caught:
            client.call(operation, **members)
        return caught.value.name == "AccessDeniedException"

    assert is_denied(ben, "GetStreamingSessionBackup", **one)
    assert is_denied(ben, "ListStreamingSessionBackups", studioId=studio.id, ownedBy=ann_id)
    assert is_denied(ann, "ListStreamingSessionBackups", studioId=studio.id)
