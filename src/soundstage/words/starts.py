"""How the steps of a start are called, how long each took and how long the rest takes; portal and
command line ask.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from soundstage.words.texts import Words

_TELLING_SECONDS = 55
"""From here on a tenth of a second tells nobody anything."""

_LATE_TIMES = 2
_LATE_SECONDS = 3
"""Beside twice the usual time: a step that takes one second may take some more on a busy day."""


_FAILED = frozenset({"CREATE_FAILED", "START_FAILED"})


def name(words: Words, step: Mapping[str, Any], *, is_restored: bool) -> str:
    """Call a step of `startSteps` by its name; `is_restored` if the start was from a backup."""
    return words(f"start_steps.{_kind(step, is_restored=is_restored)}", **_details(step))


def has_failed(session: Mapping[str, Any]) -> bool:
    """Reports whether a session's last start failed: at the last step of those it has taken."""
    return session["state"] in _FAILED


def failure(words: Words, session: Mapping[str, Any], step: Mapping[str, Any]) -> str:
    """Call the step that a session's start failed at by what did not come about."""
    kind = _kind(step, is_restored="startedFromBackupId" in session)
    # The first step is also where a start is refused before it has got anywhere.
    if kind == "CAPACITY" and session.get("statusCode") != "INSUFFICIENT_CAPACITY":
        kind = "BEGINNING"
    return words(f"start_steps.failed.{kind}", **_details(step))


def _kind(step: Mapping[str, Any], *, is_restored: bool) -> str:
    kind: str = step["step"]
    return "RESTORE" if kind == "DISK" and is_restored else kind


def _details(step: Mapping[str, Any]) -> dict[str, object]:
    return {
        "number": step.get("number", 0),
        "of": step.get("of", 0),
        "component": step.get("studioComponentName", ""),
    }


def took(words: Words, seconds: float) -> str:
    """Write a time in seconds, to a tenth while it is short."""
    if seconds >= _TELLING_SECONDS:
        return words.length(timedelta(seconds=seconds))
    return words("start_steps.seconds", number=words.figure(round(seconds, 1)))


def usual(words: Words, step: Mapping[str, Any]) -> str:
    """Write what a step took the last times; nothing where that is not known."""
    seconds = step.get("usualSeconds")
    return "" if seconds is None else words("start_steps.usual", length=took(words, seconds))


def remaining(words: Words, seconds: float) -> str:
    """Write about how long all that is left takes; nobody can tell to the second."""
    if seconds < 1:
        return words("start_steps.left_nothing")
    if seconds < _TELLING_SECONDS:
        return words("start_steps.left_seconds", number=round(seconds))
    return words("start_steps.left_minutes", number=round(seconds / 60))


def is_late(steps: Iterable[Mapping[str, Any]], now: datetime) -> bool:
    """Reports whether the step that a start is at takes much longer than usual."""
    for step in steps:
        usual_seconds = step.get("usualSeconds")
        if usual_seconds is not None and "seconds" not in step:
            so_far = (now - datetime.fromisoformat(step["beganAt"])).total_seconds()
            return bool(so_far > _LATE_TIMES * usual_seconds + _LATE_SECONDS)
    return False
