"""All workstations of a studio: whose they are, in which state, what comes next.

What is done to one is on the workstation's own page, the same that its artist has.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from soundstage.client.people import names_of
from soundstage.portal.admin.desk import Desk, Place
from soundstage.portal.stage import Asked, page_number
from soundstage.portal.views import Choice, Document, Viewer, Workstation

_MOST = 2000
_ON_A_PAGE = 50
_GROUPS = {
    "running": ("READY",),
    "stopped": ("STOPPED",),
    "moving": ("_IN_PROGRESS",),
    "failed": ("_FAILED",),
}
"""What the state of each ends with."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One workstation, and whose it is."""

    workstation: Workstation
    owner: str


def show(desk: Desk, asked: Asked, place: Place) -> Response:
    """Show those that the filters let through, the newest first."""
    listed = place.client.pages("ListStreamingSessions", **place.studio)
    sessions = list(islice((each for each in listed if each["state"] != "DELETED"), _MOST))
    sessions.sort(key=lambda each: each["createdAt"], reverse=True)
    owners = names_of(place.client, (each["ownedBy"] for each in sessions))
    offers = {
        each["launchProfile"]["launchProfileId"]: each
        for each in place.client.pages("ListLaunchProfileAvailabilities", **place.studio)
    }
    chosen = {name: asked.query.get(name, "") for name in ("state", "person", "profile")}
    kept = [each for each in sessions if _is_let_through(each, chosen)]
    pages = max(1, -(-len(kept) // _ON_A_PAGE))
    page = min(page_number(asked), pages)
    viewer = Viewer(desk.stage.pages.words, desk.stage.door.now())
    rows = [
        Row(
            workstation=viewer.workstation(place.id, each, offers.get(each["launchProfileId"]), ()),
            owner=owners[each["ownedBy"]],
        )
        for each in kept[(page - 1) * _ON_A_PAGE : page * _ON_A_PAGE]
    ]
    return desk.show(
        "sessions.html",
        asked,
        place,
        "sessions",
        live=True,
        rows=rows,
        counts=_counts(sessions),
        total=len(sessions),
        is_cut=len(sessions) == _MOST,
        chosen=chosen,
        people=_choices(owners),
        profiles=_choices(_profile_names(offers, sessions)),
        page=page,
        pages=pages,
        query=urlencode({name: value for name, value in chosen.items() if value}),
        waits=any(row.workstation.in_progress for row in rows),
    )


def group_of(state: str) -> str:
    """Say among which a state is counted."""
    return next(name for name, ends in _GROUPS.items() if state.endswith(ends))


def _is_let_through(session: Document, chosen: dict[str, str]) -> bool:
    found = {
        "state": group_of(session["state"]),
        "person": session["ownedBy"],
        "profile": session["launchProfileId"],
    }
    return all(not wanted or found[name] == wanted for name, wanted in chosen.items())


def _counts(sessions: Sequence[Document]) -> list[tuple[str, int]]:
    counted = Counter(group_of(each["state"]) for each in sessions)
    return [(name, counted[name]) for name in _GROUPS]


def _profile_names(offers: dict[str, Any], sessions: Iterable[Document]) -> dict[str, str]:
    used = {each["launchProfileId"] for each in sessions}
    return {each: offers[each]["launchProfile"]["name"] for each in used if each in offers}


def _choices(names: dict[str, str]) -> list[Choice]:
    ordered = sorted(names.items(), key=lambda each: each[1].casefold())
    return [Choice(value, text) for value, text in ordered]
