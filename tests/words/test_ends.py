"""Why a workstation ends by itself, in a sentence."""

from datetime import UTC, datetime, timedelta

import pytest

from soundstage.resources.sessions.model import Activity, Rule
from soundstage.words import ends
from soundstage.words.texts import LANGUAGES, Words

SINCE = datetime(2026, 11, 28, 9, 5, tzinfo=UTC)


def test_the_rule_and_what_it_allows_are_named() -> None:
    said = ends.reason(Words("en"), "MAX_SESSION_LENGTH", allowed=timedelta(minutes=690))
    assert said == "Its launch profile lets it run for 11 h 30 min."
    said = ends.reason(
        Words("de"), "IDLE", allowed=timedelta(minutes=45), idle_since=SINCE, idle_by="INPUT"
    )
    assert said == (
        "Seit 28.11.2026 09:05 UTC (zuletzt Zeiger oder Taste benutzt) ruht er, und sein "
        "Startprofil erlaubt 45 min davon."
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("rule", Rule)
def test_every_rule_and_activity_has_its_words(language: str, rule: Rule) -> None:
    told = [
        ends.reason(
            Words(language), rule, allowed=timedelta(hours=1), idle_since=SINCE, idle_by=activity
        )
        for activity in Activity
    ]
    assert len(set(told)) == (len(Activity) if rule is Rule.IDLE else 1)
