"""What pages ask of the API, put together: whose studios, what runs in them, what can be launched.

`workstations` and `backups` call it with a person's client, so it finds what that person may see.
"""

from collections.abc import Collection
from http import HTTPStatus
from itertools import islice
from typing import Any

import msgspec

from soundstage.client.calls import CallError, Client
from soundstage.portal.session import new_bits
from soundstage.portal.views import (
    Backup,
    Document,
    Looking,
    Profile,
    ScriptOutput,
    Viewer,
    Workstation,
)

_USABLE = {"READY", "UPDATE_IN_PROGRESS", "UPDATE_FAILED", "DELETE_FAILED"}
_MOST_PROFILES = 400
"""Of one studio; further ones are not offered here."""
_MOST_SCRIPTS = 12
_ON_A_PAGE = 36
"""Launch profiles of one studio: so many keep a page below 150 kB."""


class StudioView(msgspec.Struct, frozen=True, kw_only=True):
    """A studio as its person sees it."""

    id: str
    name: str
    may_accept: bool
    """Reports whether this person may accept EULAs for it."""
    workstations: list[Workstation]
    profiles: list[Profile]
    """Those of one page."""
    pages: int
    """How many pages they fill."""
    left: list[Backup]
    """Backups of workstations that are gone."""


class Oversight(msgspec.Struct, frozen=True, kw_only=True):
    """What administrators are told of a workstation besides."""

    owner: str
    is_own: bool
    scripts: list[ScriptOutput]
    """The newest start first."""


class Reader:
    """Reads for one person."""

    def __init__(
        self, client: Client, viewer: Viewer, principal_id: str, *, is_administrator: bool
    ) -> None:
        self._client = client
        self._is_administrator = is_administrator
        self._viewer = viewer
        self._own = {"ownedBy": principal_id}
        self._principal_id = principal_id

    def studios(self, page: int = 1) -> list[StudioView]:
        """Read everything that the first page shows; `page` counts those of launch profiles."""
        return [self._studio(each, page) for each in self._client.call("GetCaller")["studios"]]

    def workstation(
        self, studio_id: str, session_id: str
    ) -> tuple[Workstation, list[Backup], Document]:
        """Read one workstation, its backups, newest first, and the session itself."""
        where = {"studioId": studio_id}
        session = self._client.call("GetStreamingSession", **where, sessionId=session_id)["session"]
        offer = self._offer(studio_id, session["launchProfileId"])
        kept = [
            each
            for each in self._client.pages(
                "ListStreamingSessionBackups", **where, ownedBy=session["ownedBy"]
            )
            if each["sessionId"] == session_id and each["state"] != "DELETED"
        ]
        shown = self._viewer.workstation(
            studio_id, session, offer, kept, is_own=session["ownedBy"] == self._principal_id
        )
        current = session.get("startedFromBackupId")
        backups = [self._viewer.backup(studio_id, each, current=current) for each in kept]
        backups.sort(key=lambda each: each.created_at, reverse=True)
        return shown, backups, session

    def looking(self, studio_id: str, session: Document) -> Looking | None:
        """Read how others may look on; None for whom that is no business of."""
        if session["ownedBy"] != self._principal_id or session["state"] != "READY":
            return None
        names = {"studioId": studio_id, "sessionId": session["sessionId"]}
        return self._viewer.looking(self._client.call("ListStreamingSessionShares", **names))

    def oversight(self, studio_id: str, session: Document) -> Oversight | None:
        """Read what only administrators of its studio are told; None for anybody else."""
        try:
            outputs = self._client.pages(
                "ListStreamingSessionScriptOutputs",
                studioId=studio_id,
                sessionId=session["sessionId"],
            )
            scripts = [self._viewer.script(each) for each in islice(outputs, _MOST_SCRIPTS)]
            (owner,) = [
                each.get("displayName") or each["name"]
                for each in self._client.pages("ListPeople", principalIds=session["ownedBy"])
            ] or [session["ownedBy"]]
        except CallError as error:
            if error.status != HTTPStatus.FORBIDDEN:
                raise
            return None
        return Oversight(
            owner=owner, is_own=session["ownedBy"] == self._principal_id, scripts=scripts
        )

    def eulas(self, studio_id: str, eula_ids: set[str]) -> list[Document]:
        """Read the EULAs of these ids that the studio has not accepted."""
        if not eula_ids:
            return []
        accepted = {
            each["eulaId"] for each in self._client.pages("ListEulaAcceptances", studioId=studio_id)
        }
        missing = eula_ids - accepted
        if not missing:
            return []
        return [each for each in self._client.pages("ListEulas") if each["eulaId"] in missing]

    def missing_eulas(self, studio_id: str, profile_id: str) -> list[Document]:
        """Read the EULAs that a profile's images need and the studio has not accepted."""
        found = self._client.call(
            "GetLaunchProfileDetails", studioId=studio_id, launchProfileId=profile_id
        )
        return self.eulas(studio_id, _eula_ids(found))

    def _studio(self, studio: Document, page: int) -> StudioView:
        studio_id, where = studio["studioId"], {"studioId": studio["studioId"]}
        who = {} if studio["isAdministrator"] else {"principalId": self._principal_id}
        # One call for all: they are as many as a studio likes.
        listed = self._client.pages(
            "ListLaunchProfileAvailabilities", **where, **who, states=sorted(_USABLE)
        )
        offers = {
            each["launchProfile"]["launchProfileId"]: each
            for each in islice(listed, _MOST_PROFILES)
        }
        sessions = [
            each
            for each in self._client.pages("ListStreamingSessions", **where, **self._own)
            if each["state"] != "DELETED"
        ]
        kept = [
            each
            for each in self._client.pages("ListStreamingSessionBackups", **where, **self._own)
            if each["state"] != "DELETED"
        ]
        living = {each["sessionId"] for each in sessions}
        by_name = sorted(offers.values(), key=lambda each: each["launchProfile"]["name"].casefold())
        pages = max(1, -(-len(by_name) // _ON_A_PAGE))
        start = (min(page, pages) - 1) * _ON_A_PAGE
        return StudioView(
            id=studio_id,
            name=studio["displayName"],
            may_accept=studio["isAdministrator"],
            workstations=[
                self._viewer.workstation(
                    studio_id,
                    each,
                    offers.get(each["launchProfileId"]),
                    [one for one in kept if one["sessionId"] == each["sessionId"]],
                    is_own=True,
                )
                for each in reversed(sessions)
            ],
            profiles=self._profiles(studio_id, by_name[start : start + _ON_A_PAGE]),
            pages=pages,
            left=[
                self._viewer.backup(studio_id, each)
                for each in reversed(kept)
                if each["sessionId"] not in living and each["state"] == "READY"
            ],
        )

    def _profiles(self, studio_id: str, offers: Collection[Document]) -> list[Profile]:
        missing = self.eulas(studio_id, {one for each in offers for one in _eula_ids(each)})
        shown = []
        for each in offers:
            needed = _eula_ids(each)
            wanting = [one for one in missing if one["eulaId"] in needed]
            shown.append(self._viewer.profile(studio_id, each, wanting, new_bits()))
        return shown

    def _offer(self, studio_id: str, profile_id: str) -> Document | None:
        """Read what a launch profile offers; None for one that the person is no member of now."""
        names: dict[str, Any] = {"studioId": studio_id, "launchProfileId": profile_id}
        # Whoever asks and is refused is noted in the trail of events, where a page's own question
        # would look like somebody's attempt.
        if not (self._is_administrator or self._is_member(studio_id, profile_id)):
            return None
        try:
            details = self._client.call("GetLaunchProfileDetails", **names)
            return details | self._client.call("GetLaunchProfileAvailability", **names)
        except CallError as error:
            if error.status not in {403, 404}:
                raise
        return None

    def _is_member(self, studio_id: str, profile_id: str) -> bool:
        studios = self._client.call("GetCaller")["studios"]
        if all(each["studioId"] != studio_id for each in studios):
            return False
        profiles = self._client.pages(
            "ListLaunchProfiles", studioId=studio_id, principalId=self._principal_id
        )
        return any(each["launchProfileId"] == profile_id for each in profiles)


def _eula_ids(offer: Document) -> set[str]:
    return {one for image in offer["streamingImages"] for one in image.get("eulaIds", ())}
