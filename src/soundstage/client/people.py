"""How people are called, where the API gives their ids; the portal and the command line ask.

Who asks must be an administrator: anybody else is refused, and the trail of events notes it.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from soundstage.client.calls import Client

_AT_ONCE = 100
"""The most ids that one call takes."""


def names_of(client: Client, principal_ids: Iterable[str]) -> dict[str, str]:
    """Find out how people are called; who is not known here is called by their id."""
    wanted = set(principal_ids)
    known = {person["principalId"]: called(person) for person in people(client, wanted)}
    return {each: known.get(each, each) for each in wanted}


def people(client: Client, principal_ids: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Read those whom the installation knows by these ids, of which there may be any number."""
    # An id with a comma would be two; there is none.
    wanted = sorted({each for each in principal_ids if "," not in each})
    for start in range(0, len(wanted), _AT_ONCE):
        some = ",".join(wanted[start : start + _AT_ONCE])
        yield from client.pages("ListPeople", principalIds=some)


def called(person: dict[str, Any]) -> str:
    """Say how somebody is called."""
    return str(person.get("displayName") or person["name"])
