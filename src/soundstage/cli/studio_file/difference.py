"""Compares what a studio file wants with what runs. Data in, changes out; no call is made here.

What a file leaves out stays as it is. Nothing is taken away but by pruning: parts of a list that
the file has, and people.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal

import msgspec

from soundstage.cli.studio_file import catalogue
from soundstage.cli.studio_file.document import MARK, MARKS
from soundstage.cli.studio_file.present import NOUNS, Part, Present
from soundstage.kit.config import ConfigError

Action = Literal["create", "update", "delete"]

_SIGNS: Mapping[Action, str] = {"create": "+", "update": "~", "delete": "-"}
_CALLED = {
    "studio": "studio",
    "images": "image",
    "components": "component",
    "launchProfiles": "launch profile",
}
_APART = frozenset({"name", "tags", MARKS, "members", "administrators", "quotas"})
"""Members that are compared and changed in ways of their own."""
_FIXED = {
    "studio": ("studioName", "studioEncryptionConfiguration"),
    "images": ("ec2ImageId",),
    "components": (),
    "launchProfiles": ("ec2SubnetIds",),
}
"""What the API lets nobody change."""
_PEOPLE = {"studio": "administrators", "launchProfiles": "members"}
_UNTOLD = frozenset({"scriptParameters", "initializationScripts", "configuration"})
"""What may hold secrets: that it changes is told, and not into what."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do."""

    action: Action
    noun: str
    name: str
    members: Part = {}
    """What to make it of, or what of it changes."""
    tags: dict[str, str] | None = None
    """All that it is to have; None leaves them."""
    added: list[str] = []
    removed: list[str] = []
    """People."""
    quotas: Part = {}
    """Those that change, and to what."""
    told: list[str] = []
    """What changes, for people."""

    @property
    def part(self) -> str:
        """What changes, as people call it."""
        return f"{_CALLED[self.noun]} {self.name}"

    @property
    def line(self) -> str:
        """The change as people read it."""
        what = f"{_SIGNS[self.action]} {self.part}"
        return what + (f": {', '.join(self.told)}" if self.told else "")


def changes(wanted: Mapping[str, Any], present: Present, *, prune: bool) -> list[Change]:
    """List what is to be done, in its order. Raises ConfigError for what can't be done."""
    catalogue.expect(wanted.get("catalogue", {}), present.catalogue)
    studio = wanted["studio"]
    found = [
        *_part("studio", studio["studioName"], studio, present.studio or None, prune=prune),
    ]
    for noun in NOUNS:
        for part in wanted.get(noun, []):
            there = present.parts[noun].get(part["name"])
            found += _part(noun, part["name"], part, there, prune=prune)
    if prune:
        found += _pruned(wanted, present)
    _expect_known_names(wanted, present, found)
    return found


def _pruned(wanted: Mapping[str, Any], present: Present) -> Iterator[Change]:
    """List what the file does not name; what is used by others last."""
    for noun in reversed(list(NOUNS)):
        if noun in wanted:
            kept = {part["name"] for part in wanted[noun]}
            for name in sorted(present.parts[noun].keys() - kept):
                yield Change(action="delete", noun=noun, name=name)


def _part(
    noun: str, name: str, wanted: Part, present: Part | None, *, prune: bool
) -> Iterator[Change]:
    if present is None:
        yield _creation(noun, name, wanted)
        return
    update = _update(noun, name, wanted, present, prune=prune)
    if update.told:
        yield update


def _creation(noun: str, name: str, wanted: Part) -> Change:
    people = sorted(set(wanted.get(_PEOPLE.get(noun, ""), [])))
    counted = f"{len(people)} {'person' if len(people) == 1 else 'people'}"
    return Change(
        action="create",
        noun=noun,
        name=name,
        members=_own_members(wanted),
        tags={**wanted.get("tags", {}), **wanted.get(MARKS, {})} or None,
        added=people,
        quotas=wanted.get("quotas", {}),
        told=[counted] if people else [],
    )


def _update(noun: str, name: str, wanted: Part, present: Part, *, prune: bool) -> Change:
    """Say what has to become other; a change that tells nothing is none."""
    members = _own_members(wanted)
    changed = {
        key: _sent(key, present.get(key), value)
        for key, value in members.items()
        if not _holds(present.get(key), value)
    }
    _expect_changeable(noun, name, changed)
    tags = _tags(wanted, present, wanted.get(MARKS, {}))
    of_people = _PEOPLE.get(noun, "")
    people, had = set(wanted.get(of_people, [])), set(present.get(of_people, []))
    added = sorted(people - had)
    # A file that names nobody leaves to the studio who is there.
    removed = sorted(had - people) if prune and of_people in wanted else []
    had_quotas = present.get("quotas", {})
    quotas = {
        key: value
        for key, value in wanted.get("quotas", {}).items()
        if value != had_quotas.get(key)
    }
    told = [
        *(line for key in changed for line in _told(key, present.get(key), members[key])),
        *_told("quotas", had_quotas, quotas),
        *([] if tags is None else ["tags"]),
        *(f"{each} added" for each in added),
        *(f"{each} removed" for each in removed),
    ]
    return Change(
        action="update",
        noun=noun,
        name=name,
        members=changed,
        tags=tags,
        added=added,
        removed=removed,
        quotas=quotas,
        told=told,
    )


def _own_members(wanted: Part) -> dict[str, Any]:
    return {key: value for key, value in wanted.items() if key not in _APART}


def _expect_changeable(noun: str, name: str, changed: Collection[str]) -> None:
    for key in _FIXED[noun]:
        if key in changed:
            raise ConfigError(
                f"{_CALLED[noun]} {name}: {key} can't be changed, only chosen when it is made. "
                "Give it another name, and remove the old one with --prune."
            )


def _tags(wanted: Part, present: Part, marks: Mapping[str, str]) -> dict[str, str] | None:
    """Give all tags that it is to have, or None where it has them."""
    had = present.get("tags", {})
    own = {key: value for key, value in had.items() if not key.startswith(MARK)}
    tags = {**wanted.get("tags", own), **marks}
    return None if tags == had else tags


def _holds(present: Any, wanted: Any) -> bool:
    """Reports whether what is there is all that is wanted; it may be more."""
    if isinstance(wanted, dict):
        there = present if isinstance(present, dict) else {}
        return all(_holds(there.get(key), value) for key, value in wanted.items())
    if wanted == [] and present is None:
        return True
    return bool(present == wanted)


def _merged(present: Any, wanted: Any) -> Any:
    """Give what is sent: an update replaces a member as a whole, so what stays goes with it."""
    if isinstance(wanted, dict) and isinstance(present, dict):
        return {
            **present,
            **{key: _merged(present.get(key), value) for key, value in wanted.items()},
        }
    return wanted


def _sent(key: str, present: Any, wanted: Any) -> Any:
    if key == "configuration" and set(present or {}) != set(wanted):
        # Of a union there is one member.
        return wanted
    return _merged(present, wanted)


def _told(path: str, present: Any, wanted: Any) -> Iterator[str]:
    """Say what changes: values where they are short and nobody's secret."""
    if path in _UNTOLD:
        yield path
    elif isinstance(wanted, dict) and isinstance(present, dict):
        for key, value in wanted.items():
            if not _holds(present.get(key), value):
                yield from _told(f"{path}.{key}", present.get(key), value)
    elif isinstance(wanted, bool | int | str):
        yield f"{path} {'-' if present is None else present} → {wanted}"
    else:
        yield path


def _expect_known_names(wanted: Mapping[str, Any], present: Present, found: list[Change]) -> None:
    """Refuse a profile that names what there will not be. Raises ConfigError."""
    going = {(each.noun, each.name) for each in found if each.action == "delete"}
    names = {
        noun: {part["name"] for part in wanted.get(noun, [])}
        | {name for name in present.parts[noun] if (noun, name) not in going}
        for noun in NOUNS
    }
    for profile in wanted.get("launchProfiles", []):
        used = {
            "images": profile["streamConfiguration"].get("streamingImages", []),
            "components": profile["studioComponents"],
        }
        for noun, each in used.items():
            for name in each:
                if name not in names[noun]:
                    raise ConfigError(
                        f"launch profile {profile['name']}: there is no {_CALLED[noun]} {name}."
                    )
