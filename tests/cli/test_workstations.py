"""What artists type: launch, look, open, stop, start and end a workstation."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import pytest

from soundstage.cli import workstations
from soundstage.cli.launch import OwnClient, client_of
from soundstage.cli.workstations import coming, span
from soundstage.client.calls import CallError
from soundstage.kit.config import Settings
from soundstage.testing.streams import wait_for

Typed = Any

pytestmark = pytest.mark.usefixtures("studio_id")


@pytest.fixture
def operator(running: Settings, studio_id: str) -> Iterator[OwnClient]:
    """Give a client, and end what a test launched."""
    with closing(client_of(running)) as client:
        yield client
        for session in client.own_sessions(studio_id):
            if session["state"] not in {"DELETED", "DELETE_IN_PROGRESS"}:
                client.call(
                    "DeleteStreamingSession", studioId=studio_id, sessionId=session["sessionId"]
                )


def launched(typed: Typed, *more: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(typed("launch", "--output", "json", *more).stdout)
    return found


def test_a_workstation_s_life(typed: Typed, operator: OwnClient, running: Settings) -> None:
    assert "No workstation of yours is running" in typed("open", code=3).stderr
    made = launched(typed)
    session_id = made["session"]["sessionId"]
    assert made["session"]["state"] == "READY"
    assert made["url"].startswith(f"http://localhost:{running.port}/streams/")

    header, *lines = typed("ls").stdout.splitlines()
    assert header.split() == ["session", "profile", "state", "next", "type"]
    (line,) = (line for line in lines if session_id in line)
    assert "Artist workstation" in line
    assert "stop in " in line
    header, *lines = typed("ls", "--all").stdout.splitlines()
    assert header.split()[:2] == ["session", "owner"]
    assert all(line.split()[1] == "operator" for line in lines)
    listed = json.loads(typed("ls", "--output", "json").stdout)["sessions"]
    assert session_id in {each["sessionId"] for each in listed}

    address = typed("open").stdout.strip()
    assert address.startswith(f"http://localhost:{running.port}/streams/")
    assert address != typed("open", session_id[:12]).stdout.strip()

    named = typed("stop", "artist WORKSTATION").stdout
    assert named == f"{session_id}: The workstation is stopped.\n"
    assert "No workstation of yours is running" in typed("stop", code=3).stderr
    assert "STOPPED" in typed("stop", "Artist workstation", code=5).stderr
    started = typed("start").stdout
    assert session_id in started
    assert "http://localhost" in started
    assert typed("stop", session_id, "--no-wait").stdout == f"{session_id} stops.\n"
    wait_for(lambda: "STOPPED" in typed("ls").stdout)

    assert "Aborted" in typed("rm", session_id, typed="n\n", code=1).stderr
    assert typed("rm", session_id, "--yes").stdout == f"{session_id} is gone.\n"
    assert session_id not in typed("ls", "--all").stdout
    assert "There is no workstation" in typed("open", session_id, code=3).stderr
    assert operator.principal_id


def test_a_profile_is_found_by_its_name_or_id(
    typed: Typed, operator: OwnClient, studio_id: str
) -> None:
    (profile,) = operator.pages("ListLaunchProfiles", studioId=studio_id)
    begun = typed("launch", "artist WORKSTATION", "--no-wait").stdout
    assert "CREATE_IN_PROGRESS" in begun
    assert "http" not in begun
    launched(typed, profile["launchProfileId"])
    said = typed("launch", "Nuke", code=3).stderr
    assert said == (
        "soundstage: No launch profile of yours is called 'Nuke'. There are: Artist workstation.\n"
    )
    said = typed("stop", code=2).stderr if len(operator.own_sessions(studio_id)) > 1 else ""
    assert "Which workstation?" in said


def test_an_instance_type_that_the_profile_has_not_is_refused(typed: Typed) -> None:
    said = typed("launch", "--instance-type", "g5.16xlarge", code=1).stderr
    assert "g5.16xlarge" in said


def test_the_browser_is_opened_where_there_is_one(
    typed: Typed, operator: OwnClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def opens(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr("webbrowser.open", opens)
    made = typed("launch", "--open").stdout
    (url,) = opened
    assert url in made
    monkeypatch.setattr("webbrowser.open", lambda _: False)
    assert "No browser was found" in typed("open", "--open").stderr
    assert operator


def test_what_scripts_said_is_shown(
    typed: Typed, operator: OwnClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = launched(typed)["session"]["sessionId"]
    assert typed("logs", session_id).stdout == "No script ran.\n"
    assert json.loads(typed("logs", session_id, "--output", "json").stdout) == {"scriptOutputs": []}
    outputs = [
        {
            "attempt": attempt,
            "studioComponentName": "Storage",
            "runContext": "SYSTEM_INITIALIZATION",
            "endedAt": "2026-11-28T12:00:00Z",
            "output": f"start {attempt}\n",
            **code,
        }
        for attempt, code in ((2, {"exitCode": 3}), (1, {}))
    ]
    original = OwnClient.pages

    def pages(self: OwnClient, name: str, /, **members: Any) -> Any:
        if name == "ListStreamingSessionScriptOutputs":
            return iter(outputs)
        return original(self, name, **members)

    monkeypatch.setattr(OwnClient, "pages", pages)
    assert typed("logs", session_id).stdout.splitlines() == [
        "--- start 1, Storage, system, 2026-11-28T12:00:00Z: took too long",
        "start 1",
        "--- start 2, Storage, system, 2026-11-28T12:00:00Z: exit code 3",
        "start 2",
    ]
    assert operator


def test_an_artist_sees_and_launches_what_is_theirs(
    typed: Typed, running: Settings, operator: OwnClient, studio_id: str
) -> None:
    (profile,) = operator.pages("ListLaunchProfiles", studioId=studio_id)
    with closing(client_of(running, "anna")) as anna:
        variables = {
            "AWS_ENDPOINT_URL_NIMBLE": anna.address,
            "AWS_ACCESS_KEY_ID": anna.access_key_id,
            "AWS_SECRET_ACCESS_KEY": anna._credentials.secret_key,
        }
        anna_id = anna.principal_id
    operator.call(
        "PutLaunchProfileMembers",
        studioId=studio_id,
        launchProfileId=profile["launchProfileId"],
        identityStoreId="d",
        members=[{"principalId": anna_id, "persona": "USER"}],
    )
    theirs = launched(typed)["session"]["sessionId"]
    made = json.loads(typed("launch", "--output", "json", **variables).stdout)["session"]
    assert made["ownedBy"] == anna_id
    assert theirs not in typed("ls", **variables).stdout
    assert "There is no workstation" in typed("open", theirs, code=3, **variables).stderr
    assert "AccessDeniedException" in typed("ls", "--all", code=4, **variables).stderr
    assert "AccessDeniedException" in typed("logs", code=4, **variables).stderr
    typed("rm", made["sessionId"], "--yes", "--no-wait", **variables)


def test_two_profiles_of_a_name_are_told_apart_by_their_ids() -> None:
    class Connected:
        """Finds two profiles."""

        studio_id = "s"

        class client:  # noqa: N801
            """Lists them."""

            principal_id = ""

            @staticmethod
            def pages(name: str, **_: Any) -> list[dict[str, str]]:
                del name
                return [
                    {"launchProfileId": each, "name": "Paint", "state": "READY"} for each in "ab"
                ]

    connection: Any = Connected()
    with pytest.raises(click.UsageError, match=r"Paint \(a\), Paint \(b\)"):
        workstations._profile(connection, "paint")
    assert workstations._profile(connection, "b")["launchProfileId"] == "b"
    Connected.client.pages = staticmethod(lambda *_, **__: [])  # type: ignore[method-assign]
    with pytest.raises(CallError, match="profile-members put"):
        workstations._profile(connection, None)


def test_the_countdown_is_the_service_s() -> None:
    now = datetime(2030, 1, 1, 12, tzinfo=UTC)
    assert coming({}, now) == "-"
    action = {"action": "STOP", "at": "2030-01-01T13:30:00Z"}
    assert coming({"nextAction": action}, now) == "stop in 90 min"


def test_a_length_has_one_unit() -> None:
    lengths = [
        timedelta(minutes=-1),
        timedelta(minutes=119),
        timedelta(hours=71),
        timedelta(days=4),
    ]
    assert [span(each) for each in lengths] == ["0 min", "119 min", "71 h", "4 days"]
