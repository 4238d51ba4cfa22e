"""Who may do what, the whole table: every operation, every kind of caller, on what is their own,
another's, another studio's, and not there.

It is written from the texts of the public service's policies, apart from the rows, and tried
through the front door. Every call is rightly made, so whoever may make it is answered; what it did
is undone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection

from soundstage.api.door import Begin
from soundstage.client.calls import CallError, Client
from soundstage.resources.members import service as members
from soundstage.resources.operations import OPERATIONS
from soundstage.testing.additions import ADDED_OPERATIONS
from soundstage.testing.world import ENDPOINT, PERSISTENT, Inside, World
from soundstage.wire.operation import BASE_PATH, Operation
from soundstage.wiring import doors, service

CALLERS = ("operator", "ada", "olga", "mia", "nils", "xena")
"""The account's operator; this studio's administrator; who owns a session, a stream and a backup in
it; a member of its first profile; nobody in particular; the administrator of another studio.
"""

Outcomes = dict[str, str]
"""For each thing that is asked for, what the callers get, in their order."""

ANSWERS = {
    "y": None,
    "-": "AccessDeniedException",
    "n": "ResourceNotFoundException",
    "v": "ValidationException",
}

OPERATOR_S: Outcomes = {
    "own": "y-----",
    "other studio": "y-----",
    "astray": "n-----",
    "nothing": "n-----",
}
"""`astray`: the path names this studio, and a thing of another."""
OPERATOR_S_STUDIO: Outcomes = {"own": "y-----", "other studio": "y-----", "no studio": "n-----"}
OPERATOR_S_ACCOUNT: Outcomes = {"own": "y-----"}
OPERATOR_S_TAGS: Outcomes = {"own": "y-----", "other studio": "y-----"}

ADMINISTRATOR_S_STUDIO: Outcomes = {
    "own": "yy----",
    "other studio": "y----y",
    "no studio": "n-----",
}
ADMINISTRATOR_S: Outcomes = {
    "own": "yy----",
    "other studio": "y----y",
    "astray": "nn----",
    "nothing": "nn----",
}
EVERYBODY_S_STUDIO: Outcomes = {
    "own": "yyyyyy",
    "other studio": "yyyyyy",
    "no studio": "nnnnnn",
}
OWNER_S: Outcomes = {
    "own": "yyy---",
    "another's": "yy----",
    "other studio": "y----y",
    "astray": "nn----",
    "nothing": "nn----",
}
PRIVATE_S: Outcomes = {
    "own": "y-y---",
    "another's": "y-----",
    "other studio": "y-----",
    "astray": "n-----",
    "nothing": "n-----",
}
"""A screen is its artist's: administrators may no more than others."""
MEMBER_S: Outcomes = {
    "own": "yy-y--",
    "another's": "yy----",
    "other studio": "y----y",
    "astray": "nn----",
    "nothing": "nn----",
}
LISTED: Outcomes = {
    "of oneself": "yyyyyy",
    "another's": "yy----",
    "all": "yy----",
    "other studio": "y----y",
}

TABLE: dict[str, Outcomes] = {
    "AcceptEulas": ADMINISTRATOR_S_STUDIO,
    "CreateLaunchProfile": OPERATOR_S_STUDIO,
    "CreateStreamingImage": OPERATOR_S_STUDIO,
    "CreateStreamingSession": {
        "own": "yy-y--",
        "for another": "yy----",
        "another's": "yy----",
        "other studio": "y----y",
        "astray": "nn----",
        "nothing": "nn----",
    },
    "CreateStreamingSessionBackup": OWNER_S,
    "CreateStreamingSessionShare": PRIVATE_S,
    "CreateStreamingSessionStream": OWNER_S,
    "DeleteStreamingSessionShare": OWNER_S,
    "GetStreamingSessionPicture": PRIVATE_S,
    "ListStreamingSessionShares": PRIVATE_S,
    "CreateStudio": OPERATOR_S_ACCOUNT,
    "CreateStudioComponent": OPERATOR_S_STUDIO,
    "CreateWebhook": ADMINISTRATOR_S_STUDIO,
    "DeleteLaunchProfile": OPERATOR_S,
    "DeleteLaunchProfileMember": ADMINISTRATOR_S,
    "DeleteStreamingImage": OPERATOR_S,
    "DeleteStreamingSession": OWNER_S,
    "DeleteStudio": OPERATOR_S_STUDIO,
    "DeleteStudioComponent": OPERATOR_S,
    "DeleteStudioMember": OPERATOR_S,
    "DeleteWebhook": ADMINISTRATOR_S,
    "EvacuateHost": {"own": "n-----"},
    "ExtendStreamingSession": OWNER_S,
    "GetCaller": {"own": "yyyyyy"},
    "GetCatalogue": OPERATOR_S_ACCOUNT,
    "GetEula": {"own": "yy---y", "nothing": "nn---n"},
    "GetLaunchProfile": MEMBER_S,
    "GetLaunchProfileAvailability": MEMBER_S,
    "GetLaunchProfileDetails": MEMBER_S,
    "GetLaunchProfileInitialization": MEMBER_S,
    "GetLaunchProfileMember": {**MEMBER_S, "another's": "nn----"},  # There is no such member.
    "GetStreamingImage": ADMINISTRATOR_S,
    "GetStreamingSession": OWNER_S,
    "GetStreamingSessionBackup": OWNER_S,
    "GetStreamingSessionBackupFile": OWNER_S,
    "GetStreamingSessionStream": OWNER_S,
    "GetStudio": OPERATOR_S_STUDIO,
    "GetStudioCapacity": ADMINISTRATOR_S_STUDIO,
    "GetStudioComponent": OPERATOR_S,
    "GetStudioMember": {
        "own": "yyyyyy",
        "other studio": "yyyyyy",
        "astray": "nnnnnn",
        "nothing": "nnnnnn",
    },
    "GetStudioQuotas": ADMINISTRATOR_S_STUDIO,
    "GetWebhook": ADMINISTRATOR_S,
    "ListEulaAcceptances": EVERYBODY_S_STUDIO,
    "ListEulas": {"own": "yyyyyy"},
    "ListHosts": OPERATOR_S_ACCOUNT,
    "ReopenHost": {"own": "n-----"},
    "ListLaunchProfileAvailabilities": LISTED,
    "ListEvents": LISTED,
    "ListLaunchProfileMembers": MEMBER_S,
    "ListLaunchProfiles": LISTED,
    "ListPeople": {"own": "yy---y"},
    "ListStreamingImages": ADMINISTRATOR_S_STUDIO,
    "ListStreamingSessionBackupFiles": OWNER_S,
    "ListStreamingSessionBackups": LISTED,
    "ListStreamingSessionScriptOutputs": ADMINISTRATOR_S,
    "ListStreamingSessions": LISTED,
    "ListStudioComponents": OPERATOR_S_STUDIO,
    "ListStudioMembers": EVERYBODY_S_STUDIO,
    "ListStudios": OPERATOR_S_ACCOUNT,
    "ListTagsForResource": OPERATOR_S_TAGS,
    "ListWebhookDeliveries": ADMINISTRATOR_S,
    "ListWebhooks": ADMINISTRATOR_S_STUDIO,
    "PutLaunchProfileMembers": ADMINISTRATOR_S,
    "PutStudioMembers": OPERATOR_S_STUDIO,
    "RedeliverWebhook": ADMINISTRATOR_S,
    "StartStreamingSession": OWNER_S,
    "StartStudioSSOConfigurationRepair": {  # It is healthy.
        "own": "v-----",
        "other studio": "v-----",
        "no studio": "n-----",
    },
    "StopStreamingSession": OWNER_S,
    "TagResource": OPERATOR_S_TAGS,
    "UntagResource": OPERATOR_S_TAGS,
    "UpdateLaunchProfile": OPERATOR_S,
    "UpdateLaunchProfileMember": ADMINISTRATOR_S,
    "UpdateStreamingImage": OPERATOR_S,
    "UpdateStudio": OPERATOR_S_STUDIO,
    "UpdateStudioComponent": OPERATOR_S,
    "UpdateStudioQuotas": ADMINISTRATOR_S_STUDIO,
    "UpdateWebhook": ADMINISTRATOR_S,
}

ROLES = {"adminRoleArn": "arn:aws:iam::1:role/a", "userRoleArn": "arn:aws:iam::1:role/u"}
RULES = {"clipboardMode": "ENABLED", "ec2InstanceTypes": ["g4dn.xlarge"]}
WORKER = {"launchPurpose": "WORKSTATION", "platform": "LINUX"}
PROTOCOLS = {"launchProfileProtocolVersions": ["2021-03-31"]}
EULA = "gJZLygd-Srq_5NNbSfiaLg"

GIVEN: dict[str, dict[str, Any]] = {
    "AcceptEulas": {"eulaIds": [EULA]},
    "CreateStreamingImage": {"name": "New", "ec2ImageId": "ami-new"},
    "CreateStudio": {**ROLES, "studioName": "another", "displayName": "Another"},
    "CreateStudioComponent": {"name": "New", "type": "CUSTOM"},
    "CreateWebhook": {"url": "http://nowhere.invalid/"},
    "GetLaunchProfileInitialization": {**PROTOCOLS, **WORKER},
    "GetStreamingSessionBackupFile": {"path": "shot.ma"},
    "TagResource": {"tags": {"a": "1"}},
    "UntagResource": {"tagKeys": ["a"]},
    "UpdateLaunchProfile": {"name": "New"},
    "UpdateLaunchProfileMember": {"persona": "USER"},
    "UpdateStreamingImage": {"name": "New"},
    "UpdateStudio": {"displayName": "New"},
    "UpdateStudioComponent": {"name": "New"},
    "UpdateStudioQuotas": {"sessions": 400},
}
"""What a call needs beside the ids."""


class UndoingDoor(doors.ApiDoor):
    """The front door, which from a moment on undoes what a request did once it is answered."""

    undoes = False

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[Connection]:
        with self._undone(super().transaction, write=write) as opened:
            yield opened

    @contextmanager
    def together(self) -> Iterator[Begin]:
        with super().together() as begin:
            yield partial(self._undone, begin)

    @contextmanager
    def _undone(self, begin: Begin, *, write: bool) -> Iterator[Connection]:
        with begin(write=write) as opened:
            if not (self.undoes and write):
                yield opened
                return
            savepoint = opened.begin_nested()
            yield opened
            savepoint.rollback()


class Place:
    """A studio with an administrator, a profile with a member, one without, and a third whose two
    members have sessions of it.
    """

    def __init__(
        self, world: World, name: str, administrator: str, member: str, owners: tuple[str, str]
    ) -> None:
        self._call = call = world.operator.call
        made = call("CreateStudio", **ROLES, studioName=name, displayName=name)["studio"]
        self.arn, self.where = made["arn"], {"studioId": made["studioId"]}
        world.settle()
        image = call("CreateStreamingImage", **self.where, name="Host", ec2ImageId="ami-host")
        self.image_id = image["streamingImage"]["streamingImageId"]
        component = call("CreateStudioComponent", **self.where, name="Basics", type="CUSTOM")
        self.component_id = component["studioComponent"]["studioComponentId"]
        world.settle()
        self.profile_ids = [self._profile(number) for number in range(3)]
        world.settle()
        self.administrator_id = world.principal_id(administrator)
        self.owner_ids = [world.principal_id(name) for name in owners]
        self.member_id = world.principal_id(member)
        self._admit(self.profile_ids[0], self.member_id)
        self._admit(self.profile_ids[2], *self.owner_ids)
        store = {"identityStoreId": members.IDENTITY_STORE_ID}
        call(
            "PutStudioMembers",
            **self.where,
            **store,
            members=[{"principalId": self.administrator_id, "persona": "ADMINISTRATOR"}],
        )
        # Nothing is sent there, because it is not public.
        hook = call(
            "CreateWebhook", **self.where, url="http://nowhere.invalid/", types=["audit.PRUNED"]
        )
        self.webhook_id = hook["webhook"]["webhookId"]
        self.running = [self._session(owner_id) for owner_id in self.owner_ids]
        self.stopped = [self._session(owner_id) for owner_id in self.owner_ids]
        world.advance(timedelta(seconds=30))
        for session in self.stopped:
            world.engine.write(session["sessionId"], "shot.ma", b"frames")
            call("StopStreamingSession", **session)
        self.streams = [call("CreateStreamingSessionStream", **each) for each in self.running]
        world.advance(timedelta(seconds=30))
        shares = [call("CreateStreamingSessionShare", **each) for each in self.running]
        self.share_ids = [each["share"]["shareId"] for each in shares]
        self.stream_ids = [each["stream"]["streamId"] for each in self.streams]
        backups = call("ListStreamingSessionBackups", **self.where)["streamingSessionBackups"]
        self.backup_ids = [
            next(each["backupId"] for each in backups if each["ownedBy"] == owner_id)
            for owner_id in self.owner_ids
        ]

    def _profile(self, number: int) -> str:
        made = self._call(
            "CreateLaunchProfile",
            **self.where,
            **PROTOCOLS,
            name=f"Desk {number}",
            ec2SubnetIds=[],
            studioComponentIds=[self.component_id],
            streamConfiguration={
                **RULES,
                **PERSISTENT,
                "streamingImageIds": [self.image_id],
                "sessionShare": {},
            },
        )
        return str(made["launchProfile"]["launchProfileId"])

    def _session(self, owner_id: str) -> dict[str, str]:
        made = self._call(
            "CreateStreamingSession",
            **self.where,
            launchProfileId=self.profile_ids[2],
            ownedBy=owner_id,
        )
        return {**self.where, "sessionId": made["session"]["sessionId"]}

    def _admit(self, profile_id: str, *principal_ids: str) -> None:
        self._call(
            "PutLaunchProfileMembers",
            **self.where,
            launchProfileId=profile_id,
            identityStoreId=members.IDENTITY_STORE_ID,
            members=[{"principalId": each, "persona": "USER"} for each in principal_ids],
        )

    def ids(self, operation: str, which: int) -> dict[str, Any]:
        """Name everything here that is the first's or the second's, for an operation."""
        sessions = self.stopped if operation == "StartStreamingSession" else self.running
        on_a_profile = "LaunchProfile" in operation
        return {
            **self.where,
            "backupId": self.backup_ids[which],
            "eulaId": EULA,
            "launchProfileId": self.profile_ids[which],
            "principalId": self.member_id if on_a_profile else self.administrator_id,
            "resourceArn": self.arn,
            "sessionId": sessions[which]["sessionId"],
            "shareId": self.share_ids[which],
            "streamId": self.stream_ids[which],
            "streamingImageId": self.image_id,
            "studioComponentId": self.component_id,
            "webhookId": self.webhook_id,
            # There is no such host: to take out the one there is would end what others try.
            "hostName": "n9",
        }


class Cast:
    """The two studios and everybody in them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.here = Place(world, "here", "ada", "mia", ("olga", "ben"))
        self.there = Place(world, "there", "xena", "mona", ("yara", "zoe"))
        self.clients = {name: world.client(name) for name in CALLERS}
        self.shut_out = [self._shut_out(name) for name in ("dora", "kay")]

    def _shut_out(self, name: str) -> Client:
        """Disable a studio's administrator, or only their key."""
        world = self.world
        client = world.client(name)
        with world.service.database.transaction() as transaction:
            person = members.find_person(transaction, name)
            members.put_administrator(transaction, self.here.where["studioId"], person.id)
            how: dict[str, Any] = {"is_active": False, "actor": "operator"}
            if name == "dora":
                members.set_person_active(transaction, person, world.clock(), **how)
            else:
                (key,) = members.keys_of(transaction, person)
                members.set_access_key_active(transaction, key.id, world.clock(), **how)
        return client

    def given(self, operation: str, what: str, caller: str) -> dict[str, Any]:
        """Put a call's input together."""
        row = next(row for row in OPERATIONS if row.name == operation)
        ids = self._ids(operation, what)
        given = {label: ids[label] for label in row.labels} | GIVEN.get(operation, {})
        if operation == "CreateStreamingSession":
            given["launchProfileId"] = ids["launchProfileId"]
            if what == "for another":
                given["ownedBy"] = self.here.owner_ids[1]
        if operation == "CreateLaunchProfile":
            given |= {**PROTOCOLS, "name": "New", "ec2SubnetIds": []}
            given["studioComponentIds"] = [ids["studioComponentId"]]
            given["streamConfiguration"] = {**RULES, "streamingImageIds": [ids["streamingImageId"]]}
        if operation in {"PutStudioMembers", "PutLaunchProfileMembers"}:
            persona = "USER" if "Profile" in operation else "ADMINISTRATOR"
            member = {"principalId": self.world.principal_id("nils"), "persona": persona}
            given |= {"identityStoreId": members.IDENTITY_STORE_ID, "members": [member]}
        if TABLE[operation] is LISTED and what in {"of oneself", "another's"}:
            is_of_profiles = operation.startswith("ListLaunchProfile")
            name = "principalId" if is_of_profiles else "ownedBy"
            somebody = caller if what == "of oneself" else "ben"
            given[name] = self.world.principal_id(somebody)
        return given

    def _ids(self, operation: str, what: str) -> dict[str, Any]:
        here, there = self.here.ids(operation, 0), self.there.ids(operation, 0)
        match what:
            case "other studio":
                return there
            case "another's":
                return self.here.ids(operation, 1)
            case "astray":
                return {**there, **self.here.where}
            case "nothing":
                return {**dict.fromkeys(here, "n" * 22), **self.here.where}
            case "no studio":
                return {**here, "studioId": "us-west-2:stid-0000000000000000"}
            case _:
                return here


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service, "ApiDoor", UndoingDoor)
        world = World(tmp_path_factory.mktemp("permissions") / "home")
    made = Cast(world)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(UndoingDoor, "undoes", True)
        yield made
    world.close()


def outcome(client: Client, operation: str, given: dict[str, Any]) -> str | None:
    """Make a call and give the name of what it was refused with."""
    try:
        client.call(operation, **given)
    except CallError as error:
        return error.name
    return None


def test_the_table_is_whole() -> None:
    assert TABLE.keys() == {row.name for row in OPERATIONS}
    assert len(TABLE) == 49 + len(ADDED_OPERATIONS)


@pytest.mark.parametrize("operation", TABLE)
def test_who_may(cast: Cast, operation: str) -> None:
    found = {
        what: [
            outcome(cast.clients[caller], operation, cast.given(operation, what, caller))
            for caller in CALLERS
        ]
        for what in TABLE[operation]
    }
    expected = {
        what: [ANSWERS[letter] for letter in letters] for what, letters in TABLE[operation].items()
    }
    assert found == expected


def test_nothing_that_was_asked_for_has_happened(cast: Cast) -> None:
    """Otherwise a later row might be refused for what an earlier one did."""
    call = cast.world.operator.call
    assert {each["state"] for each in call("ListStudios")["studios"]} == {"READY"}
    sessions = call("ListStreamingSessions", **cast.here.where)["sessions"]
    assert sorted(each["state"] for each in sessions) == ["READY", "READY", "STOPPED", "STOPPED"]
    assert call("ListTagsForResource", resourceArn=cast.here.arn)["tags"] == {}


@pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row.name)
def test_without_a_key_that_works_nobody_may_anything(cast: Cast, row: Operation) -> None:
    given = cast.given(row.name, "own", "operator")
    for client in cast.shut_out:
        assert outcome(client, row.name, given) == "UnrecognizedClientException"
    path = row.path
    for label in row.labels:
        path = path.replace(f"{{{label}}}", "a")
    with httpx.Client(transport=Inside(cast.world), trust_env=False) as http:
        answer = http.request(row.method, f"{ENDPOINT}{BASE_PATH}{path}")
    assert answer.status_code == 403
    assert answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
