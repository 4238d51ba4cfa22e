"""What a file would change: told in its order, with nothing taken away but by pruning."""

from typing import Any

import pytest

from soundstage.cli.studio_file.difference import changes
from soundstage.cli.studio_file.present import Part, Present
from soundstage.kit.config import ConfigError

STUDIO = {"studioName": "films", "displayName": "Films", "adminRoleArn": "a", "userRoleArn": "u"}
RULES = {
    "clipboardMode": "ENABLED",
    "ec2InstanceTypes": ["g4dn.xlarge"],
    "streamingImages": ["Host"],
    "maxSessionLengthInMinutes": 690,
}
IMAGE = {"name": "Host", "ec2ImageId": "ami-host"}
COMPONENT = {"name": "Farm", "type": "CUSTOM", "scriptParameters": [{"key": "KEY", "value": "a"}]}
PROFILE = {
    "name": "Artist",
    "streamConfiguration": RULES,
    "studioComponents": ["Farm"],
    "members": ["anna", "ben"],
    "ec2SubnetIds": [],
}
WHOLE: dict[str, Any] = {
    "studio": STUDIO,
    "images": [IMAGE],
    "components": [COMPONENT],
    "launchProfiles": [PROFILE],
}


def present(**parts: list[Part]) -> Present:
    """Give a studio that is as the file wants it, but for some parts."""
    lists = {noun: parts.get(noun, WHOLE[noun]) for noun in WHOLE if noun != "studio"}
    return Present(
        studio_id="s",
        studio={**STUDIO, "tags": {}, "quotas": {"sessions": 500, "webhooks": 10}},
        parts={
            noun: {part["name"]: {"tags": {}, **part} for part in found}
            for noun, found in lists.items()
        },
    )


def lines(wanted: dict[str, Any], there: Present, *, prune: bool = False) -> list[str]:
    return [change.line for change in changes(wanted, there, prune=prune)]


def with_part(noun: str, **members: Any) -> dict[str, Any]:
    return {**WHOLE, noun: [{**WHOLE[noun][0], **members}]}


def test_nothing_there_is_made_in_its_order() -> None:
    assert lines(WHOLE, Present()) == [
        "+ studio films",
        "+ image Host",
        "+ component Farm",
        "+ launch profile Artist: 2 people",
    ]
    (told,) = lines(with_part("launchProfiles", members=["anna"]), Present())[-1:]
    assert told == "+ launch profile Artist: 1 person"


def test_what_is_as_it_should_be_changes_nothing() -> None:
    assert lines(WHOLE, present(), prune=True) == []
    # So does what a file leaves out.
    more = {**COMPONENT, "description": "Told elsewhere.", "tags": {"own": "tag"}}
    assert lines({"studio": STUDIO}, present(components=[more]), prune=True) == []


@pytest.mark.parametrize(
    ("wanted", "line"),
    [
        (with_part("images", description="New"), "~ image Host: description - → New"),
        (with_part("components", tags={"a": "b"}), "~ component Farm: tags"),
        (
            with_part("launchProfiles", streamConfiguration={**RULES, "clipboardMode": "DISABLED"}),
            "~ launch profile Artist: streamConfiguration.clipboardMode ENABLED → DISABLED",
        ),
        (
            with_part("launchProfiles", members=["anna", "chris"]),
            "~ launch profile Artist: chris added",
        ),
        (
            {**WHOLE, "studio": {**STUDIO, "displayName": "Film"}},
            "~ studio films: displayName Films → Film",
        ),
        (
            {**WHOLE, "studio": {**STUDIO, "quotas": {"sessions": 20, "webhooks": 10}}},
            "~ studio films: quotas.sessions 500 → 20",
        ),
        (
            {**WHOLE, "studio": {**STUDIO, "administrators": ["anna"]}},
            "~ studio films: anna added",
        ),
    ],
)
def test_each_difference_is_told(wanted: dict[str, Any], line: str) -> None:
    assert lines(wanted, present()) == [line]


def test_what_may_be_secret_is_told_without_its_value() -> None:
    wanted = with_part("components", scriptParameters=[{"key": "KEY", "value": "hidden"}])
    assert lines(wanted, present()) == ["~ component Farm: scriptParameters"]


def test_an_update_sends_what_stays_of_a_member_too() -> None:
    wanted = with_part("launchProfiles", streamConfiguration={**RULES, "clipboardMode": "DISABLED"})
    del wanted["launchProfiles"][0]["streamConfiguration"]["maxSessionLengthInMinutes"]
    (change,) = changes(wanted, present(), prune=False)
    assert change.members == {"streamConfiguration": {**RULES, "clipboardMode": "DISABLED"}}


def test_of_a_union_there_is_one_member() -> None:
    def farm(**configuration: Any) -> Part:
        return {**COMPONENT, "configuration": configuration}

    there = present(components=[farm(licenseServiceConfiguration={"endpoint": "a"})])
    wanted = {**WHOLE, "components": [farm(computeFarmConfiguration={"endpoint": "b"})]}
    (change,) = changes(wanted, there, prune=False)
    assert change.members == {"configuration": {"computeFarmConfiguration": {"endpoint": "b"}}}


def test_where_a_text_came_from_is_part_of_the_tags() -> None:
    marks = {"soundstage:from:scriptParameters.0.value": "env:KEY"}
    wanted = with_part("components", references=marks)
    there = present(components=[{**COMPONENT, "tags": {"own": "tag"}}])
    (change,) = changes(wanted, there, prune=False)
    assert change.tags == {"own": "tag", **marks}
    marked = present(components=[{**COMPONENT, "tags": {"own": "tag", **marks}}])
    assert lines(wanted, marked) == []
    # In clear again.
    (change,) = changes(WHOLE, marked, prune=False)
    assert change.tags == {"own": "tag"}


def test_only_pruning_takes_away() -> None:
    old = present(
        images=[IMAGE, {**IMAGE, "name": "Old"}],
        components=[COMPONENT, {**COMPONENT, "name": "Older"}],
        launchProfiles=[PROFILE, {**PROFILE, "name": "Oldest"}],
    )
    fewer = with_part("launchProfiles", members=["anna"])
    assert lines(fewer, old) == []
    assert lines(fewer, old, prune=True) == [
        "~ launch profile Artist: ben removed",
        "- launch profile Oldest",
        "- component Older",
        "- image Old",
    ]


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        (with_part("images", ec2ImageId="ami-x"), "image Host: ec2ImageId can't be changed"),
        (
            with_part("launchProfiles", ec2SubnetIds=["subnet"]),
            "launch profile Artist: ec2SubnetIds can't be changed",
        ),
        (
            with_part("launchProfiles", studioComponents=["Farm", "Ghost"]),
            "launch profile Artist: there is no component Ghost",
        ),
        (
            with_part("launchProfiles", streamConfiguration={**RULES, "streamingImages": ["X"]}),
            "launch profile Artist: there is no image X",
        ),
        ({**WHOLE, "images": []}, "there is no image Host"),
    ],
)
def test_what_can_not_be_done_is_told_before_anything_is(
    wanted: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        changes(wanted, present(), prune=True)
