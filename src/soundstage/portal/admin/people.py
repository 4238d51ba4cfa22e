"""Who administers the studio, and whom the installation knows; and a launch profile's members.

People themselves are made on the command line, which alone hands out their first link.
"""

from collections.abc import Callable
from itertools import islice

import msgspec
from starlette.responses import Response

from soundstage.client.calls import Client
from soundstage.client.people import called
from soundstage.portal.admin.desk import Desk, Place
from soundstage.portal.admin.finding import find as find_lines
from soundstage.portal.stage import Asked
from soundstage.portal.views import Document

_MOST = 5000
"""People that are looked through."""
_SUGGESTED = 500
"""People that a form suggests."""
_GROUPS = ("administrator", "artist", "disabled")


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One who is known."""

    id: str
    name: str
    called: str
    is_active: bool
    is_operator: bool
    is_administrator: bool

    @property
    def group(self) -> str:
        """Among whom they are counted."""
        if not self.is_active:
            return "disabled"
        return "administrator" if self.is_operator or self.is_administrator else "artist"


def show(desk: Desk, asked: Asked, place: Place, *, problem: str = "") -> Response:
    """Show everybody, administrators first."""
    administrators = {
        each["principalId"] for each in place.client.pages("ListStudioMembers", **place.studio)
    }
    known = [
        Person(
            id=each["principalId"],
            name=each["name"],
            called=called(each),
            is_active=each["isActive"],
            is_operator=each["isOperator"],
            is_administrator=each["principalId"] in administrators,
        )
        for each in islice(place.client.pages("ListPeople"), _MOST)
    ]
    known.sort(key=lambda each: (not each.is_administrator, each.called.casefold()))
    return desk.show(
        "people.html",
        asked,
        place,
        "people",
        live=False,
        found=find_lines(
            known,
            asked,
            texts=lambda one: [one.name, one.called, one.id],
            group=lambda one: one.group,
            groups=_GROUPS,
        ),
        suggested=[
            one
            for one in known
            if one.is_active and not one.is_administrator and not one.is_operator
        ][:_SUGGESTED],
        is_cut=len(known) == _MOST,
        most=_MOST,
        problem=problem,
        typed=asked.form.get("name", ""),
        may_change=place.may("PutStudioMembers"),
    )


def add(desk: Desk, asked: Asked, place: Place) -> Response:
    """Make somebody an administrator."""
    person = find(place.client, asked.form.get("name", ""))
    if person is None:
        return show(desk, asked, place, problem=_nobody(desk, asked))
    place.client.call(
        "PutStudioMembers",
        **place.studio,
        identityStoreId=person["identityStoreId"],
        members=[{"persona": "ADMINISTRATOR", "principalId": person["principalId"]}],
    )
    return desk.stage.pages.go(f"{place.path}/people")


def remove(desk: Desk, asked: Asked, place: Place) -> Response:
    """Let somebody administer the studio no more."""
    place.client.call(
        "DeleteStudioMember", **place.studio, principalId=asked.form.get("principalId", "")
    )
    return desk.stage.pages.go(f"{place.path}/people")


def find(client: Client, name: str) -> Document | None:
    """Find somebody by the name that stands on this page."""
    name = name.strip()
    return next(client.pages("ListPeople", name=name), None) if name else None


def suggested(client: Client) -> list[Document]:
    """Read whom a form may suggest; anybody else's name can be typed."""
    return [each for each in islice(client.pages("ListPeople"), _SUGGESTED) if each["isActive"]]


def change_of_profile(desk: Desk, *, adds: bool) -> Callable[[Asked, Place], Response]:
    """Make what puts somebody into a launch profile, or takes them out."""

    def change(asked: Asked, place: Place) -> Response:
        where = {**place.studio, "launchProfileId": asked.path["id"]}
        back = f"{place.path}/profiles/{asked.path['id']}"
        if not adds:
            principal_id = asked.form.get("principalId", "")
            place.client.call("DeleteLaunchProfileMember", **where, principalId=principal_id)
            return desk.stage.pages.go(f"{back}#members")
        person = find(place.client, asked.form.get("name", ""))
        if person is None:
            return desk.stage.pages.go(f"{back}?nobody=yes#members")
        place.client.call(
            "PutLaunchProfileMembers",
            **where,
            identityStoreId=person["identityStoreId"],
            members=[{"persona": "USER", "principalId": person["principalId"]}],
        )
        return desk.stage.pages.go(f"{back}#members")

    return change


def _nobody(desk: Desk, asked: Asked) -> str:
    return desk.stage.pages.words("people.nobody", name=asked.form.get("name", ""))
