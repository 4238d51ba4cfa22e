"""Refusals are told in every language, with what they are about."""

import re

import pytest

from soundstage.resources.components.model import StudioComponentStatusCode
from soundstage.resources.launch_profiles.model import LaunchProfileStatusCode
from soundstage.resources.quotas import MEMBERS
from soundstage.wire.codes import Code
from soundstage.words.refusals import said
from soundstage.words.texts import LANGUAGES, Words

ABOUT = {
    "kind": "launch profile",
    "state": "DELETE_IN_PROGRESS",
    "possible": "READY, UPDATE_FAILED",
    "quotaName": "sessions",
    "value": "3",
    "used": "3",
    "limit": "7",
    "values": "A, B",
    "forms": "HOST",
    "allowed": "/mnt/a",
    "host": "n1",
    "requestId": "r-1",
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", Code)
def test_every_reason_has_words_that_fill_in_what_it_is_about(language: str, code: Code) -> None:
    told = said(Words(language), code, ABOUT)
    assert told is not None
    assert not re.search(r"[{}]", told)
    filled = re.findall(r"{(\w+)}", Words(language).texts[f"refusals.{code}"])
    # A value is also told where the member that it was given for is.
    assert set(filled) <= {*code.context, "value", "needed"}


def test_states_and_nouns_are_called_as_pages_call_them() -> None:
    session = {"kind": "streaming session", "state": "STOP_IN_PROGRESS"}
    told = said(Words("de"), Code.STATE, {**session, "possible": "READY, START_FAILED"})
    assert told == (
        "Arbeitsplatz: inzwischen „Hält an“, und so geht das nicht. "
        "Nötig wäre „Läuft“ oder „Konnte nicht starten“."
    )
    many = {**session, "possible": "READY, STOPPED, START_FAILED"}
    told = said(Words("de"), Code.STATE, many)
    assert told == "Arbeitsplatz: inzwischen „Hält an“, und so geht das nicht."
    host = {"kind": "host", "state": "OPEN", "possible": "EVACUATING, EVACUATED"}
    told = said(Words("en"), Code.STATE, host)
    assert told is not None
    assert told.startswith("Host: “Open” by now")
    assert told.endswith("It would have to be “Being evacuated” or “Evacuated”.")


@pytest.mark.parametrize("quota", MEMBERS.values())
def test_every_quota_is_called_by_its_name(quota: str) -> None:
    told = said(Words("de"), Code.QUOTA, {"quotaName": quota, "value": "1", "used": "1"})
    assert told is not None
    assert quota not in told


CHANGES = (
    LaunchProfileStatusCode.LAUNCH_PROFILE_WITH_STREAM_SESSIONS_NOT_DELETED,
    LaunchProfileStatusCode.STREAMING_IMAGE_NOT_FOUND,
    LaunchProfileStatusCode.STREAMING_IMAGE_NOT_READY,
    StudioComponentStatusCode.ACTIVE_DIRECTORY_ALREADY_EXISTS,
)
"""Why a change fails after it was begun; the resource says so by its status."""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", CHANGES)
def test_a_change_that_fails_later_is_told_too(language: str, code: str) -> None:
    assert said(Words(language), code, {})


def test_what_there_are_no_words_for_is_left_to_the_api() -> None:
    assert said(Words(), None, {}) is None
    assert said(Words(), "SOMETHING_NEW", {}) is None
    assert said(Words(), Code.QUOTA, {"value": "1"}) is None
