"""What is shown of the API's documents, as rows of tables."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from soundstage.portal.views import Viewer
from soundstage.resources.sessions.model import Rule
from soundstage.words.texts import LANGUAGES, Words

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
VIEWER = Viewer(Words(), NOW)


def session(**members: Any) -> dict[str, Any]:
    return {
        "sessionId": "s",
        "launchProfileId": "p",
        "streamingImageId": "i",
        "ec2InstanceType": "g4dn.xlarge",
        "createdAt": "2026-11-28T11:00:00Z",
        "state": "READY",
        "statusMessage": "The workstation is ready.",
        "sessionPersistenceMode": "ACTIVATED",
        "backupMode": "AUTOMATIC",
        "nextAction": {
            "action": "STOP",
            "at": "2026-11-28T12:10:00Z",
            "rule": "IDLE",
            "allowedInMinutes": 45,
            "lastActivity": "INPUT",
            "message": "The workstation will be stopped at x, because it has been idle.",
        },
        **members,
    }


@pytest.mark.parametrize(
    ("members", "may"),
    [
        ({}, {"open", "extend", "backup", "stop", "delete"}),
        ({"nextAction": None}, {"open", "backup", "stop", "delete"}),
        ({"sessionPersistenceMode": "DEACTIVATED"}, {"open", "extend", "backup", "delete"}),
        ({"backupMode": "DEACTIVATED"}, {"open", "extend", "stop", "delete"}),
        ({"state": "STOPPED"}, {"start", "delete"}),
        ({"state": "START_FAILED"}, {"start", "delete"}),
        ({"state": "STOP_FAILED"}, {"stop", "delete"}),
        ({"state": "CREATE_IN_PROGRESS"}, {"delete"}),
        ({"state": "STOP_IN_PROGRESS"}, set()),
        ({"state": "SOMETHING_NEW"}, set()),
    ],
)
def test_what_may_be_done_follows_from_the_state(members: dict[str, Any], may: set[str]) -> None:
    given = session(**members)
    if given["state"] == "SOMETHING_NEW":
        with pytest.raises(KeyError):
            VIEWER.workstation("st", given, None)
        return
    assert VIEWER.workstation("st", given, None).may == may


@pytest.mark.parametrize(
    ("members", "backups", "steps"),
    [
        ({"state": "CREATE_IN_PROGRESS"}, [], "ahead"),
        ({"state": "STOP_IN_PROGRESS"}, ["READY"], "now ahead ahead"),
        ({"state": "STOP_IN_PROGRESS"}, ["CREATE_IN_PROGRESS"], "done now ahead"),
        ({"state": "STOP_IN_PROGRESS", "backupMode": "DEACTIVATED"}, [], "now ahead"),
        ({"state": "DELETE_IN_PROGRESS"}, [], "now ahead"),
        ({"state": "STOPPED"}, [], ""),
    ],
)
def test_progress_is_in_steps(members: dict[str, Any], backups: list[str], steps: str) -> None:
    kept = [{"state": state} for state in backups]
    shown = VIEWER.workstation("st", session(**members), None, kept)
    assert " ".join(step.phase for step in shown.steps) == steps


STARTED = [
    {"step": "CAPACITY", "beganAt": "2026-11-28T11:59:50Z", "seconds": 0.04},
    {"step": "DISK", "beganAt": "2026-11-28T11:59:50Z", "seconds": 3.26},
]
SCRIPT = {"step": "SCRIPT", "studioComponentName": "Tools", "number": 1, "of": 2}


@pytest.mark.parametrize(
    ("members", "shown"),
    [
        (
            {"startSteps": STARTED[:1]},
            [("Room found", "done", "0 s"), ("Ready to open", "ahead", "")],
        ),
        (
            {
                "state": "START_IN_PROGRESS",
                "startedFromBackupId": "b",
                "startSteps": [*STARTED, {**SCRIPT, "beganAt": "2026-11-28T11:59:53Z"}],
            },
            [
                ("Room found", "done", "0 s"),
                ("Backup restored", "done", "3.3 s"),
                ("Script 1 of 2: Tools", "now", "7 s"),
                ("Ready to open", "ahead", ""),
            ],
        ),
        (
            {"state": "CREATE_FAILED", "startSteps": STARTED},
            [("Room found", "done", "0 s"), ("Disk could not be made ready", "failed", "3.3 s")],
        ),
        (
            {
                "state": "START_FAILED",
                "statusCode": "INSUFFICIENT_CAPACITY",
                "startSteps": STARTED[:1],
            },
            [("No room found", "failed", "0 s")],
        ),
        (
            {
                "state": "CREATE_FAILED",
                "statusCode": "AMI_VALIDATION_ERROR",
                "startSteps": STARTED[:1],
            },
            [("Could not be begun", "failed", "0 s")],
        ),
        ({"state": "READY", "startSteps": STARTED}, []),
    ],
)
def test_a_start_is_shown_as_it_was_measured(
    members: dict[str, Any], shown: list[tuple[str, str, str]]
) -> None:
    given = {"state": "CREATE_IN_PROGRESS", **members}
    steps = VIEWER.workstation("st", session(**given), None).steps
    assert [(step.name, step.phase, step.took) for step in steps] == shown


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("starting the desktop: X server ready after 0.31 s", ""),
        (
            "the disk is being copied; it starts when that is done",
            "The disk is being copied; it starts when that is done",
        ),
    ],
)
def test_what_the_steps_say_is_not_said_again(message: str, shown: str) -> None:
    given = session(state="CREATE_IN_PROGRESS", startSteps=STARTED, statusMessage=message)
    assert VIEWER.workstation("st", given, None).message == shown


COMING = [{"step": "DESKTOP", "usualSeconds": 5.0}, {"step": "STREAM"}]


def test_what_is_ahead_of_a_start_is_shown_with_its_usual_time() -> None:
    script = {**SCRIPT, "beganAt": "2026-11-28T11:59:53Z", "usualSeconds": 90.0}
    given = session(
        state="CREATE_IN_PROGRESS", startSteps=[*STARTED, script], startStepsAhead=COMING
    )
    shown = VIEWER.workstation("st", given, None)
    assert [(step.name, step.phase, step.usual) for step in shown.steps[2:]] == [
        ("Script 1 of 2: Tools", "now", "usually 2 min"),
        ("Desktop comes up", "ahead", "usually 5 s"),
        ("Stream answers", "ahead", ""),
        ("Ready to open", "ahead", ""),
    ]
    assert shown.progress is None


@pytest.mark.parametrize(
    ("usual", "left", "text"),
    [
        (90.0, 88.0, "about 1 min left"),
        (20.0, 18.2, "about 18 s left"),
        (6.0, 0.0, "any moment now"),
        (1.0, 5.0, "takes longer than usual"),
    ],
)
def test_how_far_a_start_is_is_told_where_it_was_measured(
    usual: float, left: float, text: str
) -> None:
    script = {**SCRIPT, "beganAt": "2026-11-28T11:59:53Z", "usualSeconds": usual}
    given = session(
        state="START_IN_PROGRESS", startSteps=[*STARTED, script], startRemainingSeconds=left
    )
    progress = VIEWER.workstation("st", given, None).progress
    assert progress is not None
    assert (progress.gone_seconds, progress.left_seconds, progress.text) == (10, left, text)
    assert progress.is_late == (usual == 1.0)


def test_how_the_last_start_went_stays_to_be_seen() -> None:
    view = VIEWER.workstation("st", session(startSteps=STARTED), None)
    assert (len(view.course), view.course_took) == (2, "3.3 s")
    failed = session(state="START_FAILED", startSteps=STARTED)
    assert VIEWER.workstation("st", failed, None).course == []


def test_the_countdown_has_its_reason() -> None:
    shown = VIEWER.workstation("st", session(), None)
    assert shown.countdown is not None
    assert shown.countdown.text == "Stops in 10 min"
    assert shown.countdown.reason == (
        "It has been idle since 2026-11-28 11:25 UTC (when a pointer or a key was last used) and "
        "its launch profile allows 45 min of that."
    )
    assert shown.countdown.since == datetime(2026, 11, 28, 11, 25, tzinfo=UTC)
    assert shown.countdown.is_soon
    assert shown.countdown.at == NOW + timedelta(minutes=10)


def test_only_messages_that_say_more_are_shown() -> None:
    assert VIEWER.workstation("st", session(), None).message == ""
    told = session(statusMessage="It was started again.")
    assert VIEWER.workstation("st", told, None).message == "It was started again."
    more = session(statusMessage="The workstation is ready. g4dn.xlarge is less here.")
    assert VIEWER.workstation("st", more, None).message == "g4dn.xlarge is less here."


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ({}, "g5.xlarge"),
        ({"cpus": 4.0, "memoryInBytes": 2**34, "gpus": 0}, "4 cores · 16.0 GiB"),
        ({"cpus": 1.75, "memoryInBytes": 2**30, "gpus": 1}, "1.8 cores · 1.0 GiB · 1 GPU"),
        ({"cpus": 40.0, "memoryInBytes": 2**30, "gpus": 2}, "40 cores · 1.0 GiB · 2 GPUs"),
    ],
)
def test_sizes_are_told_where_they_are_known(kind: dict[str, Any], text: str) -> None:
    assert VIEWER.size({"ec2InstanceType": "g5.xlarge", **kind}) == text


def profile(types: list[dict[str, Any]], **more: Any) -> Any:
    offer = {
        "launchProfile": {
            "launchProfileId": "p",
            "name": "n",
            "streamConfiguration": {
                "streamingImageIds": ["i", "gone"],
                "clipboardMode": "DISABLED",
                "maxSessionLengthInMinutes": 60,
            },
        },
        "streamingImages": [{"streamingImageId": "i", "name": "Image"}],
        "instanceTypes": types,
        **more,
    }
    return VIEWER.profile("st", offer, [], "token")


@pytest.mark.parametrize(
    ("places", "room", "tone"),
    [
        ([None], "", "quiet"),
        ([0], "No room now", "bad"),
        ([1], "Room for 1 more", "busy"),
        ([0, 7], "Room for 7 more", "good"),
    ],
)
def test_room_is_the_best_of_the_sizes(places: list[int | None], room: str, tone: str) -> None:
    types = [
        {"ec2InstanceType": "t", **({} if each is None else {"freePlaces": each})}
        for each in places
    ]
    shown = profile(types)
    assert (shown.room, shown.room_tone) == (room, tone)


def test_a_start_is_expected_only_when_some_were_measured() -> None:
    assert profile([{"ec2InstanceType": "t"}]).expected == ""
    measured = profile([{"ec2InstanceType": "t"}], expectedStartInSeconds=4.4)
    assert measured.expected == "Ready in about 4 seconds"


def test_what_is_not_allowed_is_said_as_well() -> None:
    shown = profile([])
    assert ("Runs up to 1 h", True) in shown.allows
    assert ("No clipboard", False) in shown.allows
    assert ("Ends when it stops", False) in shown.allows
    assert [choice.text for choice in shown.images] == ["Image"]


@pytest.mark.parametrize(
    ("members", "result", "tone"),
    [
        ({"exitCode": 0}, "Went well", "good"),
        ({"exitCode": 3}, "Exit code 3", "bad"),
        ({}, "Took too long", "bad"),
    ],
)
def test_scripts_say_how_they_ended(members: dict[str, Any], result: str, tone: str) -> None:
    output = {
        "attempt": 2,
        "studioComponentName": "Setup",
        "runContext": "SYSTEM_INITIALIZATION",
        "beganAt": "2026-11-28T11:00:00Z",
        "output": "x" * 20_000 + "why",
        **members,
    }
    shown = VIEWER.script(output)
    assert (shown.title, shown.result, shown.tone) == ("Start 2: Setup, as root", result, tone)
    assert shown.text.endswith("why")
    assert len(shown.text) < 10_000


_FAILURES = ["CREATE_FAILED", "START_FAILED", "STOP_FAILED", "DELETE_FAILED"]
_CODES = [
    "INTERNAL_ERROR",
    "INSUFFICIENT_CAPACITY",
    "INITIALIZATION_SCRIPT_ERROR",
    "AMI_VALIDATION_ERROR",
    "ACTIVE_DIRECTORY_DOMAIN_JOIN_ERROR",
    "NETWORK_CONNECTION_ERROR",
    "SOMETHING_NEW",
]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", _CODES)
@pytest.mark.parametrize("state", _FAILURES)
def test_a_failure_says_what_happened_and_what_to_do(language: str, code: str, state: str) -> None:
    words = Words(language)
    seen = Viewer(words, NOW).workstation(
        "st", session(state=state, statusCode=code, statusMessage="Details."), None
    )
    known = code if code != "SOMETHING_NEW" else "INTERNAL_ERROR"
    assert seen.advice.startswith(words(f"why.{known}"))
    assert seen.advice.endswith(words(f"advice.{state}"))
    is_start = state in {"CREATE_FAILED", "START_FAILED"}
    is_room = is_start and code == "INSUFFICIENT_CAPACITY"
    assert (words("advice.room") in seen.advice) is is_room
    is_theirs = is_start and known not in {"INTERNAL_ERROR", "INSUFFICIENT_CAPACITY"}
    assert (words("advice.mend") in seen.advice) is is_theirs
    assert seen.message == "Details."


def test_what_only_remains_to_be_deleted_is_not_to_be_stopped() -> None:
    members = {"state": "STOP_FAILED", "sessionPersistenceMode": "DEACTIVATED"}
    seen = VIEWER.workstation("st", session(**members), None)
    assert seen.advice.endswith("Delete it and launch another one.")


def test_a_lost_host_is_no_running_workstation() -> None:
    lost = session(unreachableSince="2026-11-28T11:57:00Z", statusMessage="Out of reach. n2.")
    seen = VIEWER.workstation("st", lost, None, is_own=True)
    assert (seen.state, seen.tone, seen.has_picture) == ("Out of reach", "bad", False)
    assert seen.may == {"stop", "delete"}
    assert seen.advice.startswith("Its host has not answered for 3 min.")
    assert seen.message == "Out of reach. n2."


def test_one_that_was_found_gone_says_that_it_was_started_again() -> None:
    healed = session(healedAt="2026-11-28T11:57:00Z", statusMessage="It was found gone.")
    seen = VIEWER.workstation("st", healed, None)
    assert "started again at 2026-11-28 11:57 UTC" in seen.advice
    assert seen.message == ""
    assert VIEWER.workstation("st", {**healed, "state": "STOPPED"}, None).advice == ""


def test_a_stop_that_nobody_asked_for_says_so() -> None:
    backups = [
        {"state": "READY", "createdAt": "2026-11-28T11:00:00Z"},
        {"state": "CREATE_FAILED", "createdAt": "2026-11-28T11:30:00Z"},
    ]
    stopped = session(
        state="STOPPED",
        stoppedBy="soundstage",
        stoppedByRule="IDLE",
        statusMessage="Time was over.",
    )
    seen = VIEWER.workstation("st", stopped, None, backups)
    assert seen.advice == (
        "It stopped by itself: nobody and nothing worked in it any more. "
        "Its last backup failed; its disk is kept."
    )
    assert seen.message == "Time was over."
    by_artist = {**stopped, "stoppedBy": "anna"}
    assert VIEWER.workstation("st", by_artist, None, backups[:1]).advice == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_by_which_one_stops_is_told(language: str) -> None:
    words = Words(language)
    stopped = session(state="STOPPED", stoppedBy="soundstage")
    for rule in set(Rule) - {Rule.MAX_STOPPED_SESSION_LENGTH}:
        seen = Viewer(words, NOW).workstation("st", {**stopped, "stoppedByRule": rule}, None)
        assert seen.advice == words(f"stopped.{rule}")
    died = {**stopped, "healedAt": "2026-11-28T11:57:00Z"}
    assert Viewer(words, NOW).workstation("st", died, None).advice == words("stopped.COLLAPSE")
    assert Viewer(words, NOW).workstation("st", stopped, None).advice == words("stopped.BEFORE")


def test_a_move_is_told_until_somebody_starts_it_anew() -> None:
    moved = session(startedBy="soundstage", startedFromBackupId="b", statusMessage="It moved.")
    seen = VIEWER.workstation("st", moved, None)
    assert seen.advice.startswith("Its host was lost")
    assert seen.message == ""
    by_artist = VIEWER.workstation("st", {**moved, "startedBy": "anna"}, None)
    assert (by_artist.advice, by_artist.message) == ("", "It moved.")
    assert VIEWER.workstation("st", {**moved, "state": "STOPPED"}, None).advice == ""
