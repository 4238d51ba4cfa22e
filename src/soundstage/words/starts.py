"""How the steps of a start are called, and how long each took; portal and command line ask."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from soundstage.words.texts import Words

_TELLING_SECONDS = 55
"""From here on a tenth of a second tells nobody anything."""


def name(words: Words, step: Mapping[str, Any], *, is_restored: bool) -> str:
    """Call a step of `startSteps` by its name; `is_restored` if the start was from a backup."""
    kind = step["step"]
    return words(
        f"start_steps.{'RESTORE' if kind == 'DISK' and is_restored else kind}",
        number=step.get("number", 0),
        of=step.get("of", 0),
        component=step.get("studioComponentName", ""),
    )


def took(words: Words, seconds: float) -> str:
    """Write a time in seconds, to a tenth while it is short."""
    if seconds >= _TELLING_SECONDS:
        return words.length(timedelta(seconds=seconds))
    return words("start_steps.seconds", number=words.figure(round(seconds, 1)))
