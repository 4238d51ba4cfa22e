"""Launching a workstation step by step, again and again."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from soundstage.cli import launch
from soundstage.cli.launch import (
    OwnClient,
    client_of,
    ensure_profile,
    ensure_studio,
    ensure_workstation,
    fresh_address,
)
from soundstage.client.calls import CallError
from soundstage.kit.config import Settings
from soundstage.wiring import reaching


def silent(doing: str) -> None:
    del doing


@pytest.fixture(scope="module")
def client(running: Settings) -> Iterator[OwnClient]:
    with closing(client_of(running)) as made:
        yield made


@pytest.fixture(scope="module", name="studio_id")
def a_studio_id(client: OwnClient) -> str:
    return str(ensure_studio(client, silent)["studioId"])


@pytest.fixture(scope="module")
def profile_id(client: OwnClient, studio_id: str) -> str:
    return str(ensure_profile(client, studio_id, silent)["launchProfileId"])


def test_without_a_workstation_there_is_no_address(client: OwnClient, studio_id: str) -> None:
    assert client.own_sessions(studio_id) == []
    with pytest.raises(CallError, match=r"No workstation is running. `make run` launches one"):
        fresh_address(client)


def test_what_is_there_is_found_again(client: OwnClient, studio_id: str, profile_id: str) -> None:
    told: list[str] = []
    assert ensure_studio(client, told.append)["studioId"] == studio_id
    assert ensure_profile(client, studio_id, told.append)["launchProfileId"] == profile_id
    assert told == []
    assert len(list(client.pages("ListStudios"))) == 1
    assert len(list(client.pages("ListLaunchProfiles", studioId=studio_id))) == 1
    assert len(list(client.pages("ListStreamingImages", studioId=studio_id))) == 1


class Halfway(OwnClient):
    """Finds a studio in one state after the other."""

    def __init__(self, settings: Settings, *states: str) -> None:
        super().__init__(
            reaching.local_address(settings),
            access_key_id="AKIA",
            secret_access_key="s",
            region=settings.region,
        )
        self.states = list(states)
        self.calls: list[str] = []

    def call(self, name: str, /, **members: Any) -> dict[str, Any]:
        del members
        self.calls.append(name)
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        studio = {"studioId": "s", "state": state, "statusMessage": "At work."}
        return {"studios": [studio]} if name == "ListStudios" else {"studio": studio}


def test_what_a_killed_run_left_halfway_is_waited_for(settings: Settings) -> None:
    """The second look finds the studio READY; nothing is made beside it."""
    halfway = Halfway(settings, "CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "READY")
    assert ensure_studio(halfway, silent)["state"] == "READY"
    assert halfway.calls == ["ListStudios", "GetStudio", "GetStudio"]


def test_what_takes_too_long_is_told(settings: Settings) -> None:
    stuck = Halfway(settings, "CREATE_IN_PROGRESS")
    with pytest.raises(CallError, match="CREATE_IN_PROGRESS for 0 s: At work") as caught:
        launch._settled(stuck, "GetStudio", "studio", {"studioId": "s"}, seconds=0)
    assert caught.value.name == "Timeout"


def test_the_caller_s_own_workstation_is_found_started_or_launched(
    running: Settings, client: OwnClient, studio_id: str, profile_id: str
) -> None:
    with closing(client_of(running, "anna")) as anna:
        client.call(
            "PutLaunchProfileMembers",
            studioId=studio_id,
            launchProfileId=profile_id,
            identityStoreId="d",
            members=[{"principalId": anna.principal_id, "persona": "USER"}],
        )
        theirs = anna.call("CreateStreamingSession", studioId=studio_id, launchProfileId=profile_id)
    told: list[str] = []
    own = ensure_workstation(client, studio_id, profile_id, told.append)
    assert own["sessionId"] != theirs["session"]["sessionId"]
    assert (own["state"], own["ownedBy"]) == ("READY", client.principal_id)
    assert told
    assert [each["sessionId"] for each in client.own_sessions(studio_id)] == [own["sessionId"]]

    again = ensure_workstation(client, studio_id, profile_id, silent)
    assert again["sessionId"] == own["sessionId"]
    first, second = fresh_address(client), fresh_address(client)
    assert first != second
    assert first.startswith(f"http://localhost:{running.port}/streams/")

    client.call("StopStreamingSession", studioId=studio_id, sessionId=own["sessionId"])
    started = ensure_workstation(client, studio_id, profile_id, silent)
    assert (started["sessionId"], started["state"]) == (own["sessionId"], "READY")


def test_what_cannot_get_ready_is_told(settings: Settings) -> None:
    failed = Halfway(settings, "CREATE_IN_PROGRESS", "CREATE_FAILED")
    with pytest.raises(CallError, match="At work") as caught:
        ensure_studio(failed, silent)
    assert caught.value.name == "CREATE_FAILED"
