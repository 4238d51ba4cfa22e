"""What can be done with studios."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from soundstage.client.calls import CallError, Client
from soundstage.resources.identities.model import IDENTITY_STORE_ID
from soundstage.resources.studios import service, store
from soundstage.resources.studios.model import StudioState, StudioStatusCode
from soundstage.testing.openid import OpenIDProvider, world_with
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


def test_a_deletion_that_failed_stops_nobody(world: World) -> None:
    studio_id = world.operator.call("CreateStudio", **GIVEN)["studio"]["studioId"]
    world.settle()
    component = {"studioId": studio_id, "name": "n", "type": "CUSTOM"}
    world.operator.call("CreateStudioComponent", **component)
    world.settle()
    world.operator.call("DeleteStudio", studioId=studio_id)
    world.settle()
    studio = world.operator.call("GetStudio", studioId=studio_id)["studio"]
    assert studio["state"] == "DELETE_FAILED"
    assert world.operator.call("CreateStudioComponent", **component)["studioComponent"]


def test_nothing_is_made_in_a_studio_that_is_not_ready(world: World, refused: Any) -> None:
    studio_id = world.operator.call("CreateStudio", **GIVEN)["studio"]["studioId"]
    component = {"studioId": studio_id, "name": "n", "type": "CUSTOM"}
    image = {"studioId": studio_id, "name": "n", "ec2ImageId": "ami-host"}
    assert refused("CreateStudioComponent", **component)[0] == "ConflictException"
    assert refused("CreateStreamingImage", **image)[0] == "ConflictException"
    wrong = {"tags": {"aws:": ""}}
    assert refused("CreateStudioComponent", **component, **wrong)[0] == "ValidationException"
    assert refused("CreateStreamingImage", **image, **wrong)[0] == "ValidationException"


def of(world: World, studio_id: str) -> dict[str, Any]:
    found: dict[str, Any] = world.operator.call("GetStudio", studioId=studio_id)["studio"]
    return found


def test_an_update_changes_what_it_names_and_nothing_else(world: World, studio_id: str) -> None:
    before = of(world, studio_id)
    given = {"studioId": studio_id, "displayName": "New name"}
    passing = world.operator.call("UpdateStudio", **given)["studio"]
    assert (passing["state"], passing["displayName"]) == ("UPDATE_IN_PROGRESS", "Studio")
    assert passing["statusCode"] == "STUDIO_UPDATE_IN_PROGRESS"
    world.settle()
    after = of(world, studio_id)
    assert (after["state"], after["statusCode"]) == ("READY", "STUDIO_UPDATED")
    changed = {name for name in after if after[name] != before[name]}
    assert changed <= {"displayName", "statusCode", "statusMessage", "updatedAt"}
    assert after["displayName"] == "New name"


def test_one_change_at_a_time(world: World, studio_id: str, refused: Any) -> None:
    world.operator.call("UpdateStudio", studioId=studio_id)
    for operation in ("UpdateStudio", "DeleteStudio"):
        name, message = refused(operation, studioId=studio_id)
        assert name == "ConflictException"
        assert "is UPDATE_IN_PROGRESS" in message


@pytest.mark.parametrize(
    ("kind", "operation", "given"),
    [
        ("STUDIO_COMPONENTS", "CreateStudioComponent", {"name": "n", "type": "CUSTOM"}),
        ("STREAMING_IMAGES", "CreateStreamingImage", {"name": "n", "ec2ImageId": "ami-host"}),
    ],
)
def test_a_studio_that_is_not_empty_is_not_deleted(
    world: World, studio_id: str, kind: str, operation: str, given: dict[str, Any]
) -> None:
    made = world.operator.call(operation, studioId=studio_id, **given)
    (shape,) = made.values()
    passing = world.operator.call("DeleteStudio", studioId=studio_id)["studio"]
    assert passing["state"] == "DELETE_IN_PROGRESS"
    world.settle()
    studio = of(world, studio_id)
    assert studio["state"] == "DELETE_FAILED"
    assert studio["statusCode"] == f"STUDIO_WITH_{kind}_NOT_DELETED"
    ids = {name: shape[name] for name in ("studioComponentId", "streamingImageId") if name in shape}
    world.operator.call(operation.replace("Create", "Delete"), studioId=studio_id, **ids)
    world.settle()
    world.operator.call("DeleteStudio", studioId=studio_id)
    world.settle()
    assert (of(world, studio_id)["state"]) == "DELETED"


def test_profiles_are_the_first_thing_in_the_way(world: World, studio_id: str) -> None:
    world.profile(studio_id)
    world.operator.call("DeleteStudio", studioId=studio_id)
    world.settle()
    studio = of(world, studio_id)
    assert studio["statusCode"] == "STUDIO_WITH_LAUNCH_PROFILES_NOT_DELETED"
    assert "launch profiles; delete them first" in studio["statusMessage"]


def test_a_healthy_sign_on_is_not_repaired(studio_id: str, refused: Any) -> None:
    name, message = refused("StartStudioSSOConfigurationRepair", studioId=studio_id)
    assert name == "ValidationException"
    assert "is healthy" in message


@pytest.fixture
def signing_on(tmp_path: Path, openid_provider: OpenIDProvider) -> Iterator[World]:
    with world_with(openid_provider, tmp_path) as made:
        yield made


def repair(world: World, studio_id: str) -> dict[str, Any]:
    studio: dict[str, Any] = world.operator.call(
        "StartStudioSSOConfigurationRepair", studioId=studio_id
    )["studio"]
    return studio


def test_a_broken_sign_on_is_repaired(signing_on: World, openid_provider: OpenIDProvider) -> None:
    world, studio_id = signing_on, signing_on.studio()["studioId"]
    openid_provider.stop()
    try:
        passing = repair(world, studio_id)
        assert passing["state"] == "UPDATE_IN_PROGRESS"
        assert passing["statusCode"] == "AWS_SSO_CONFIGURATION_REPAIR_IN_PROGRESS"
        world.settle()
        failed = of(world, studio_id)
        assert failed["state"] == "UPDATE_FAILED"
        assert failed["statusCode"] == "AWS_SSO_ACCESS_DENIED"
        assert failed["statusMessage"] == "The provider does not answer (ConnectError)."
    finally:
        openid_provider.start()
    repair(world, studio_id)
    world.settle()
    mended = of(world, studio_id)
    assert (mended["state"], mended["statusCode"]) == ("READY", "AWS_SSO_CONFIGURATION_REPAIRED")
    assert mended["ssoClientId"] == passing["ssoClientId"]
    with pytest.raises(CallError, match="is healthy"):
        repair(world, studio_id)


def test_a_repair_and_an_update_are_not_mistaken(
    signing_on: World, openid_provider: OpenIDProvider
) -> None:
    world, studio_id = signing_on, signing_on.studio()["studioId"]
    world.operator.call("UpdateStudio", studioId=studio_id, displayName="New")
    with pytest.raises(CallError) as caught:
        repair(world, studio_id)
    assert caught.value.name == "ConflictException"
    world.settle()
    assert of(world, studio_id)["statusCode"] == "STUDIO_UPDATED"
    repair(world, studio_id)
    world.settle()
    assert of(world, studio_id)["displayName"] == "New"
    assert openid_provider.issuer == world.settings.oidc_issuer


def test_a_repair_without_a_provider_fails(world: World, studio_id: str) -> None:
    """It was begun before the service was started anew without one."""
    with world.service.database.transaction() as transaction:
        changes = {
            "state": StudioState.UPDATE_IN_PROGRESS,
            "status_code": StudioStatusCode.AWS_SSO_CONFIGURATION_REPAIR_IN_PROGRESS,
        }
        store.studios.update(transaction, studio_id, changes)
        studio = store.studios.get(transaction, studio_id)
        assert studio is not None
        assert service.is_repaired(studio)
        service.settle(transaction, studio, world.clock(), blockers=[])
    assert of(world, studio_id)["statusCode"] == "AWS_SSO_NOT_ENABLED"


def test_administrators_raise_quotas_as_far_as_the_operator_gave(
    world: World, studio_id: str
) -> None:
    ada = world.client("ada")
    world.operator.call(
        "PutStudioMembers",
        studioId=studio_id,
        identityStoreId=IDENTITY_STORE_ID,
        members=[{"principalId": world.principal_id("ada"), "persona": "ADMINISTRATOR"}],
    )

    def change(client: Client, most: int) -> int:
        made = client.call("UpdateStudioQuotas", studioId=studio_id, customImages=most)
        return int(made["quotas"]["customImages"])

    assert change(ada, 0) == 0
    with pytest.raises(CallError, match=r"is 0; in use: 0\. UpdateStudioQuotas raises it"):
        world.operator.call(
            "CreateStreamingImage", studioId=studio_id, name="Host", ec2ImageId="ami-host"
        )
    with pytest.raises(CallError, match="customImages: 11 is more than the 10 that"):
        change(ada, 11)
    assert change(world.operator, 11) == 11
    assert change(ada, 11) == 11
    assert change(ada, 10) == 10
    with pytest.raises(CallError, match="customImages: 11 is more"):
        change(ada, 11)
    events = world.operator.call("ListEvents", studioId=studio_id)["events"]
    told = [each for each in events if each["type"] == "studios.QUOTAS_CHANGED"]
    # What changed nothing is no event.
    assert [each["details"]["customImages"] for each in told] == ["11 → 10", "0 → 11", "10 → 0"]
    assert {each["operation"] for each in told} == {"UpdateStudioQuotas"}


def test_a_studio_that_changes_keeps_its_quotas_as_they_are(world: World, studio_id: str) -> None:
    world.operator.call("UpdateStudio", studioId=studio_id, displayName="New")
    with pytest.raises(CallError) as caught:
        world.operator.call("UpdateStudioQuotas", studioId=studio_id, sessions=1)
    assert caught.value.name == "ConflictException"
    world.settle()
    world.operator.call("UpdateStudioQuotas", studioId=studio_id, sessions=1)
    assert of(world, studio_id)["displayName"] == "New"
