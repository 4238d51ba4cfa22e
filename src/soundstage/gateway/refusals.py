"""What a browser is told when a stream does not open: one status and one set of words a reason.

`app` shows them as a page, `relay` answers with the status alone; both count them.
"""

from http import HTTPStatus

import msgspec

from soundstage.gateway.tickets import MISSING
from soundstage.gateway.upstreams import Became, Refusal
from soundstage.words.texts import Words

NOT_FOUND = "not-found"
NOT_INSTALLED = "not-installed"
NOT_ASKED = "not-asked"
"""Loaded ahead by a browser, or as a part of another page: nobody asked for the desktop."""

SHARE_FULL = "share-full"
"""As many look on by a link as may."""

NOT_SECURE = "not-secure"
"""The browser came by plain http, where it decodes no video."""

CROWDED = "crowded"
"""As many connections are open as may be, of the stream or of the server."""

CROSS_SITE = "cross-site"
"""A page of another site tried to connect."""

MALFORMED = "malformed"
"""What came is no handshake of a websocket."""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A page without a desktop."""

    status: HTTPStatus
    headline: str
    happened: str
    told: str = ""
    """More of it, in English."""
    advice: str


_STATUSES = {
    MISSING: HTTPStatus.UNAUTHORIZED,
    Refusal.EXPIRED: HTTPStatus.GONE,
    Refusal.USED: HTTPStatus.GONE,
    Refusal.FOREIGN: HTTPStatus.FORBIDDEN,
    Refusal.ENDED: HTTPStatus.GONE,
    Refusal.SHARE_ENDED: HTTPStatus.GONE,
    SHARE_FULL: HTTPStatus.SERVICE_UNAVAILABLE,
    Refusal.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    NOT_FOUND: HTTPStatus.NOT_FOUND,
    NOT_INSTALLED: HTTPStatus.SERVICE_UNAVAILABLE,
    NOT_SECURE: HTTPStatus.FORBIDDEN,
    NOT_ASKED: HTTPStatus.SERVICE_UNAVAILABLE,
}
_words = Words()
REASONS = (*_STATUSES, CROWDED, CROSS_SITE, MALFORMED)
"""All of them; those that no page has words for are met by programs alone."""


class Tally:
    """How often each reason kept a stream from opening, since the process began.

    Each try counts: a page that waits for a desktop tries again by itself.
    """

    def __init__(self) -> None:
        # From the first on: what was not there before shows no increase.
        self.by_reason = dict.fromkeys(REASONS, 0)

    def add(self, reason: str) -> None:
        """Count one; a reason that is not known here counts as it reads, as ended."""
        self.by_reason[reason if reason in self.by_reason else Refusal.ENDED] += 1


def notice_of(reason: str) -> Notice:
    """Find what to say for a reason; one that is not known here reads as ended."""
    known = reason if reason in _STATUSES else Refusal.ENDED
    return Notice(
        status=_STATUSES[known],
        headline=_words(f"desktop.none.{known}"),
        happened=_words(f"desktop.none.{known}_happened"),
        advice=_words(f"desktop.none.{known}_advice"),
    )


def aftermath(became: Became) -> Notice:
    """Find what to say where it is known what became of the workstation."""
    who = "" if became.by is None else _words(f"desktop.ended.by_{became.by}")
    if f"stopped.{became.rule}" in _words:
        who = _words(f"stopped.{became.rule}")
    return Notice(
        status=_STATUSES[Refusal.ENDED],
        headline=_words(f"desktop.ended.{became.how}"),
        happened=f"{who} {_words(f'desktop.ended.{became.how}_happened')}".strip(),
        told=became.told,
        advice=_words(f"desktop.ended.{became.how}_advice"),
    )


def status_of(reason: str) -> HTTPStatus:
    """Find the status for a reason."""
    return _STATUSES.get(reason, _STATUSES[Refusal.ENDED])
