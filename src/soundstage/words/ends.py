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
    host: str = "",
    host_reason: str = "",
) -> str:
    """Say by which rule of its launch profile it does; where that is idleness, since when, and what
    it was last used by. Where its host is taken out, which that is, and the operator's reason.
    """
    return words(
        f"ends.{rule}_BECAUSE" if host_reason else f"ends.{rule}",
        host=host,
        why=host_reason,
        length=words.length(allowed),
        moment="" if idle_since is None else words.moment(idle_since),
        last="" if idle_by is None else words(f"ends.last.{idle_by}"),
    )
