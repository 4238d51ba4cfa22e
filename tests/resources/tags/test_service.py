"""Which resources can have tags, and how many."""

from typing import Any

import pytest

from soundstage.testing.world import World


@pytest.fixture
def arn(world: World, studio_id: str) -> str:
    return str(world.operator.call("GetStudio", studioId=studio_id)["studio"]["arn"])


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("arn:", "", "ValidationException"),
        (":studio/stid-", ":eula/", "ValidationException"),
        (":studio/stid-", ":teapot/", "ValidationException"),
        (":studio/stid-", ":studio/stid-x", "ResourceNotFoundException"),
        ("us-west-2", "eu-west-1", "ResourceNotFoundException"),
        (":nimble:", ":s3:", "ValidationException"),
    ],
)
def test_an_arn_must_name_something_here(
    arn: str, refused: Any, old: str, new: str, name: str
) -> None:
    wrong = arn.replace(old, new)
    assert wrong != arn
    found, message = refused("ListTagsForResource", resourceArn=wrong)
    assert found == name
    assert message.startswith("resourceArn: ") or wrong in message


def test_another_account_s_studio_is_not_ours(world: World, arn: str, refused: Any) -> None:
    wrong = arn.replace(world.service.installation.account_id, "999999999999")
    assert refused("TagResource", resourceArn=wrong, tags={})[0] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"aws:x": "1"}, "begins with 'aws:'"),
        ({"": "1"}, "a key must have"),
        ({"k" * 129: "1"}, "a key must have"),
        ({"k": "v" * 257}, "is longer than 256"),
    ],
)
def test_wrong_tags_are_refused(
    world: World, arn: str, refused: Any, tags: dict[str, str], message: str
) -> None:
    name, said = refused("TagResource", resourceArn=arn, tags=tags)
    assert name == "ValidationException"
    assert message in said
    assert world.operator.call("ListTagsForResource", resourceArn=arn) == {"tags": {}}


def test_a_resource_has_50_tags_at_the_most(world: World, arn: str, refused: Any) -> None:
    world.operator.call(
        "TagResource", resourceArn=arn, tags={f"{number}": "" for number in range(50)}
    )
    assert refused("TagResource", resourceArn=arn, tags={"51st": ""})[0] == "ValidationException"
    world.operator.call("TagResource", resourceArn=arn, tags={"0": "another value"})
    found = world.operator.call("ListTagsForResource", resourceArn=arn)["tags"]
    assert len(found) == 50
    assert found["0"] == "another value"


def test_keys_to_take_away_must_be_said(arn: str, refused: Any) -> None:
    name, message = refused("UntagResource", resourceArn=arn)
    assert (name, message[:7]) == ("ValidationException", "tagKeys")
