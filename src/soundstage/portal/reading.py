"""What pages ask of the API, put together: whose studios, what runs in them, what can be launched.

`workstations` and `backups` call it with a person's client, so it finds what that person may see.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from http import HTTPStatus
from itertools import islice
from typing import Any, Generic, TypeVar

import msgspec

from soundstage.client.calls import CallError, Client
from soundstage.client.people import names_of
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
_ON_A_PAGE = {"profiles": 24, "workstations": 16, "left": 16}
"""Of one studio: so many together keep a page below 150 kB."""
FEW = {"profiles": 9, "workstations": 6, "left": 9}
"""So many are seen at a glance: with more of any, the page offers to find some by their words."""

T = TypeVar("T")


class Glance(msgspec.Struct, frozen=True, kw_only=True):
    """What of the first page is looked at."""

    find: str = ""
    """Words that what is shown has all of; empty for everything."""
    pages: Mapping[str, int] = msgspec.field(default_factory=dict)
    """Which page of `profiles`, `workstations` and `left`; the first of those not named."""


_EVERYTHING = Glance()


class Part(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One page of a list."""

    shown: list[T]
    page: int
    pages: int
    """How many pages those fill that were found."""
    total: int
    """How many there are, found or not."""


class StudioView(msgspec.Struct, frozen=True, kw_only=True):
    """A studio as its person sees it."""

    id: str
    name: str
    may_accept: bool
    """Reports whether this person may accept EULAs for it."""
    workstations: Part[Workstation]
    profiles: Part[Profile]
    left: Part[Backup]
    """Backups of workstations that are gone."""
    launchable: frozenset[str]
    """All its launch profiles, those of other pages too."""
    is_long: bool
    """Reports whether there is so much that something must be looked for."""

    @property
    def is_found(self) -> bool:
        """Reports whether anything was found."""
        return bool(self.workstations.shown or self.profiles.shown or self.left.shown)


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

    def studios(self, glance: Glance = _EVERYTHING) -> list[StudioView]:
        """Read everything that the first page shows."""
        return [self._studio(each, glance) for each in self._client.call("GetCaller")["studios"]]

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
            owner = names_of(self._client, [session["ownedBy"]])[session["ownedBy"]]
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

    def _studio(self, studio: Document, glance: Glance) -> StudioView:
        studio_id = studio["studioId"]
        offers = self._offers(studio)
        sessions = self._own_in(studio_id, "ListStreamingSessions")
        kept = self._own_in(studio_id, "ListStreamingSessionBackups")
        by_name = sorted(offers.values(), key=lambda each: each["launchProfile"]["name"].casefold())
        found = _part("profiles", by_name, _words_of, glance)
        parts: dict[str, Part[Any]] = {
            "profiles": _with(found, self._profiles(studio_id, found.shown)),
            "workstations": _part(
                "workstations",
                self._workstations(studio_id, offers, sessions, kept),
                lambda each: [each.name, each.image, each.instance_type, each.state],
                glance,
            ),
            "left": _part(
                "left",
                self._left(studio_id, offers, sessions, kept),
                lambda each: [each.name],
                glance,
            ),
        }
        return StudioView(
            id=studio_id,
            name=studio["displayName"],
            may_accept=studio["isAdministrator"],
            launchable=frozenset(offers),
            is_long=any(part.total > FEW[name] for name, part in parts.items()),
            **parts,
        )

    def _offers(self, studio: Document) -> dict[str, Document]:
        """Read what the person may launch in a studio, by the launch profiles' ids."""
        who = {} if studio["isAdministrator"] else {"principalId": self._principal_id}
        # One call for all: they are as many as a studio likes.
        listed = self._client.pages(
            "ListLaunchProfileAvailabilities",
            studioId=studio["studioId"],
            **who,
            states=sorted(_USABLE),
        )
        return {
            each["launchProfile"]["launchProfileId"]: each
            for each in islice(listed, _MOST_PROFILES)
        }

    def _own_in(self, studio_id: str, operation: str) -> list[Document]:
        """List what is the person's own and not gone, oldest first."""
        listed = self._client.pages(operation, studioId=studio_id, **self._own)
        return [each for each in listed if each["state"] != "DELETED"]

    def _workstations(
        self,
        studio_id: str,
        offers: Mapping[str, Document],
        sessions: Sequence[Document],
        kept: Sequence[Document],
    ) -> list[Workstation]:
        """Show the person's sessions, the newest first."""
        return [
            self._viewer.workstation(
                studio_id,
                each,
                offers.get(each["launchProfileId"]),
                [one for one in kept if one["sessionId"] == each["sessionId"]],
                is_own=True,
            )
            for each in reversed(sessions)
        ]

    def _left(
        self,
        studio_id: str,
        offers: Mapping[str, Document],
        sessions: Sequence[Document],
        kept: Sequence[Document],
    ) -> list[Backup]:
        """Show the backups of workstations that are gone, the newest first."""
        living = {each["sessionId"] for each in sessions}
        return [
            self._viewer.backup(studio_id, each, offer=offers.get(each["launchProfileId"]))
            for each in reversed(kept)
            if each["sessionId"] not in living and each["state"] == "READY"
        ]

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


def _words_of(offer: Document) -> list[str]:
    """What a launch profile's card says, for those who look for it."""
    profile = offer["launchProfile"]
    return [
        profile["name"],
        profile.get("description", ""),
        *(each["name"] for each in offer["streamingImages"]),
        *(each["ec2InstanceType"] for each in offer["instanceTypes"]),
    ]


def _has(wanted: Sequence[str], texts: Sequence[str]) -> bool:
    """Reports whether all the words, in small letters, are somewhere in the texts."""
    text = "\n".join(texts).casefold()
    return all(word in text for word in wanted)


def _part(
    name: str, listed: Sequence[T], texts: Callable[[T], Sequence[str]], glance: Glance
) -> Part[T]:
    """Find those with the words that are looked for, and cut the page out that is looked at; the
    last where there are not so many.
    """
    wanted = glance.find.casefold().split()
    found = [each for each in listed if _has(wanted, texts(each))]
    size = _ON_A_PAGE[name]
    pages = max(1, -(-len(found) // size))
    page = min(glance.pages.get(name, 1), pages)
    shown = found[(page - 1) * size : page * size]
    return Part(shown=shown, page=page, pages=pages, total=len(listed))


def _with(part: Part[Any], shown: list[T]) -> Part[T]:
    """Put what is shown of them into a part's place."""
    return Part(shown=shown, page=part.page, pages=part.pages, total=part.total)
