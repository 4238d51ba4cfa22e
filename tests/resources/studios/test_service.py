"""What can be done with studios."""

from typing import Any

import pytest

from soundstage.resources.studios import service
from soundstage.testing.world import World
from soundstage.wire.faults import ConflictError, NotFoundError

ROLE = "arn:aws:iam::123456789012:role/studio"
GIVEN: dict[str, Any] = {
    "studioName": "films",
    "displayName": "Films",
    "adminRoleArn": ROLE,
    "userRoleArn": ROLE,
}
KEY = "arn:aws:kms:us-west-2:123456789012:key/k"


def test_a_name_is_given_once(world: World, refused: Any) -> None:
    world.operator.call("CreateStudio", **GIVEN)
    name, message = refused("CreateStudio", **GIVEN)
    assert (name, message) == (
        "ConflictException",
        "studioName: there is a studio 'films' already.",
    )


def test_a_wrong_input_is_told_before_a_name_that_is_taken(world: World, refused: Any) -> None:
    world.operator.call("CreateStudio", **GIVEN)
    name, _ = refused("CreateStudio", **GIVEN, tags={"": "x"})
    assert name == "ValidationException"


def test_a_customer_s_key_is_unknown_here_and_its_studio_s_name_is_free_again(
    world: World,
) -> None:
    key = {"keyType": "CUSTOMER_MANAGED_KEY", "keyArn": KEY}
    made = world.operator.call("CreateStudio", **GIVEN, studioEncryptionConfiguration=key)
    world.settle()
    studio = world.operator.call("GetStudio", studioId=made["studio"]["studioId"])["studio"]
    assert (studio["state"], studio["statusCode"]) == ("CREATE_FAILED", "ENCRYPTION_KEY_NOT_FOUND")
    assert KEY in studio["statusMessage"]
    assert world.operator.call("CreateStudio", **GIVEN)["studio"]["state"] == "CREATE_IN_PROGRESS"


def test_a_client_token_makes_one_studio(world: World) -> None:
    first, second = (
        world.operator.call("CreateStudio", **GIVEN, clientToken="token") for _ in range(2)
    )
    assert first == second


def test_only_a_ready_studio_is_usable(world: World) -> None:
    made = world.operator.call("CreateStudio", **GIVEN)["studio"]
    with world.service.database.transaction(write=False) as transaction:
        assert service.find(transaction, made["studioId"]).studio_name == "films"
        with pytest.raises(ConflictError, match="is CREATE_IN_PROGRESS; it must be READY"):
            service.find_usable(transaction, made["studioId"])
        with pytest.raises(NotFoundError):
            service.find_usable(transaction, "us-west-2:stid-0000000000000000")
    world.settle()
    with world.service.database.transaction(write=False) as transaction:
        assert service.find_usable(transaction, made["studioId"]).state == "READY"


def test_nothing_is_made_in_a_studio_that_is_not_ready(world: World, refused: Any) -> None:
    studio_id = world.operator.call("CreateStudio", **GIVEN)["studio"]["studioId"]
    component = {"studioId": studio_id, "name": "n", "type": "CUSTOM"}
    image = {"studioId": studio_id, "name": "n", "ec2ImageId": "ami-host"}
    assert refused("CreateStudioComponent", **component)[0] == "ConflictException"
    assert refused("CreateStreamingImage", **image)[0] == "ConflictException"
    wrong = {"tags": {"aws:": ""}}
    assert refused("CreateStudioComponent", **component, **wrong)[0] == "ValidationException"
    assert refused("CreateStreamingImage", **image, **wrong)[0] == "ValidationException"
