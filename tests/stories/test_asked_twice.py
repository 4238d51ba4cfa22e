"""A call with a client token happens once, however often it is sent, at once or a day later."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from soundstage.client.calls import CallError, Client
from soundstage.resources.members.service import IDENTITY_STORE_ID
from soundstage.resources.operations import OPERATIONS
from soundstage.testing.postgres import Postgres
from soundstage.testing.process import ServiceProcess
from soundstage.testing.whole import until
from soundstage.testing.world import World, world

AT_ONCE = 50
ROLES = {"adminRoleArn": "arn:aws:iam::1:role/a", "userRoleArn": "arn:aws:iam::1:role/u"}
Answers = list[dict[str, Any] | str]


class Running:
    """A service as a process of its own, a studio in it, and somebody to call it."""

    def __init__(self, service: ServiceProcess) -> None:
        ann = service.environment("ann")
        self.client, self.ann = self._client(service.environment()), self._client(ann)
        self.ann_id = ann["SOUNDSTAGE_PRINCIPAL_ID"]
        call = self.client.call
        made = call("CreateStudio", **ROLES, studioName="twice", displayName="s")["studio"]
        self.where = {"studioId": made["studioId"]}
        self._until_ready("GetStudio", "studio")
        image = call("CreateStreamingImage", **self.where, name="i", ec2ImageId="ami-i")
        image_id = {"streamingImageId": image["streamingImage"]["streamingImageId"]}
        component = call("CreateStudioComponent", **self.where, name="c", type="CUSTOM")
        component_id = {"studioComponentId": component["studioComponent"]["studioComponentId"]}
        self._until_ready("GetStreamingImage", "streamingImage", **image_id)
        self._until_ready("GetStudioComponent", "studioComponent", **component_id)
        profile = call(
            "CreateLaunchProfile",
            **self.where,
            name="p",
            ec2SubnetIds=[],
            launchProfileProtocolVersions=["2021-03-31"],
            studioComponentIds=[*component_id.values()],
            streamConfiguration={
                "clipboardMode": "ENABLED",
                "ec2InstanceTypes": ["g4dn.xlarge"],
                "streamingImageIds": [*image_id.values()],
            },
        )
        self.profile_id = {"launchProfileId": profile["launchProfile"]["launchProfileId"]}
        self._until_ready("GetLaunchProfile", "launchProfile", **self.profile_id)

    def _client(self, told: dict[str, str]) -> Client:
        return Client(
            told["AWS_ENDPOINT_URL_NIMBLE"],
            access_key_id=told["AWS_ACCESS_KEY_ID"],
            secret_access_key=told["AWS_SECRET_ACCESS_KEY"],
            region=told["AWS_DEFAULT_REGION"],
            operations=OPERATIONS,
        )

    def _until_ready(self, operation: str, noun: str, **ids: str) -> None:
        def is_ready() -> bool:
            answer = self.client.call(operation, **self.where, **ids)
            return bool(answer[noun]["state"] == "READY")

        until(noun, is_ready)

    def at_once(self, operation: str, *inputs: dict[str, Any], token: str) -> Answers:
        """Send all of these together with one token; an error is told by its name."""
        ready = Barrier(len(inputs))

        def send(given: dict[str, Any]) -> dict[str, Any] | str:
            ready.wait(30)
            try:
                return self.client.call(operation, **self.where, **given, clientToken=token)
            except CallError as error:
                return error.name

        with ThreadPoolExecutor(len(inputs)) as threads:
            return list(threads.map(send, inputs))

    def close(self) -> None:
        self.client.close()
        self.ann.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("asked-twice")
    if request.param == "sqlite":
        with ServiceProcess(home, engine="simulated") as service:
            made = Running(service)
            yield made
            made.close()
        return
    server: Postgres = request.getfixturevalue("postgres")
    with (
        server.database() as url,
        ServiceProcess(home, engine="simulated", database_url=url) as service,
    ):
        made = Running(service)
        yield made
        made.close()


def test_fifty_alike_at_once_launch_one_session_and_end_it_once(running: Running) -> None:
    answers = running.at_once(
        "CreateStreamingSession", *[running.profile_id] * AT_ONCE, token="launch"
    )
    first = answers[0]
    assert isinstance(first, dict)
    assert answers == [first] * AT_ONCE
    listed = running.client.call("ListStreamingSessions", **running.where)["sessions"]
    ids = {"sessionId": first["session"]["sessionId"]}
    assert [session["sessionId"] for session in listed] == [ids["sessionId"]]
    # Without the token every call but one would be told that it is being deleted already.
    ended = running.at_once("DeleteStreamingSession", *[ids] * AT_ONCE, token="end")
    assert ended == [ended[0]] * AT_ONCE
    assert isinstance(ended[0], dict)
    assert ended[0]["session"]["state"] == "DELETE_IN_PROGRESS"


def test_of_fifty_that_differ_one_happens_and_the_others_are_refused(running: Running) -> None:
    inputs = [{"name": f"differs {n}", "ec2ImageId": "ami-d"} for n in range(AT_ONCE)]
    answers = running.at_once("CreateStreamingImage", *inputs, token="differs")
    (made,) = (answer for answer in answers if isinstance(answer, dict))
    refused = Counter(answer for answer in answers if isinstance(answer, str))
    assert refused == {"ValidationException": AT_ONCE - 1}
    listed = running.client.call("ListStreamingImages", **running.where)["streamingImages"]
    names = [image["name"] for image in listed if image["name"].startswith("differs")]
    assert names == [made["streamingImage"]["name"]]


def test_a_token_is_one_operation_s_and_one_person_s(running: Running) -> None:
    call, where = running.client.call, running.where
    token = {"clientToken": "shared"}
    image = call("CreateStreamingImage", **where, name="x", ec2ImageId="ami-x", **token)
    component = call("CreateStudioComponent", **where, name="x", type="CUSTOM", **token)
    assert (image["streamingImage"]["name"], component["studioComponent"]["name"]) == ("x", "x")
    call(
        "PutLaunchProfileMembers",
        **where,
        **running.profile_id,
        identityStoreId=IDENTITY_STORE_ID,
        members=[{"principalId": running.ann_id, "persona": "USER"}],
    )
    sessions = [
        client.call("CreateStreamingSession", **where, **running.profile_id, **token)["session"]
        for client in (running.client, running.ann, running.ann)
    ]
    assert sessions[0]["sessionId"] != sessions[1]["sessionId"] == sessions[2]["sessionId"]
    assert [session["ownedBy"] == running.ann_id for session in sessions] == [False, True, True]


@pytest.fixture(name="made")
def a_world(home: Path) -> Iterator[World]:
    with world(home) as made:
        yield made


def test_a_token_is_kept_for_a_day_and_no_longer_also_by_another_process(made: World) -> None:
    where = {"studioId": made.studio()["studioId"]}

    def create(name: str = "i") -> str:
        given = {"name": name, "ec2ImageId": "ami-i", "clientToken": "kept"}
        image = made.operator.call("CreateStreamingImage", **where, **given)["streamingImage"]
        return str(image["streamingImageId"])

    began = made.clock()
    first = create()
    made.restart()
    for seconds in (0, 3600, 24 * 3600 - 1):
        made.clock.set(began + timedelta(seconds=seconds))
        made.service.housekeeping.sweep()
        assert create() == first
        with pytest.raises(CallError, match="clientToken was used before"):
            create("other")
    made.clock.set(began + timedelta(hours=24))
    second = create("other")
    assert second != first
    # The second use begins another day.
    made.clock.set(began + timedelta(hours=47))
    made.service.housekeeping.sweep()
    assert create("other") == second


def test_what_was_refused_may_be_asked_again_with_the_same_token(made: World) -> None:
    where = {"studioId": made.studio()["studioId"]}
    token = {"clientToken": "again"}
    with pytest.raises(CallError):
        made.operator.call("CreateStreamingImage", **where, name="i", ec2ImageId="odd", **token)
    given = {"name": "i", "ec2ImageId": "ami-i"}
    image = made.operator.call("CreateStreamingImage", **where, **given, **token)
    again = made.operator.call("CreateStreamingImage", **where, **given, **token)
    assert again == image
