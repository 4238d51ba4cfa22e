"""An event in plain words: what happened, by whom, to what, and which page shows that.

`events` shows them; whatever the words do not know is shown as the API says it.
"""

from collections.abc import Iterable
from datetime import datetime
from urllib.parse import quote

import msgspec

from soundstage.client.people import names_of
from soundstage.portal.admin.desk import Place
from soundstage.portal.views import SERVICE, Document, moment
from soundstage.words.texts import Words

_REFUSED = "calls.REFUSED"
_MADE = ("launch_profiles", "images", "components", "studios")
"""Nouns whose states are all told alike."""
_OF_STUDIO = ("sessions", "streams", "backups", *_MADE, "webhooks", "calls")
_OF_INSTALLATION = ("people", "logins", "identities", "access_keys", "hosts", "calls", "audit")


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """Where the names of one kind of resource are found, and their pages."""

    tab: str
    operation: str
    identifier: str


_LISTED = {
    "launch-profile": Listed(
        tab="profiles", operation="ListLaunchProfiles", identifier="launchProfileId"
    ),
    "streaming-image": Listed(
        tab="images", operation="ListStreamingImages", identifier="streamingImageId"
    ),
    "studio-component": Listed(
        tab="components", operation="ListStudioComponents", identifier="studioComponentId"
    ),
    "webhook": Listed(tab="webhooks", operation="ListWebhooks", identifier="webhookId"),
}


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What an event is about."""

    resource: str
    """Kind and id, as an ARN ends."""
    name: str
    kind: str
    """In words; empty where the name says it."""
    path: str
    """The page that shows it, below the portal's own; empty where there is none."""


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """One event, as people read it."""

    id: str
    type: str
    at: datetime
    who: str
    actor: str
    address: str
    what: str
    is_refusal: bool
    is_bad: bool
    message: str
    target: Target
    operation: str
    request_id: str
    facts: list[tuple[str, str]]
    """Whatever else is known, by the API's own names."""


class Teller:
    """Tells the events of a page, having read once how their people and resources are called."""

    def __init__(self, words: Words, place: Place, events: Iterable[Document]) -> None:
        self._words = words
        self._place = place
        self._events = list(events)
        named = {each["actor"] for each in self._events} - {SERVICE}
        named |= {each["ownedBy"] for each in self._events if "ownedBy" in each}
        subjects = {tuple(each["resource"].split("/", 1)) for each in self._events}
        named |= {rest[0] for kind, *rest in subjects if kind == "person" and rest}
        self._people = names_of(place.client, named)
        self._names = {
            kind: _names_in(place, listed)
            for kind, listed in _LISTED.items()
            if place.may(listed.operation) and any(kind == each[0] for each in subjects)
        }

    def told(self) -> list[Happening]:
        """Tell all of them, in their order."""
        return [self._tell(each) for each in self._events]

    def _tell(self, event: Document) -> Happening:
        kind = event["type"]
        facts = [
            (name, str(event[name]))
            for name in ("oldState", "state", "statusCode", "ownedBy")
            if name in event
        ]
        return Happening(
            id=event["eventId"],
            type=kind,
            at=moment(event["createdAt"]),
            who=self._called(event["actor"]),
            actor=event["actor"],
            address=event.get("sourceAddress", ""),
            what=what_of(self._words, kind),
            is_refusal=kind == _REFUSED,
            is_bad=kind == _REFUSED or kind.endswith("_FAILED"),
            message=event.get("statusMessage", ""),
            target=self._target(event),
            operation=event.get("operation", ""),
            request_id=event.get("requestId", ""),
            facts=[*facts, *event.get("details", {}).items()],
        )

    def _called(self, actor: str) -> str:
        return self._words("events.service") if actor == SERVICE else self._people[actor]

    def _target(self, event: Document) -> Target:
        resource = event["resource"]
        kind, _, identifier = resource.partition("/")
        key = f"events.resource.{kind}"
        noun = self._words(key) if key in self._words else kind
        owner = self._people.get(event.get("ownedBy", ""), "")
        name, path = "", ""
        if kind in _LISTED:
            name = self._names.get(kind, {}).get(identifier, "")
            path = f"{self._place.path}/{_LISTED[kind].tab}/{quote(identifier, safe='')}"
            path = path if name else ""
        elif kind == "streaming-session":
            path = self._path("workstations", identifier)
        elif kind == "streaming-session-backup":
            path = self._path("backups", identifier)
        elif kind == "person":
            name = self._people.get(identifier, "")
        elif kind == "studio" and identifier == self._place.id:
            name = self._place.name
        elif kind == "host":
            name, path = identifier, f"{self._place.path}/capacity"
        if owner and not name:
            name = self._words("events.of_somebody", noun=noun, name=owner)
            return Target(resource=resource, name=name, kind="", path=path)
        return Target(resource=resource, name=name or noun, kind=noun if name else "", path=path)

    def _path(self, page: str, identifier: str) -> str:
        studio = quote(self._place.id, safe="")
        return f"/{page}/{studio}/{quote(identifier, safe='')}" if identifier else ""


def what_of(words: Words, kind: str) -> str:
    """Say what happened."""
    noun, _, state = kind.partition(".")
    keys = [f"happened.{kind}", *([f"made_state.{state}"] if noun in _MADE else [])]
    return next((words(key) for key in keys if key in words), words("events.other", kind=kind))


def kinds_of(words: Words, *, is_of_studio: bool) -> list[tuple[str, list[tuple[str, str]]]]:
    """List the kinds of events that there are words for, by noun."""
    found = []
    for noun in _OF_STUDIO if is_of_studio else _OF_INSTALLATION:
        told = words.below(f"happened.{noun}")
        told = words.below("made_state") | told if noun in _MADE else told
        kinds = [(f"{noun}.{state}", text) for state, text in told.items()]
        found.append((words(f"events.noun.{noun}"), kinds))
    return found


def _names_in(place: Place, listed: Listed) -> dict[str, str]:
    return {
        each[listed.identifier]: each["name"] if "name" in each else host_of(each["url"])
        for each in place.client.pages(listed.operation, **place.studio)
        if each["state"] != "DELETED"
    }


def host_of(url: str) -> str:
    """Name the host of an address; the rest of a webhook's may be a secret."""
    return url.partition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2] or url
