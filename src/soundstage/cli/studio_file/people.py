"""Who is meant by the names of people in a studio file, and by what names a pulled one has them.

Ids differ from one installation to the next, names need not: so a file has names, and fits any
installation that knows these people. An id is taken as well.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from soundstage.client.calls import Client
from soundstage.client.people import people
from soundstage.kit.config import ConfigError

Part = dict[str, Any]


def names_by_id(client: Client, principal_ids: Iterable[str]) -> dict[str, str]:
    """Give the names of those whom the installation knows, by their ids."""
    return {person["principalId"]: person["name"] for person in people(client, principal_ids)}


def resolved(client: Client, wanted: Mapping[str, Any]) -> tuple[Part, dict[str, str]]:
    """Give a file with everybody by the name that is known, and the id of each name. Raises
    ConfigError that says where nobody is known.
    """
    places = [("studio: administrators", "administrators", wanted["studio"])]
    places += [
        (f"launch profile {profile['name']}: members", "members", profile)
        for profile in wanted.get("launchProfiles", [])
    ]
    meant = {each for _, key, part in places for each in part.get(key) or []}
    by_id = names_by_id(client, meant)
    ids = {name: principal_id for principal_id, name in by_id.items()}
    for name in sorted(meant - by_id.keys() - ids.keys()):
        for person in client.pages("ListPeople", name=name):
            ids[name] = person["principalId"]
    for where, key, part in places:
        for each in part.get(key) or []:
            if each not in by_id and each not in ids:
                raise ConfigError(
                    f"{where}: nobody here is called {each}. `soundstage user create` makes "
                    "somebody known, on the service's machine."
                )

    def with_names(key: str, part: Part) -> Part:
        if part.get(key) is None:
            return part
        return {**part, key: [by_id.get(each, each) for each in part[key]]}

    found = {**wanted, "studio": with_names("administrators", wanted["studio"])}
    if "launchProfiles" in wanted:
        found["launchProfiles"] = [with_names("members", each) for each in wanted["launchProfiles"]]
    return found, ids
