"""What can be done with sessions, and when not."""

from datetime import timedelta
from typing import Any

import pytest

from soundstage.kit import journal
from soundstage.kit.machine import ImpossibleError
from soundstage.resources.backups.model import StreamingSessionState, StreamingSessionStatusCode
from soundstage.resources.images import store as images
from soundstage.resources.launch_profiles import store as launch_profiles
from soundstage.resources.sessions import service, store
from soundstage.testing.walks import Studio
from soundstage.testing.world import World

LAUNCH = "CreateStreamingSession"


@pytest.fixture
def given(studio: Studio) -> dict[str, str]:
    """Give what a launch has to say."""
    return {"studioId": studio.id, "launchProfileId": studio.profile_id}


def second_image(studio: Studio) -> tuple[str, list[str]]:
    """Make a profile of two images; say its id and theirs."""
    world = studio.world
    made = [
        world.operator.call(
            "CreateStreamingImage", studioId=studio.id, name=name, ec2ImageId=f"ami-{name}"
        )["streamingImage"]["streamingImageId"]
        for name in ("one", "two")
    ]
    world.settle()
    return world.profile(studio.id, streamingImageIds=made)["launchProfileId"], made


def change(studio: Studio, record_id: str, records: Any, **changes: Any) -> None:
    with studio.world.service.database.transaction() as transaction:
        records.update(transaction, record_id, changes)


def test_what_is_not_said_is_the_profile_s_first(studio: Studio) -> None:
    profile_id, made = second_image(studio)
    plain = studio.world.session(studio.id, profile_id)
    assert (plain["streamingImageId"], plain["ec2InstanceType"]) == (made[0], "g4dn.xlarge")
    chosen = studio.world.session(
        studio.id, profile_id, streamingImageId=made[1], ec2InstanceType="g5.xlarge"
    )
    assert (chosen["streamingImageId"], chosen["ec2InstanceType"]) == (made[1], "g5.xlarge")
    with studio.world.service.database.transaction(write=False) as transaction:
        stored = service.find(transaction, studio.id, chosen["sessionId"])
    assert stored.ec2_image_id == "ami-two"


def test_what_the_profile_does_not_allow_is_refused(
    studio: Studio, refused: Any, given: dict[str, str]
) -> None:
    _, (other, _) = second_image(studio)
    name, said = refused(LAUNCH, **given, ec2InstanceType="g5.2xlarge")
    assert (name, said.split(":")[0]) == ("ValidationException", "ec2InstanceType")
    assert "allows g4dn.xlarge, g5.xlarge, not g5.2xlarge" in said
    name, said = refused(LAUNCH, **given, streamingImageId=other)
    assert (name, said.split(":")[0]) == ("ValidationException", "streamingImageId")
    assert list(studio.world.operator.pages("ListStreamingSessions", studioId=studio.id)) == []


def test_an_image_that_can_not_be_used_any_more_is_a_conflict(studio: Studio, refused: Any) -> None:
    profile_id, (first, second) = second_image(studio)
    given = {"studioId": studio.id, "launchProfileId": profile_id}
    change(studio, first, images.images, state="DELETE_IN_PROGRESS")
    name, said = refused(LAUNCH, **given)
    assert (name, said) == (
        "ConflictException",
        f"The streaming image {first} is DELETE_IN_PROGRESS; it must be READY.",
    )
    with studio.world.service.database.transaction() as transaction:
        images.images.delete(transaction, first)
    assert refused(LAUNCH, **given)[1].endswith(f" {first} is DELETED; it must be READY.")
    made = studio.world.operator.call(LAUNCH, **given, streamingImageId=second)["session"]
    assert made["streamingImageId"] == second


def test_a_profile_that_is_not_ready_launches_nothing(
    studio: Studio, refused: Any, given: dict[str, str]
) -> None:
    change(studio, studio.profile_id, launch_profiles.launch_profiles, state="UPDATE_IN_PROGRESS")
    name, said = refused(LAUNCH, **given)
    assert name == "ConflictException"
    assert said.endswith("is UPDATE_IN_PROGRESS; it must be READY.")
    assert refused(LAUNCH, **{**given, "launchProfileId": "none"}) == (
        "ResourceNotFoundException",
        "There is no launch profile none.",
    )


@pytest.mark.parametrize("state", ["UPDATE_FAILED", "DELETE_FAILED"])
def test_a_profile_launches_after_a_change_that_failed(
    studio: Studio, given: dict[str, str], state: str
) -> None:
    change(studio, studio.profile_id, launch_profiles.launch_profiles, state=state)
    assert studio.world.operator.call(LAUNCH, **given)["session"]


def test_lists_are_by_owner_and_by_maker(studio: Studio, given: dict[str, str]) -> None:
    world = studio.world
    ann, boss = world.client("ann"), world.principal_id("operator")
    ann_id = world.principal_id("ann")
    world.operator.call(
        "PutLaunchProfileMembers",
        **given,
        identityStoreId="d-1",
        members=[{"principalId": ann_id, "persona": "USER"}],
    )
    own = ann.call(LAUNCH, **given)["session"]
    world.advance(timedelta(seconds=1))
    hers = world.operator.call(LAUNCH, **given, ownedBy=ann_id)["session"]
    world.advance(timedelta(seconds=1))
    his = world.operator.call(LAUNCH, **given)["session"]
    assert [(made["createdBy"], made["ownedBy"]) for made in (own, hers, his)] == [
        (ann_id, ann_id),
        (boss, ann_id),
        (boss, boss),
    ]

    def listed(**members: str) -> list[str]:
        pages = world.operator.pages("ListStreamingSessions", studioId=studio.id, **members)
        return [session["sessionId"] for session in pages]

    ids = [made["sessionId"] for made in (own, hers, his)]
    assert listed() == ids
    assert listed(ownedBy=ann_id) == ids[:2]
    assert listed(createdBy=boss) == ids[1:]
    assert listed(ownedBy=ann_id, createdBy=boss) == [ids[1]]
    assert listed(ownedBy=boss, sessionIds=",".join(ids)) == [ids[2]]
    assert listed(ownedBy="nobody") == []


def test_a_list_and_its_sessions_are_of_one_studio(studio: Studio, refused: Any) -> None:
    session = studio.launch()
    other = studio.world.operator.call(
        "CreateStudio", studioName="other", displayName="O", adminRoleArn="a", userRoleArn="u"
    )["studio"]["studioId"]
    assert list(studio.world.operator.pages("ListStreamingSessions", studioId=other)) == []
    asked = {"studioId": other, "sessionId": session["sessionId"]}
    for verb in ("Get", "Start", "Stop", "Delete"):
        assert refused(f"{verb}StreamingSession", **asked)[0] == "ResourceNotFoundException"


POSSIBLE: dict[str, set[str]] = {
    "CREATE_IN_PROGRESS": {"Delete"},
    "READY": {"Stop", "Delete"},
    "STOP_IN_PROGRESS": set(),
    "STOPPED": {"Start", "Delete"},
    "START_IN_PROGRESS": set(),
    "CREATE_FAILED": {"Delete"},
    "START_FAILED": {"Start", "Delete"},
    "STOP_FAILED": {"Stop", "Delete"},
    "DELETE_IN_PROGRESS": set(),
    "DELETE_FAILED": {"Delete"},
    "DELETED": set(),
}
"""What may be wished for in each of the states, as the public documentation has it."""


def test_what_may_be_wished_for_in_each_state(
    studio: Studio, refused: Any, given: dict[str, str]
) -> None:
    assert set(POSSIBLE) == set(StreamingSessionState)
    session = studio.world.operator.call(LAUNCH, **given)["session"]
    for state, possible in POSSIBLE.items():
        for wish in ("Start", "Stop", "Delete"):
            change(studio, session["sessionId"], store.sessions, state=state)
            operation = f"{wish}StreamingSession"
            if wish not in possible:
                name, said = refused(operation, studioId=studio.id, sessionId=session["sessionId"])
                assert name == "ConflictException"
                assert f"is {state}; to {wish.lower()} it, it must be one of: " in said
                continue
            answer = studio.call(operation, session)["session"]
            assert answer["state"] == f"{wish.upper()}_IN_PROGRESS"
            assert answer["statusCode"] == f"STREAMING_SESSION_{wish.upper()}_IN_PROGRESS"


@pytest.mark.parametrize("state", ["READY", "STOPPED"])
def test_a_session_that_can_not_be_stopped_is_told_so_in_any_state(
    studio: Studio, refused: Any, state: str
) -> None:
    profile = studio.world.profile(studio.id, sessionPersistenceMode="DEACTIVATED")
    session = studio.world.session(studio.id, profile["launchProfileId"])
    change(studio, session["sessionId"], store.sessions, state=state)
    asked = {"studioId": studio.id, "sessionId": session["sessionId"]}
    name, said = refused("StopStreamingSession", **asked)
    assert name == "ValidationException"
    assert "can't be stopped, only deleted" in said
    assert "sessionPersistenceMode DEACTIVATED" in said


@pytest.mark.parametrize(
    "backup", [{"mode": "DEACTIVATED"}, {"mode": "AUTOMATIC", "maxBackupsToRetain": 0}]
)
def test_a_disk_is_not_given_up_without_a_backup(
    studio: Studio, refused: Any, backup: dict[str, Any]
) -> None:
    profile = studio.world.profile(
        studio.id, sessionPersistenceMode="ACTIVATED", sessionBackup=backup
    )
    session = studio.world.session(studio.id, profile["launchProfileId"])
    asked = {"studioId": studio.id, "sessionId": session["sessionId"]}
    name, said = refused("StopStreamingSession", **asked, volumeRetentionMode="DELETE")
    assert (name, said.split(":")[0]) == ("ValidationException", "volumeRetentionMode")
    assert studio.world.see(session) == session
    assert studio.stop(session, volumeRetentionMode="RETAIN")["state"] == "STOPPED"


def test_a_start_goes_on_with_the_disk_or_names_a_new_one(studio: Studio, refused: Any) -> None:
    session, other = studio.launch(), studio.launch()
    studio.stop(session)
    studio.stop(other)
    mine, theirs = (
        next(made["backupId"] for made in studio.backups() if made["sessionId"] == of["sessionId"])
        for of in (session, other)
    )

    def stored() -> Any:
        with studio.world.service.database.transaction(write=False) as transaction:
            return service.find(transaction, studio.id, session["sessionId"])

    asked = {"studioId": studio.id, "sessionId": session["sessionId"]}
    name, said = refused("StartStreamingSession", **asked, backupId=theirs)
    assert (name, "of another session" in said) == ("ValidationException", True)
    assert refused("StartStreamingSession", **asked, backupId="none") == (
        "ResourceNotFoundException",
        "There is no streaming session backup none.",
    )
    assert stored().state == "STOPPED"
    studio.call("StartStreamingSession", session)
    assert (stored().attempt, stored().volume_generation) == (2, 0)
    assert (stored().volume_backup_id, stored().started_from_backup_id) == (None, None)
    studio.later(session)
    studio.stop(session)
    answer = studio.call("StartStreamingSession", session, backupId=mine)["session"]
    assert answer["startedFromBackupId"] == mine
    # The attempt's number, which is never used twice, names the new disk.
    assert (stored().attempt, stored().volume_generation) == (3, 3)
    assert (stored().volume_backup_id, stored().previous_volume_generation) == (mine, 0)


def test_who_was_taken_out_of_the_profile_starts_nothing(studio: Studio, refused: Any) -> None:
    world = studio.world
    assert world.client("ann")
    session = studio.launch(ownedBy=world.principal_id("ann"))
    studio.stop(session)
    asked = {"studioId": studio.id, "sessionId": session["sessionId"]}
    # Nor does anybody else for them; they may well delete it.
    assert refused("StartStreamingSession", **asked)[0] == "AccessDeniedException"
    assert world.see(session)["state"] == "STOPPED"
    deleted = world.client("ann").call("DeleteStreamingSession", **asked)["session"]
    assert deleted["state"] == "DELETE_IN_PROGRESS"


def test_a_wish_is_noted_with_who_wished_it(studio: Studio) -> None:
    session = studio.launch()
    studio.call("StopStreamingSession", session)
    subject = f"streaming-session/{session['sessionId']}"
    with studio.world.service.database.transaction(write=False) as transaction:
        kinds = [(entry.kind, entry.actor) for entry in journal.read(transaction, subject=subject)]
    operator = studio.world.principal_id("operator")
    assert kinds == [
        ("sessions.CREATE_IN_PROGRESS", operator),
        ("sessions.READY", "soundstage"),
        ("sessions.STOP_IN_PROGRESS", operator),
    ]


def test_no_state_changes_against_the_table(world: World, studio: Studio) -> None:
    session = studio.launch()
    with world.service.database.transaction() as transaction:
        stored = service.find(transaction, studio.id, session["sessionId"])
        with pytest.raises(ImpossibleError):
            service.move(
                transaction,
                stored,
                "start",
                now=world.clock(),
                actor="ann",
                code=StreamingSessionStatusCode.INTERNAL_ERROR,
                message="",
                changes={},
            )
    assert world.see(session) == session
