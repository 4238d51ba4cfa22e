"""Launch profiles: who may launch what, under which rules; their checks and their members."""

from typing import Any

from soundstage.client.people import names_of
from soundstage.portal.admin import people
from soundstage.portal.admin.asking import Ask, Choices, Section
from soundstage.portal.admin.desk import Place
from soundstage.portal.admin.editing import Noun
from soundstage.portal.fields import put, take
from soundstage.portal.stage import Asked
from soundstage.portal.views import Choice, Document, Viewer

_RULES = "streamConfiguration"
_IMAGES = f"{_RULES}.streamingImageIds"
_TYPES = f"{_RULES}.ec2InstanceTypes"
_COMPONENTS = "studioComponentIds"
_VOLUME = f"{_RULES}.volumeConfiguration"
_SHARE = f"{_RULES}.sessionShare"
_DOWNLOAD = f"{_RULES}.sessionDownload"
_CHECK_TONES = {"VALIDATION_SUCCESS": "good", "VALIDATION_IN_PROGRESS": "busy"}
_BEGINNING: Document = {
    # What this service does without: the API asks for them all the same.
    "ec2SubnetIds": [],
    "launchProfileProtocolVersions": ["2021-03-31"],
    _RULES: {"clipboardMode": "ENABLED", "sessionPersistenceMode": "ACTIVATED"},
}


def _rules(*names: str) -> tuple[Ask, ...]:
    return tuple(Ask(path=f"{_RULES}.{name}") for name in names)


_SECTIONS = [
    Section(name="about", asks=(Ask(path="name"), Ask(path="description", look="area"))),
    Section(
        name="workstation",
        asks=(
            Ask(path=_IMAGES, look="first"),
            Ask(path=_TYPES, look="first"),
            Ask(path=_COMPONENTS),
            *_rules("warmWorkstations"),
        ),
    ),
    Section(name="time", asks=_rules("maxSessionLengthInMinutes", "idleStopInMinutes")),
    Section(
        name="disk",
        asks=_rules(
            "sessionPersistenceMode",
            "volumeConfiguration.size",
            "automaticTerminationMode",
            "maxStoppedSessionLengthInMinutes",
            "sessionBackup.mode",
            "sessionBackup.maxBackupsToRetain",
            "lostHostMoveInMinutes",
            "evacuatedHostMode",
        ),
    ),
    Section(
        name="transfer",
        asks=(
            *_rules("clipboardMode", "sessionStorage.mode", "sessionStorage.root.linux"),
            Ask(path=_DOWNLOAD, look="switch"),
            *_rules("sessionDownload.root.linux"),
        ),
    ),
    Section(
        name="share",
        asks=(
            Ask(path=_SHARE, look="switch"),
            *_rules("sessionShare.maxLengthInMinutes", "sessionShare.maxViewers"),
        ),
    ),
]


class Profiles(Noun):
    """Their pages."""

    name = "profiles"
    key = "launchProfile"
    operation = "LaunchProfile"
    resource = "launch-profile"
    aside = "admin/profile_aside.html"

    def sections(self, document: Document) -> list[Section]:
        """Ask for all rules."""
        del document
        return _SECTIONS

    def beginning(self, asked: Asked) -> Document:
        """Begin with what most studios want."""
        del asked
        return {**_BEGINNING, _RULES: dict(_BEGINNING[_RULES])}

    def choices(self, place: Place) -> Choices:
        """Offer the studio's images and components, and what each instance type gets here."""
        viewer = Viewer(self.words, self.desk.stage.door.now())
        told = place.client.call("GetStudioCapacity", **place.studio)["instanceTypes"]
        sizes = {each["ec2InstanceType"]: viewer.size(each) for each in told}
        return {
            _IMAGES: _usable(place, "ListStreamingImages", "streamingImageId"),
            _COMPONENTS: _usable(place, "ListStudioComponents", "studioComponentId"),
            _TYPES: [
                Choice(name, name if size == name else f"{name} ({size})")
                for name, size in sizes.items()
            ],
        }

    def named(self, place: Place, document: Document) -> Choices:
        """Read how its components are called: an administrator may not list the studio's."""
        where = {**place.studio, "launchProfileId": document["launchProfileId"]}
        found = place.client.call("GetLaunchProfileDetails", **where)["studioComponentSummaries"]
        return {_COMPONENTS: [Choice(each["studioComponentId"], each["name"]) for each in found]}

    def finish(self, document: Document, form: dict[str, str], before: Document) -> None:
        """Leave out what has no meaning without what it belongs to."""
        del before
        if take(document, f"{_RULES}.sessionPersistenceMode") != "ACTIVATED":
            put(document, _VOLUME, None)
        if not take(document, f"{_RULES}.sessionStorage.mode"):
            put(document, f"{_RULES}.sessionStorage", None)
        for rule in (_DOWNLOAD, _SHARE):
            if rule not in form:
                put(document, rule, None)
            elif take(document, rule) is None:
                put(document, rule, {})

    def facts(self, document: Document) -> list[str]:
        """Say what it offers at first sight."""
        rules = document[_RULES]
        return [
            self.words.count("profiles.images", len(rules["streamingImageIds"])),
            rules["ec2InstanceTypes"][0],
        ]

    def beside(self, asked: Asked, place: Place, document: Document) -> dict[str, Any]:
        """Show its checks and its members."""
        where = {**place.studio, "launchProfileId": document["launchProfileId"]}
        members = [
            each["principalId"] for each in place.client.pages("ListLaunchProfileMembers", **where)
        ]
        names = names_of(place.client, members)
        return {
            "checks": [
                (
                    self.words(f"check.{each['type']}"),
                    _CHECK_TONES.get(each["state"], "bad"),
                    self.words(f"check_state.{each['state']}"),
                )
                for each in document["validationResults"]
            ],
            "checks_told": " ".join(
                dict.fromkeys(each["statusMessage"] for each in document["validationResults"])
            ),
            "members": sorted(names.items(), key=lambda each: each[1].casefold()),
            "may_change_members": place.may("PutLaunchProfileMembers"),
            "suggested": [
                each
                for each in people.suggested(place.client)
                if each["principalId"] not in set(members)
            ],
            "is_nobody": "nobody" in asked.query,
        }


def _usable(place: Place, operation: str, identifier: str) -> list[Choice]:
    found = place.client.pages(operation, **place.studio) if place.may(operation) else ()
    return [
        Choice(each[identifier], each["name"])
        for each in found
        if each["state"] not in {"DELETED", "CREATE_FAILED", "DELETE_IN_PROGRESS"}
    ]
