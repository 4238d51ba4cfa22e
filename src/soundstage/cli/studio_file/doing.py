"""Makes a studio as a file says: one change after the other, each waited for; called by `apply`.

Every change may be repeated: where it breaks off, the next `apply` sees what is there and goes on.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from soundstage.cli.studio_file.difference import Change
from soundstage.cli.studio_file.present import Part, Present
from soundstage.cli.waiting import settled, waiter
from soundstage.client.calls import CallError, Client
from soundstage.resources.members.model import IDENTITY_STORE_ID

Tell = Callable[[Change], None]

_KINDS = {
    "studio": ("Studio", "studio", "studioId"),
    "images": ("StreamingImage", "streamingImage", "streamingImageId"),
    "components": ("StudioComponent", "studioComponent", "studioComponentId"),
    "launchProfiles": ("LaunchProfile", "launchProfile", "launchProfileId"),
}
_MOST_AT_ONCE = 20
_NEEDED = {
    "launchProfiles": {"ec2SubnetIds": [], "launchProfileProtocolVersions": ["2021-03-31"]},
}
"""What the API wants said and files may leave out, because here it has one answer."""


class Doing:
    """Does changes to one studio; knows the ids of what it made."""

    def __init__(self, client: Client, present: Present) -> None:
        self._client = client
        self._present = present

    def do(self, changes: Iterable[Change], tell: Tell) -> None:
        """Do all, and tell of each when it is done. Raises CallError where the first fails, which
        names the part.
        """
        for change in changes:
            try:
                _STEPS[change.action](self, change)
            except CallError as error:
                message, others = f"{change.part}: {error}", error.complaints[1:]
                raise CallError(error.name, error.status, message, others) from None
            tell(change)

    def create(self, change: Change) -> None:
        """Make a part."""
        kind, key, id_key = _KINDS[change.noun]
        given = {**_NEEDED.get(change.noun, {}), **self._with_ids(change.members)}
        if change.noun != "studio":
            given |= {"studioId": self._present.studio_id, "name": change.name}
        made = self._client.call(f"Create{kind}", **given, tags=change.tags)[key]
        if change.noun == "studio":
            self._present.studio_id = made[id_key]
        self._present.ids[change.noun, change.name] = made[id_key]
        self._wait(change, f"{kind}Ready")
        self._quotas(change)
        self._people(change)

    def update(self, change: Change) -> None:
        """Change what is there."""
        kind = _KINDS[change.noun][0]
        if change.members:
            given = self._with_ids(change.members)
            self._client.call(f"Update{kind}", **self._where(change), **given)
            self._wait(change, f"{kind}Ready")
        self._quotas(change)
        if change.tags is not None:
            self._tag(change, change.tags)
        self._people(change)

    def delete(self, change: Change) -> None:
        """Take a part away."""
        kind = _KINDS[change.noun][0]
        self._client.call(f"Delete{kind}", **self._where(change))
        self._wait(change, f"{kind}Deleted")

    def _where(self, change: Change) -> dict[str, Any]:
        where: dict[str, Any] = {"studioId": self._present.studio_id}
        if change.noun != "studio":
            id_key = _KINDS[change.noun][2]
            where[id_key] = self._present.ids[change.noun, change.name]
        return where

    def _wait(self, change: Change, name: str) -> None:
        settled(self._client, waiter(name), self._where(change), what=change.name)

    def _with_ids(self, members: Part) -> Part:
        """Turn the file's names into the API's ids."""
        found = dict(members)
        if "studioComponents" in found:
            found["studioComponentIds"] = self._ids("components", found.pop("studioComponents"))
        if "streamConfiguration" in found:
            rules = dict(found["streamConfiguration"])
            rules["streamingImageIds"] = self._ids("images", rules.pop("streamingImages"))
            found["streamConfiguration"] = rules
        return found

    def _ids(self, noun: str, names: Iterable[str]) -> list[str]:
        return [self._present.ids[noun, name] for name in names]

    def _tag(self, change: Change, tags: dict[str, str]) -> None:
        arn = self._present.arns[change.noun, "" if change.noun == "studio" else change.name]
        had = self._client.call("ListTagsForResource", resourceArn=arn)["tags"]
        gone = sorted(had.keys() - tags.keys())
        if gone:
            self._client.call("UntagResource", resourceArn=arn, tagKeys=gone)
        if tags:
            self._client.call("TagResource", resourceArn=arn, tags=tags)

    def _quotas(self, change: Change) -> None:
        if change.quotas:
            self._client.call("UpdateStudioQuotas", **self._where(change), **change.quotas)

    def _people(self, change: Change) -> None:
        put, taken, persona = (
            ("PutStudioMembers", "DeleteStudioMember", "ADMINISTRATOR")
            if change.noun == "studio"
            else ("PutLaunchProfileMembers", "DeleteLaunchProfileMember", "USER")
        )
        for some in _parted(change.added):
            self._client.call(
                put,
                **self._where(change),
                identityStoreId=IDENTITY_STORE_ID,
                members=[{"principalId": self._id(each), "persona": persona} for each in some],
            )
        for each in change.removed:
            self._client.call(taken, **self._where(change), principalId=self._id(each))

    def _id(self, name: str) -> str:
        return self._present.people.get(name, name)


def _parted(people: Sequence[str]) -> list[Sequence[str]]:
    """Part a list into as many at once as the API takes."""
    return [people[start : start + _MOST_AT_ONCE] for start in range(0, len(people), _MOST_AT_ONCE)]


_STEPS = {"create": Doing.create, "update": Doing.update, "delete": Doing.delete}
