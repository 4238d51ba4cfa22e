"""A studio that is made as a file says and printed again is what the file says: for any file."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from soundstage.cli import waiting
from soundstage.cli.studio_file import people, present
from soundstage.cli.studio_file.difference import Change, changes
from soundstage.cli.studio_file.document import checked
from soundstage.cli.studio_file.doing import Doing, _parted
from soundstage.cli.studio_file.present import Present
from soundstage.cli.yaml_text import read, written
from soundstage.client.calls import CallError, Client
from soundstage.testing.world import World, world
from soundstage.wire.faults import Complaint

FOLDER = Path(__file__).parent
SECRETS = {"STUDIO_FIRST": "hidden-one", "STUDIO_SECOND": "hidden: 'two'"}
PEOPLE = ("anna", "ben", "chris")
ROLE = "arn:aws:iam::000000000000:role/soundstage"

_numbers = count()


class Settling(Client):
    """Calls a world, and lets everything that is due happen before each call."""

    def __init__(self, of: World) -> None:
        self._world = of

    def call(self, name: str, /, **members: Any) -> dict[str, Any]:
        """Call the operation."""
        self._world.settle()
        return self._world.operator.call(name, **members)

    def pages(self, name: str, /, **members: Any) -> Iterator[dict[str, Any]]:
        """Call the list."""
        self._world.settle()
        return self._world.operator.pages(name, **members)


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give a world whose studios are made again and again."""
    with (
        pytest.MonkeyPatch.context() as patch,
        world(tmp_path_factory.mktemp("studio") / "home") as made,
    ):
        patch.setattr(waiting, "POLL_SECONDS", 0)
        for name, value in SECRETS.items():
            patch.setenv(name, value)
        for name in PEOPLE:
            made.principal_id(name)
        yield made


WORDS = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Co"), include_characters="\n"),
    min_size=1,
    max_size=12,
)
NAMES = st.lists(WORDS, min_size=1, max_size=3, unique=True)
TAGS = st.dictionaries(
    WORDS.filter(lambda key: not key.lower().startswith(("aws:", "soundstage:"))), WORDS, max_size=2
)
SECRET = st.sampled_from([{"env": name} for name in SECRETS]) | st.just({"command": "echo hidden"})
PARAMETERS = st.lists(
    st.fixed_dictionaries(
        {"key": st.sampled_from(["SHOW", "LEVEL", "KEY"]), "value": SECRET | WORDS}
    ),
    max_size=2,
    unique_by=lambda each: str(each["key"]),
)
SCRIPTS = st.lists(
    st.fixed_dictionaries(
        {
            "launchProfileProtocolVersion": st.just("2021-03-31"),
            "platform": st.just("LINUX"),
            "runContext": st.sampled_from(["SYSTEM_INITIALIZATION", "USER_INITIALIZATION"]),
            "script": st.sampled_from(["#!/bin/sh\necho a\n", "echo: b"])
            | st.just({"file": "setup.sh"})
            | SECRET,
        }
    ),
    max_size=1,
)


def either(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Give any of these members."""
    return st.fixed_dictionaries({}, optional=members)


@st.composite
def files(draw: st.DrawFn, studio_name: str, ids: list[str]) -> dict[str, Any]:
    """Draw a file."""
    images = [
        {"name": name, "ec2ImageId": "ami-host", **draw(either(description=WORDS, tags=TAGS))}
        for name in draw(NAMES)
    ]
    components = [
        {
            "name": name,
            **draw(
                st.sampled_from(
                    [
                        {"type": "CUSTOM"},
                        {
                            "type": "LICENSE_SERVICE",
                            "configuration": {
                                "licenseServiceConfiguration": {"endpoint": {"env": "STUDIO_FIRST"}}
                            },
                        },
                        {
                            "type": "COMPUTE_FARM",
                            "configuration": {"computeFarmConfiguration": {"endpoint": "farm:80"}},
                        },
                    ]
                )
            ),
            **draw(
                either(
                    description=WORDS,
                    tags=TAGS,
                    scriptParameters=PARAMETERS,
                    initializationScripts=SCRIPTS,
                )
            ),
        }
        for name in draw(NAMES)
    ]
    profiles = [
        {
            "name": name,
            "streamConfiguration": {
                "clipboardMode": draw(st.sampled_from(["ENABLED", "DISABLED"])),
                "ec2InstanceTypes": draw(
                    st.lists(st.sampled_from(["g4dn.xlarge", "g5.xlarge"]), min_size=1, unique=True)
                ),
                "streamingImages": draw(
                    st.lists(
                        st.sampled_from([each["name"] for each in images]), min_size=1, unique=True
                    )
                ),
                **draw(
                    either(
                        maxSessionLengthInMinutes=st.integers(1, 43200),
                        idleStopInMinutes=st.integers(5, 60),
                        sessionStorage=st.just({"mode": ["UPLOAD"]}),
                    )
                ),
            },
            "studioComponents": draw(
                st.lists(
                    st.sampled_from([each["name"] for each in components]), min_size=1, unique=True
                )
            ),
            **draw(
                either(
                    description=WORDS,
                    tags=TAGS,
                    members=st.lists(st.sampled_from(ids), unique=True),
                )
            ),
        }
        for name in draw(NAMES)
    ]
    return {
        "studio": {
            "studioName": studio_name,
            "displayName": draw(WORDS),
            "adminRoleArn": ROLE,
            "userRoleArn": ROLE,
            **draw(
                either(
                    tags=TAGS,
                    administrators=st.lists(st.sampled_from(ids), unique=True),
                    quotas=either(
                        sessions=st.integers(0, 1_000_000),
                        sessionsPerUser=st.integers(0, 20),
                        components=st.integers(20, 200),
                    ),
                )
            ),
        },
        "images": images,
        "components": components,
        "launchProfiles": profiles,
        **draw(
            either(
                catalogue=st.just(
                    {"instanceTypes": [{"ec2InstanceType": "g5.xlarge", "memoryInGib": 16}]}
                )
            )
        ),
    }


def planned(client: Client, wanted: dict[str, Any], *, prune: bool) -> tuple[Present, list[Change]]:
    studio_id = present.find_studio(client, wanted["studio"]["studioName"])
    if studio_id is None:
        found = Present(catalogue=present.catalogue_of(client))
    else:
        found = present.read(client, studio_id)
    wanted, ids = people.resolved(client, wanted)
    found.people |= ids
    return found, changes(wanted, found, prune=prune)


@settings(max_examples=6, phases=[Phase.generate])
@given(data=st.data())
def test_what_is_applied_and_pulled_plans_nothing(there: World, data: st.DataObject) -> None:
    client = Settling(there)
    name = f"studio{next(_numbers)}"
    # A file may have names or ids, and means the same people.
    ids = [there.principal_id(each) if each < "b" else each for each in PEOPLE]
    # The first makes it, the second changes it and takes away what it does not name.
    for raw in data.draw(st.tuples(files(name, ids), files(name, ids))):
        wanted = checked(read(written(raw), "file"), FOLDER, "file")
        found, todo = planned(client, wanted, prune=True)
        Doing(client, found).do(todo, lambda _: None)
        found, todo = planned(client, wanted, prune=True)
        assert [change.line for change in todo] == []
        pulled = written(present.as_file(found))
        assert not any(secret in pulled for secret in ("hidden-one", "hidden: 'two'"))
        assert not any(each in pulled for each in ids if each not in PEOPLE)
        again = checked(read(pulled, "pulled"), FOLDER, "pulled")
        assert [change.line for change in changes(again, found, prune=True)] == []


def test_what_breaks_off_goes_on(there: World, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Settling(there)
    raw = {
        "studio": {
            "studioName": "broken",
            "displayName": "B",
            "adminRoleArn": ROLE,
            "userRoleArn": ROLE,
        },
        "images": [{"name": "Host", "ec2ImageId": "ami-host"}],
        "components": [{"name": "One", "type": "CUSTOM"}, {"name": "Two", "type": "CUSTOM"}],
    }
    wanted = checked(raw, FOLDER, "file")
    call = Settling.call

    def breaks(self: Settling, name: str, /, **members: Any) -> dict[str, Any]:
        if name == "CreateStudioComponent" and members["name"] == "Two":
            raise CallError("Unreachable", 0, "It went away.", [Complaint("It is dark.")])
        return call(self, name, **members)

    monkeypatch.setattr(Settling, "call", breaks)
    told: list[str] = []
    with pytest.raises(CallError) as broken:
        Doing(client, Present()).do(
            changes(wanted, Present(), prune=False), lambda change: told.append(change.line)
        )
    assert str(broken.value) == "component Two: It went away."
    told_of = [each.message for each in broken.value.complaints]
    assert told_of == ["component Two: It went away.", "It is dark."]
    assert told == ["+ studio broken", "+ image Host", "+ component One"]
    monkeypatch.setattr(Settling, "call", call)
    found, todo = planned(client, wanted, prune=False)
    assert [change.line for change in todo] == ["+ component Two"]
    Doing(client, found).do(todo, lambda _: None)
    assert planned(client, wanted, prune=False)[1] == []


def test_as_many_people_at_once_as_the_api_takes() -> None:
    assert [len(part) for part in _parted([str(number) for number in range(45)])] == [20, 20, 5]
    assert _parted([]) == []
