"""The steps of a start have names in every language, and times that tell something."""

import pytest

from soundstage.resources.sessions.steps import StartStep
from soundstage.words import starts
from soundstage.words.texts import LANGUAGES, Words


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_step_has_a_name(language: str) -> None:
    words = Words(language)
    names = {starts.name(words, {"step": step}, is_restored=False) for step in StartStep}
    assert len(names) == len(StartStep)


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
