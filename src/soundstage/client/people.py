"""How people are called, where the API gives their ids; the portal and the command line ask.

Who asks must be an administrator: anybody else is refused, and the trail of events notes it.
"""

from collections.abc import Iterable
from typing import Any

from soundstage.client.calls import Client

_AT_ONCE = 100
"""The most ids that one call takes."""


def names_of(client: Client, principal_ids: Iterable[str]) -> dict[str, str]:
    """Find out how people are called; who is not known here is called by their id."""
    wanted = sorted(set(principal_ids))
    found = {each: each for each in wanted}
    for start in range(0, len(wanted), _AT_ONCE):
        some = ",".join(wanted[start : start + _AT_ONCE])
        for person in client.pages("ListPeople", principalIds=some):
            found[person["principalId"]] = called(person)
    return found


def called(person: dict[str, Any]) -> str:
    """Say how somebody is called."""
    return str(person.get("displayName") or person["name"])
