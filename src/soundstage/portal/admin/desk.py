"""What every page for administrators stands on: who may see it, of which studio, and its tabs.

`addresses` puts the pages together. Whether somebody may do a thing is said by the operation
table; the API decides it again at each call.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.responses import Response

from soundstage.client.calls import Client
from soundstage.portal.admin import founding
from soundstage.portal.stage import Asked, Endpoint, Stage
from soundstage.portal.views import Document
from soundstage.wire.operation import Grant, Operation

_MOST_NAMES = 500


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """The studio that a page is about, as its administrator sees it."""

    id: str
    name: str
    path: str
    """Below the portal's own, without a slash at the end."""
    studios: list[tuple[str, str]]
    """All that the person administers: path and name."""
    is_operator: bool
    client: Client
    row: Callable[[str], Operation]

    @property
    def studio(self) -> dict[str, str]:
        """The studio, as a call's member."""
        return {"studioId": self.id}

    def may(self, operation: str) -> bool:
        """Reports whether this person may run an operation in this studio."""
        grant = self.row(operation).permission.administrator
        return self.is_operator or grant is not Grant.NEVER


Handler = Callable[[Asked, Place], Response]


def lost_webhooks(place: Place) -> list[Document]:
    """Find the studio's webhooks whose receivers do not take what is sent, or did not."""
    if not place.may("ListWebhooks"):
        return []
    found = place.client.pages("ListWebhooks", **place.studio)
    return [each for each in found if each["failing"] or each["dead"]]


class Tab(msgspec.Struct, frozen=True, kw_only=True):
    """One of the pages that stand beside each other."""

    name: str
    needs: str
    """The operation without which there is nothing to see."""


TABS = (
    Tab(name="sessions", needs="ListStreamingSessions"),
    Tab(name="profiles", needs="ListLaunchProfiles"),
    Tab(name="images", needs="ListStreamingImages"),
    Tab(name="components", needs="ListStudioComponents"),
    Tab(name="people", needs="ListPeople"),
    Tab(name="events", needs="ListEvents"),
    Tab(name="webhooks", needs="ListWebhooks"),
    Tab(name="capacity", needs="GetStudioCapacity"),
    Tab(name="health", needs="GetStudioCapacity"),
)


class Desk:
    """Guards handlers and fills their pages in."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def page(self, handler: Handler) -> Endpoint:
        """Show something to an administrator."""
        return self.stage.page(self._guarded(handler))

    def action(self, handler: Handler) -> Endpoint:
        """Do something that an administrator sent a form of ours for."""
        return self.stage.action(self._guarded(handler))

    def entry(self, asked: Asked) -> Response:
        """Lead to the first studio, or to the one that was chosen."""
        wanted = asked.query.get("studio", "")
        paths = [path for path, _ in _administered(asked)]
        if not paths:
            return self._refuse(asked, has_studios=False)
        return self.stage.pages.go(f"{wanted if wanted in paths else paths[0]}/sessions")

    def show(
        self, template: str, asked: Asked, place: Place, tab: str, *, live: bool, **values: Any
    ) -> Response:
        """Fill a page in; a live one is kept up to date with everything that happens."""
        shared: dict[str, Any] = {}
        if live:
            shared = {"of_all": True, "pulse": self.stage.changes.look(asked.login, of_all=True)}
        return self.stage.pages.page(
            f"admin/{template}",
            login=asked.login,
            place=place,
            tab=tab,
            tabs=[each.name for each in TABS if place.may(each.needs)],
            needing=["webhooks"] if lost_webhooks(place) else [],
            **shared,
            **values,
        )

    def _guarded(self, handler: Handler) -> Callable[[Asked], Response]:
        def guarded(asked: Asked) -> Response:
            caller = asked.client.call("GetCaller") if asked.login.is_administrator else {}
            studios = [each for each in caller.get("studios", ()) if each["isAdministrator"]]
            here = [each for each in studios if each["studioId"] == asked.path["studio"]]
            if not here:
                return self._refuse(asked, has_studios=bool(studios))
            place = Place(
                id=here[0]["studioId"],
                name=here[0]["displayName"],
                path=_path_of(here[0]),
                studios=[(_path_of(each), each["displayName"]) for each in studios],
                is_operator=caller["isOperator"],
                client=asked.client,
                row=self.stage.door.operation,
            )
            return handler(asked, place)

        return guarded

    def _refuse(self, asked: Asked, *, has_studios: bool) -> Response:
        pages, login = self.stage.pages, asked.login
        if not login.is_operator:
            return pages.notice("not_admin", HTTPStatus.FORBIDDEN, login=login)
        if has_studios:
            return pages.notice("missing", HTTPStatus.NOT_FOUND, login=login)
        return pages.go(founding.PATH)


def _administered(asked: Asked) -> list[tuple[str, str]]:
    if not asked.login.is_administrator:
        return []
    studios = asked.client.call("GetCaller")["studios"]
    return [(_path_of(each), each["displayName"]) for each in studios if each["isAdministrator"]]


def _path_of(studio: Document) -> str:
    return f"/admin/{quote(studio['studioId'], safe='')}"
