"""Reads what runs in the form of a studio file, with the ids that changes need.

Asked by `plan` and `apply` before they compare, and by `pull` to print.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from soundstage.cli.studio_file.document import (
    ComponentPart,
    ImagePart,
    ProfilePart,
    StudioPart,
    with_references,
)
from soundstage.cli.studio_file.people import names_by_id
from soundstage.client.calls import Client
from soundstage.kit.config import ConfigError
from soundstage.resources.identities.model import IDENTITY_STORE_ID

Part = dict[str, Any]

_GONE = frozenset({"DELETED", "DELETE_IN_PROGRESS", "CREATE_FAILED"})
_FIRST = ("studioName", "name", "displayName", "type", "subtype", "description")
"""What people look for at the head of a part."""
NOUNS: Mapping[str, tuple[str, str, Any]] = {
    "images": ("ListStreamingImages", "streamingImageId", ImagePart),
    "components": ("ListStudioComponents", "studioComponentId", ComponentPart),
    "launchProfiles": ("ListLaunchProfiles", "launchProfileId", ProfilePart),
}
"""The lists of a file, in the order in which they are made: how each is listed, and its id."""


class Present(msgspec.Struct, kw_only=True):
    """A studio that runs; without an id there is none yet."""

    studio_id: str | None = None
    studio: Part = {}
    parts: dict[str, dict[str, Part]] = msgspec.field(
        default_factory=lambda: {noun: {} for noun in NOUNS}
    )
    """The parts of each list by their names."""
    ids: dict[tuple[str, str], str] = {}
    """The id of each part, by its list and name."""
    arns: dict[tuple[str, str], str] = {}
    catalogue: Part = {}
    """What the installation has to choose from."""
    people: dict[str, str] = {}
    """The ids of people by their names; who is not known has an id alone."""

    def name_of(self, noun: str, part_id: str) -> str:
        """Name a part by its id; one that is gone keeps the id."""
        names = (name for (of, name), known in self.ids.items() if (of, known) == (noun, part_id))
        return next(names, part_id)


def find_studio(client: Client, studio_name: str) -> str | None:
    """Give the id of a studio by its name, or None."""
    for studio in _alive(client.pages("ListStudios")):
        if studio["studioName"] == studio_name:
            return str(studio["studioId"])
    return None


def read(client: Client, studio_id: str) -> Present:
    """Read a studio and all of its parts. Raises ConfigError where two have the same name."""
    studio = client.call("GetStudio", studioId=studio_id)["studio"]
    found = Present(
        studio_id=studio_id, studio=_known(studio, StudioPart), catalogue=catalogue_of(client)
    )
    found.arns["studio", ""] = studio["arn"]
    # Who is one by a group at the provider is left to it: a file would give back what it took.
    found.studio["administrators"] = [
        each["principalId"]
        for each in client.pages("ListStudioMembers", studioId=studio_id)
        if each["identityStoreId"] != IDENTITY_STORE_ID
    ]
    found.studio["quotas"] = client.call("GetStudioQuotas", studioId=studio_id)["quotas"]
    for noun, (operation, key, shape) in NOUNS.items():
        for resource in _alive(client.pages(operation, studioId=studio_id)):
            name = resource["name"]
            if name in found.parts[noun]:
                raise ConfigError(
                    f"{noun}: two are called {name}. A file tells them apart by their names: "
                    "rename one."
                )
            found.ids[noun, name] = resource[key]
            found.arns[noun, name] = resource["arn"]
            found.parts[noun][name] = (
                _profile(client, found, resource)
                if noun == "launchProfiles"
                else _known(resource, shape)
            )
    _call_by_names(client, found)
    return found


def _call_by_names(client: Client, found: Present) -> None:
    """Put names of people in place of their ids."""
    profiles = found.parts["launchProfiles"].values()
    ids = {each for part in profiles for each in part["members"]}
    names = names_by_id(client, ids | {*found.studio["administrators"]})
    found.people = {name: principal_id for principal_id, name in names.items()}
    found.studio["administrators"] = _called(names, found.studio["administrators"])
    for part in profiles:
        part["members"] = _called(names, part["members"])


def _called(names: Mapping[str, str], ids: Iterable[str]) -> list[str]:
    return sorted(names.get(each, each) for each in ids)


def catalogue_of(client: Client) -> Part:
    """Read what the installation has to choose from."""
    found = client.call("GetCatalogue")
    return {name: found[name] for name in ("instanceTypes", "images")}


def as_file(present: Present) -> dict[str, Any]:
    """Give what a file says of it: empty members left out, and references in place of secrets."""
    lists = {
        noun: [_short(part) for _, part in sorted(parts.items())]
        for noun, parts in present.parts.items()
        if parts
    }
    return {"studio": _short(present.studio), **lists, "catalogue": present.catalogue}


def _short(part: Part) -> Part:
    given = with_references(part)
    names = [*(name for name in _FIRST if name in given), *(n for n in given if n not in _FIRST)]
    return {name: given[name] for name in names if given[name] not in ([], {}, None)}


def _alive(resources: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [resource for resource in resources if resource["state"] not in _GONE]


def _known(resource: Mapping[str, Any], shape: Any) -> Part:
    """Keep what a file can say, in the order of its shape."""
    names = shape.__struct_encode_fields__
    return {name: resource[name] for name in names if name in resource}


def _profile(client: Client, present: Present, resource: Mapping[str, Any]) -> Part:
    part = _known(resource, ProfilePart)
    rules = dict(resource["streamConfiguration"])
    images = rules.pop("streamingImageIds")
    rules["streamingImages"] = [present.name_of("images", each) for each in images]
    components = resource["studioComponentIds"]
    members = client.pages(
        "ListLaunchProfileMembers",
        studioId=present.studio_id,
        launchProfileId=resource["launchProfileId"],
    )
    return {
        **part,
        "streamConfiguration": rules,
        "studioComponents": [present.name_of("components", each) for each in components],
        "members": [each["principalId"] for each in members],
    }
