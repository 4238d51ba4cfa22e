"""What a browser is told when a stream does not open: one status and one set of words a reason.

`app` shows them as a page, `relay` answers with the status alone.
"""

from http import HTTPStatus

import msgspec

from soundstage.gateway.tickets import MISSING
from soundstage.gateway.upstreams import Refusal

NOT_FOUND = "not-found"
NOT_INSTALLED = "not-installed"
NOT_ASKED = "not-asked"
"""Loaded ahead by a browser, or as a part of another page: nobody asked for the desktop."""

SHARE_FULL = "share-full"
"""As many look on by a link as may."""

NOT_SECURE = "not-secure"
"""The browser came by plain http, where it decodes no video."""


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """A page without a desktop."""

    status: HTTPStatus
    headline: str
    happened: str
    advice: str


_NEW_LINK = "Open your workstation from the portal again; that makes a new link."

_WORDS = {
    MISSING: Words(
        status=HTTPStatus.UNAUTHORIZED,
        headline="This workstation needs a link of its own",
        happened="The address alone does not open it, and this browser has not opened it before.",
        advice=_NEW_LINK,
    ),
    Refusal.EXPIRED: Words(
        status=HTTPStatus.GONE,
        headline="This link has expired",
        happened="Links to a workstation hold for a short time only, so that a lost one is "
        "worth nothing. Your workstation itself is not affected.",
        advice=_NEW_LINK,
    ),
    Refusal.USED: Words(
        status=HTTPStatus.GONE,
        headline="This link was already used",
        happened="Every link opens a workstation once. If you opened it in another window, "
        "the desktop is still there.",
        advice=_NEW_LINK,
    ),
    Refusal.FOREIGN: Words(
        status=HTTPStatus.FORBIDDEN,
        headline="This link does not fit",
        happened="It was made for another workstation or another studio, or a part of it was "
        "lost on the way here.",
        advice="Copy the whole link once more, or open your workstation from the portal again.",
    ),
    Refusal.ENDED: Words(
        status=HTTPStatus.GONE,
        headline="This stream has ended",
        happened="The workstation was stopped or deleted, or access to it was taken away. "
        "What was saved on its disk stays there when the workstation keeps one.",
        advice="Start your workstation from the portal, or ask whoever runs the studio.",
    ),
    Refusal.SHARE_ENDED: Words(
        status=HTTPStatus.GONE,
        headline="There is nothing to look at any more",
        happened="The link was ended, its time is over, or the workstation was stopped.",
        advice="Ask whoever gave you the link for another one.",
    ),
    SHARE_FULL: Words(
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        headline="As many look on as may",
        happened="The link lets a number of people look on at a time, and they are all there.",
        advice="This page tries again by itself every few seconds.",
    ),
    Refusal.UNAVAILABLE: Words(
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        headline="The desktop does not answer just now",
        happened="The workstation may be starting again after an interruption. Its files are safe.",
        advice="This page tries again by itself every few seconds.",
    ),
    NOT_FOUND: Words(
        status=HTTPStatus.NOT_FOUND,
        headline="There is nothing at this address",
        happened="The address is not one of a workstation's.",
        advice="Open your workstation from the portal.",
    ),
    NOT_INSTALLED: Words(
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        headline="The desktop viewer is not installed here",
        happened="The server lacks the stream environment that holds it.",
        advice="Whoever runs the studio can install it with “make setup”.",
    ),
    NOT_SECURE: Words(
        status=HTTPStatus.FORBIDDEN,
        headline="This browser needs a secure address",
        happened="You came by plain http from another machine. Browsers decode video, play sound "
        "and share a clipboard on https addresses only, so no desktop can be shown here. The "
        "workstation itself is well.",
        advice="Ask whoever runs the studio for its https address. How to switch it on stands in "
        "the documentation under “Reach the studio by https”.",
    ),
    NOT_ASKED: Words(
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        headline="The desktop was not opened",
        happened="A browser or another page asked for it ahead of time. The link was not used up.",
        advice="Open the link in a window of its own.",
    ),
}


def words_for(reason: str) -> Words:
    """Find the page for a reason; one that is not known here reads as ended."""
    return _WORDS.get(reason, _WORDS[Refusal.ENDED])


def status_of(reason: str) -> HTTPStatus:
    """Find the status for a reason."""
    return words_for(reason).status
