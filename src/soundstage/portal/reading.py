"""What pages ask of the API, put together: whose studios, what runs in them, what can be launched.

`workstations` and `backups` call it with a person's client, so it finds what that person may see.
"""

from typing import Any

import msgspec

from soundstage.client.calls import CallError, Client
from soundstage.portal.session import new_bits
from soundstage.portal.views import Backup, Document, Profile, Viewer, Workstation

_USABLE = {"READY", "UPDATE_IN_PROGRESS", "UPDATE_FAILED", "DELETE_FAILED"}
_MOST_PROFILES = 60
"""Of one studio on one page."""


class StudioView(msgspec.Struct, frozen=True, kw_only=True):
    """A studio as its person sees it."""

    id: str
    name: str
    may_accept: bool
    """Reports whether this person may accept EULAs for it."""
    workstations: list[Workstation]
    profiles: list[Profile]
    left: list[Backup]
    """Backups of workstations that are gone."""


class Reader:
    """Reads for one person."""

    def __init__(self, client: Client, viewer: Viewer, principal_id: str) -> None:
        self._client = client
        self._viewer = viewer
        self._own = {"ownedBy": principal_id}
        self._principal_id = principal_id

    def studios(self) -> list[StudioView]:
        """Read everything that the first page shows."""
        return [self._studio(each) for each in self._client.call("GetCaller")["studios"]]

    def workstation(
        self, studio_id: str, session_id: str
    ) -> tuple[Workstation, list[Backup], Document]:
        """Read one workstation, its backups, newest first, and the session itself."""
        where = {"studioId": studio_id}
        session = self._client.call("GetStreamingSession", **where, sessionId=session_id)["session"]
        profile_ids = {session["launchProfileId"]}
        details = self._details(studio_id, profile_ids)
        chances = self._chances(studio_id, details)
        kept = [
            each
            for each in self._client.pages(
                "ListStreamingSessionBackups", **where, ownedBy=session["ownedBy"]
            )
            if each["sessionId"] == session_id and each["state"] != "DELETED"
        ]
        shown = self._viewer.workstation(studio_id, session, details, chances, kept)
        current = session.get("startedFromBackupId")
        backups = [self._viewer.backup(studio_id, each, current=current) for each in kept]
        backups.sort(key=lambda each: each.created_at, reverse=True)
        return shown, backups, session

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

    def _studio(self, studio: Document) -> StudioView:
        studio_id, where = studio["studioId"], {"studioId": studio["studioId"]}
        who = {} if studio["isAdministrator"] else {"principalId": self._principal_id}
        listed = self._client.pages("ListLaunchProfiles", **where, **who)
        usable = [each for each in listed if each["state"] in _USABLE][:_MOST_PROFILES]
        details = self._details(studio_id, {each["launchProfileId"] for each in usable})
        chances = self._chances(studio_id, details)
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
        return StudioView(
            id=studio_id,
            name=studio["displayName"],
            may_accept=studio["isAdministrator"],
            workstations=[
                self._viewer.workstation(
                    studio_id,
                    each,
                    details,
                    chances,
                    [one for one in kept if one["sessionId"] == each["sessionId"]],
                )
                for each in reversed(sessions)
            ],
            profiles=self._profiles(studio_id, usable, details, chances),
            left=[
                self._viewer.backup(studio_id, each)
                for each in reversed(kept)
                if each["sessionId"] not in living and each["state"] == "READY"
            ],
        )

    def _profiles(
        self,
        studio_id: str,
        usable: list[Document],
        details: dict[str, Document],
        chances: dict[str, Document],
    ) -> list[Profile]:
        asked = {one for each in details.values() for one in _eula_ids(each)}
        missing = self.eulas(studio_id, asked)
        shown = []
        for each in usable:
            profile_id = each["launchProfileId"]
            if profile_id not in details:
                continue
            needed = _eula_ids(details[profile_id])
            shown.append(
                self._viewer.profile(
                    studio_id,
                    details[profile_id],
                    chances[profile_id],
                    [one for one in missing if one["eulaId"] in needed],
                    new_bits(),
                )
            )
        return sorted(shown, key=lambda profile: profile.name.casefold())

    def _chances(self, studio_id: str, details: dict[str, Document]) -> dict[str, Document]:
        """Read what each of these launch profiles would give now."""
        return {
            each: self._client.call(
                "GetLaunchProfileAvailability", studioId=studio_id, launchProfileId=each
            )
            for each in details
        }

    def _details(self, studio_id: str, profile_ids: set[str]) -> dict[str, Document]:
        """Read launch profiles; those that the person is no member of any more are left out."""
        found: dict[str, Document] = {}
        for profile_id in profile_ids:
            names: dict[str, Any] = {"studioId": studio_id, "launchProfileId": profile_id}
            try:
                found[profile_id] = self._client.call("GetLaunchProfileDetails", **names)
            except CallError as error:
                if error.status not in {403, 404}:
                    raise
        return found


def _eula_ids(details: Document) -> set[str]:
    return {one for image in details["streamingImages"] for one in image.get("eulaIds", ())}
