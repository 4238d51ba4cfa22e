"""What a share of a session is."""

from datetime import datetime, timedelta

import msgspec

DEFAULT_MINUTES = 60
DEFAULT_VIEWERS = 3
MOST_OF_A_SESSION = 5
"""Shares of one session that are open at a time."""
_COUNT_HOLDS_FOR = timedelta(minutes=3)
"""A gateway that died does not say that its viewers are gone."""


class SessionShare(msgspec.Struct, frozen=True, kw_only=True):
    """A share, as it is stored. Its ticket is signed anew whenever it is shown, never stored."""

    id: str
    studio_id: str
    session_id: str
    owned_by: str
    created_by: str
    created_at: datetime
    ends_at: datetime
    max_viewers: int
    ended_at: datetime | None = None
    """When somebody ended it before its time."""
    viewers: int = 0
    """How many looked on when the gateway last said."""
    viewers_at: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        """Reports whether its link still leads anywhere, as far as it is for the share to say."""
        return self.ended_at is None and now < self.ends_at

    def viewers_now(self, now: datetime) -> int:
        """How many look on, as far as is known."""
        is_known = self.viewers_at is not None and now - self.viewers_at < _COUNT_HOLDS_FOR
        return self.viewers if is_known else 0
