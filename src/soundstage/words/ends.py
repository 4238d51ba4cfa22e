"""Why a workstation stops or ends by itself, in a sentence; the portal and the gateway ask."""

from datetime import datetime, timedelta

from soundstage.words.texts import Words


def reason(
    words: Words,
    rule: str,
    *,
    allowed: timedelta,
    idle_since: datetime | None = None,
    idle_by: str | None = None,
) -> str:
    """Say by which rule of its launch profile it does; where that is idleness, since when, and what
    it was last used by.
    """
    return words(
        f"ends.{rule}",
        length=words.length(allowed),
        moment="" if idle_since is None else words.moment(idle_since),
        last="" if idle_by is None else words(f"ends.last.{idle_by}"),
    )
