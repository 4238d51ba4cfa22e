"""Waiting for what was begun: until it is so, until it can't be any more, or until time is up."""

from typing import Any

import pytest

from soundstage.cli import waiting
from soundstage.cli.exits import NOT_REACHED
from soundstage.cli.waiting import settled, waiter, waiter_after
from soundstage.client.calls import CallError
from soundstage.resources.operations import OPERATIONS
from soundstage.resources.waiters import WAITERS

ROWS = {row.name: row for row in OPERATIONS}


class Answering:
    """Answers one state after the other."""

    def __init__(self, *states: str) -> None:
        self.states = list(states)
        self.asked: list[dict[str, Any]] = []

    def call(self, name: str, /, **members: Any) -> dict[str, Any]:
        """Answer the next."""
        assert name == "GetStreamingSession"
        self.asked.append(members)
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {"session": {"state": state, "statusMessage": "At work."}}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0)


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        ("CreateStreamingSession", "StreamingSessionReady"),
        ("StartStreamingSession", "StreamingSessionReady"),
        ("StopStreamingSession", "StreamingSessionStopped"),
        ("DeleteStreamingSession", "StreamingSessionDeleted"),
        ("CreateStreamingSessionStream", "StreamingSessionStreamReady"),
        ("UpdateLaunchProfile", "LaunchProfileReady"),
        ("DeleteStudioComponent", "StudioComponentDeleted"),
        ("CreateStreamingSessionBackup", None),
        ("GetStreamingSession", None),
        ("ExtendStreamingSession", None),
        ("DeleteStudioMember", None),
    ],
)
def test_what_an_operation_begins_has_its_waiter(operation: str, name: str | None) -> None:
    found = waiter_after(ROWS[operation])
    assert (found.name if found is not None else None) == name


def test_every_waiter_is_some_operation_s() -> None:
    assert {found for row in OPERATIONS if (found := waiter_after(row))} == set(WAITERS)


def test_it_waits_until_it_is_so() -> None:
    client: Any = Answering("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "READY")
    where = {"studioId": "s", "sessionId": "i", "name": "not asked by"}
    found = settled(client, waiter("StreamingSessionReady"), where)
    assert found["session"]["state"] == "READY"
    assert client.asked == [{"studioId": "s", "sessionId": "i"}] * 3


def test_what_ended_otherwise_is_told() -> None:
    client: Any = Answering("CREATE_IN_PROGRESS", "CREATE_FAILED")
    with pytest.raises(CallError, match=r"Workstation: CREATE_FAILED\. At work\.") as caught:
        settled(
            client,
            waiter("StreamingSessionReady"),
            {"studioId": "s", "sessionId": "i"},
            what="Workstation",
        )
    assert caught.value.name == NOT_REACHED


def test_it_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(range(0, 100_000, 1000))
    monkeypatch.setattr("soundstage.cli.waiting.time.monotonic", lambda: next(moments))
    client: Any = Answering("STOP_IN_PROGRESS")
    with pytest.raises(CallError, match=r"session: still STOP_IN_PROGRESS after 900 s\. At work"):
        settled(client, waiter("StreamingSessionStopped"), {"studioId": "s", "sessionId": "i"})


def test_the_steps_of_a_start_are_told_with_their_times() -> None:
    taken = {"step": "DISK", "beganAt": "2026-11-28T12:00:00Z", "seconds": 1.24}
    going = {"step": "SCRIPT", "studioComponentName": "Tools", "number": 1, "of": 1}
    session = {
        "state": "START_IN_PROGRESS",
        "startSteps": [taken, going],
        "startedFromBackupId": "b",
    }
    assert waiting.start_steps(session) == [("Backup restored", "1.2 s")]
    assert waiting.start_steps({}) == []


def test_what_is_to_come_is_told_with_its_usual_time() -> None:
    going = {"step": "DISK", "beganAt": "2026-11-28T12:00:00Z", "usualSeconds": 2.0}
    session = {"startSteps": [going], "startStepsAhead": [{"step": "DESKTOP"}]}
    assert waiting.steps_ahead(session) == [
        ("Disk made ready", "usually 2 s"),
        ("Desktop comes up", ""),
    ]
    assert waiting.steps_ahead({}) == []


def test_a_terminal_sees_each_step_once_and_those_to_come(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    room, disk = ({"step": step, "seconds": 0.1} for step in ("CAPACITY", "DISK"))
    ahead = {"startStepsAhead": [{"step": "STREAM", "usualSeconds": 3}]}
    with waiting._line("Workstation", None) as tell:
        for left in (9.0, 8.0, 7.0):
            tell(
                "CREATE_IN_PROGRESS",
                "At work.",
                {
                    "state": "CREATE_IN_PROGRESS",
                    "startSteps": [room],
                    **ahead,
                    "startRemainingSeconds": left,
                },
            )
        tell("READY", "", {"state": "READY", "startSteps": [room, disk]})
    shown = capsys.readouterr().err
    assert (shown.count("Room found"), shown.count("Disk made ready")) == (1, 1)


def test_a_terminal_is_told_which_step_failed_and_not_that_it_is_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    room, disk = ({"step": step, "seconds": 0.1} for step in ("CAPACITY", "DISK"))
    failed = {"state": "CREATE_FAILED", "startSteps": [room, disk]}
    with waiting._line("Workstation", None) as tell:
        tell("CREATE_IN_PROGRESS", "", {"state": "CREATE_IN_PROGRESS", "startSteps": [room]})
        tell("CREATE_FAILED", "The disk is full.", failed)
    shown = capsys.readouterr().err
    assert (shown.count("Room found"), shown.count("Disk made ready")) == (1, 0)
    assert "✗" in shown.partition("Disk could not be made ready")[0]
    assert waiting.failed_step({"state": "READY", "startSteps": [room]}) == ""


def test_the_line_draws_what_is_to_come() -> None:
    line = waiting._Line(disable=True)
    line.ahead = [("Disk made ready", "usually 2 s"), ("Stream answers", "")]
    _, *drawn = (str(each) for each in line.get_renderables())
    assert [" ".join(each.split()) for each in drawn] == [
        "▸ Disk made ready usually 2 s",
        "· Stream answers",
    ]
