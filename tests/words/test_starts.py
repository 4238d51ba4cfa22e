"""The steps of a start have names in every language, and times that tell something."""

from datetime import UTC, datetime

import pytest

from soundstage.resources.sessions.steps import StartStep
from soundstage.words import starts
from soundstage.words.texts import LANGUAGES, Words


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_step_has_a_name(language: str) -> None:
    words = Words(language)
    names = {starts.name(words, {"step": step}, is_restored=False) for step in StartStep}
    assert len(names) == len(StartStep)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("step", StartStep)
def test_a_step_that_failed_is_not_called_as_one_that_is_done(
    language: str, step: StartStep
) -> None:
    words, taken = Words(language), {"step": step, "studioComponentName": "Tools"}
    for is_restored in (False, True):
        origin = {"startedFromBackupId": "b"} if is_restored else {}
        for code in ("INSUFFICIENT_CAPACITY", "INTERNAL_ERROR"):
            session = {"state": "CREATE_FAILED", "statusCode": code, **origin}
            said = starts.failure(words, session, taken)
            assert said != starts.name(words, taken, is_restored=is_restored)
            assert ("Tools" in said) is (step is StartStep.SCRIPT)


def test_a_start_that_never_began_is_not_called_one_without_room() -> None:
    step = {"step": "CAPACITY"}
    said = [
        starts.failure(Words(), {"state": "START_FAILED", "statusCode": code}, step)
        for code in ("INSUFFICIENT_CAPACITY", "AMI_VALIDATION_ERROR")
    ]
    assert said == ["No room found", "Could not be begun"]


def test_a_script_is_named_and_counted() -> None:
    step = {"step": "SCRIPT", "studioComponentName": "Tools", "number": 2, "of": 5}
    assert starts.name(Words(), step, is_restored=True) == "Script 2 of 5: Tools"


def test_a_disk_that_is_restored_is_called_so() -> None:
    names = [starts.name(Words(), {"step": "DISK"}, is_restored=each) for each in (False, True)]
    assert names == ["Disk made ready", "Backup restored"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0 s"), (0.26, "0.3 s"), (12.0, "12 s"), (130.0, "2 min")]
)
def test_times_are_as_exact_as_they_tell_something(seconds: float, text: str) -> None:
    assert starts.took(Words(), seconds) == text


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_left_is_told_about(language: str) -> None:
    words = Words(language)
    told = [starts.remaining(words, seconds) for seconds in (0.4, 12.4, 54.4, 56.0, 130.0)]
    assert len(set(told)) == 5
    assert "12" in told[1]
    assert starts.usual(words, {"step": "DISK"}) == ""
    assert "2" in starts.usual(words, {"step": "DISK", "usualSeconds": 2.0})


@pytest.mark.parametrize(("usual", "is_late"), [(10.0, False), (8.0, True), (None, False)])
def test_twice_the_usual_time_and_some_more_is_late(usual: float | None, is_late: bool) -> None:
    now = datetime(2026, 11, 28, 12, tzinfo=UTC)
    over = {"step": "CAPACITY", "beganAt": "2026-11-28T11:00:00Z", "seconds": 1.0}
    going = {"step": "DISK", "beganAt": "2026-11-28T11:59:40Z", "usualSeconds": usual}
    assert starts.is_late([{**over, "usualSeconds": 0.1}, going], now) == is_late
