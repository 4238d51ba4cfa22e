"""What will happen to a workstation by itself, in the words of who works in it; `app` asks."""

from datetime import timedelta

import msgspec

from soundstage.gateway.upstreams import Countdown
from soundstage.words import ends
from soundstage.words.texts import Words

_words = Words()


class Coming(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What `countdown.js` shows, as it is sent."""

    action: str
    seconds_left: float
    reason: str
    advice: str
    warn_before: list[int]


def in_words(countdown: Countdown) -> Coming:
    """Say why it comes, and what to do about it."""
    is_idle = countdown.idle_since is not None
    kind = "idle_" if is_idle else "move_" if countdown.goes_on else ""
    advice = f"{kind}{countdown.action.lower()}"
    return Coming(
        action=countdown.action,
        seconds_left=countdown.seconds_left,
        reason=ends.reason(
            _words,
            countdown.rule,
            allowed=timedelta(seconds=countdown.allowed_seconds),
            idle_since=countdown.idle_since,
            idle_by=countdown.idle_by,
            host=countdown.host,
            host_reason=countdown.host_reason,
        ),
        advice=_words(f"ends.{advice}"),
        warn_before=countdown.warn_before,
    )
