"""Components that no workstation could use are refused when they are made."""

from pathlib import Path
from typing import Any

import pytest

from soundstage.testing.world import World

STORAGE = {"linuxMountPoint": "/mnt/films"}


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    (tmp_path / "disk" / "films" / "show").mkdir(parents=True)
    (tmp_path / "disk" / "out").symlink_to("/etc")
    (tmp_path / "disk" / "films" / "link").symlink_to("show")
    return tmp_path / "disk"


@pytest.fixture
def settings(disk: Path) -> dict[str, Any]:
    return {"shared_folders": [f"films={disk}/films", f"{disk}:ro"]}


def storage(**members: str) -> dict[str, Any]:
    return {
        "type": "SHARED_FILE_SYSTEM",
        "configuration": {"sharedFileSystemConfiguration": {**STORAGE, **members}},
    }


def make(world: World, studio_id: str, **members: Any) -> dict[str, Any]:
    made: dict[str, Any] = world.operator.call(
        "CreateStudioComponent", studioId=studio_id, name="n", **members
    )["studioComponent"]
    world.settle()
    return made


def test_folders_that_the_operator_allowed(world: World, studio_id: str, disk: Path) -> None:
    for share in ("films", "films/show", f"{disk}/films", f"{disk}/films/show"):
        assert make(world, studio_id, **storage(shareName=share))["studioComponentId"]


@pytest.mark.parametrize(
    "share",
    [
        "/etc",
        "{disk}/../x",
        "{disk}/out",
        "{disk}/films/link",
        "films/missing",
        "other",
        "films/..",
    ],
)
def test_other_folders_are_refused_and_the_allowed_named(
    studio_id: str, disk: Path, refused: Any, share: str
) -> None:
    given = storage(shareName=share.format(disk=disk))
    name, message = refused("CreateStudioComponent", studioId=studio_id, name="n", **given)
    assert name == "ValidationException"
    assert f"films ({disk}/films)" in message
    assert "read-only" in message


def test_a_change_is_checked_like_a_new_one(world: World, studio_id: str, refused: Any) -> None:
    made = make(world, studio_id, **storage(shareName="films"))
    ids = {"studioId": studio_id, "studioComponentId": made["studioComponentId"]}
    name, _ = refused("UpdateStudioComponent", **ids, **storage(shareName="/etc"))
    assert name == "ValidationException"
    world.operator.call("UpdateStudioComponent", **ids, name="other")
    world.settle()


@pytest.mark.parametrize("place", ["/etc", "/usr/local", "/", "$HOME", "/mnt/../etc", "/run/x"])
def test_nothing_covers_the_system(studio_id: str, refused: Any, place: str) -> None:
    given = storage(shareName="films", linuxMountPoint=place)
    name, message = refused("CreateStudioComponent", studioId=studio_id, name="n", **given)
    assert name == "ValidationException"
    assert "linuxMountPoint must be" in message


@pytest.mark.parametrize(
    "members",
    [
        {"endpoint": "nas,uid=0", "shareName": "films"},
        {"endpoint": "nas", "shareName": "films,uid=0"},
        {"endpoint": "nas x", "shareName": "/films"},
        {"endpoint": "nas", "shareName": "/films\nx"},
    ],
)
def test_no_option_can_be_slipped_into_a_share(
    studio_id: str, refused: Any, members: dict[str, str]
) -> None:
    given = storage(**members)
    name, message = refused("CreateStudioComponent", studioId=studio_id, name="n", **given)
    assert (name, "can't hold" in message) == ("ValidationException", True)


@pytest.mark.parametrize(
    "members",
    [
        {"endpoint": "nas.example", "shareName": "films"},
        {"endpoint": "nas", "shareName": "/films"},
        {"fileSystemId": "fs-12345678", "shareName": "share"},
        {"linuxMountPoint": "", "shareName": "films"},
    ],
)
def test_what_the_public_service_took_is_taken(
    world: World, studio_id: str, members: dict[str, str]
) -> None:
    assert make(world, studio_id, **storage(**members))["studioComponentId"]


@pytest.mark.parametrize(
    ("kind", "member"), [("LICENSE_SERVICE", "licenseService"), ("COMPUTE_FARM", "computeFarm")]
)
def test_an_address_is_one_address(
    world: World, studio_id: str, refused: Any, kind: str, member: str
) -> None:
    def given(endpoint: str) -> dict[str, Any]:
        return {"type": kind, "configuration": {f"{member}Configuration": {"endpoint": endpoint}}}

    assert make(world, studio_id, **given("5053@lic.example"))["studioComponentId"]
    name, message = refused(
        "CreateStudioComponent", studioId=studio_id, name="n", **given("lic\nPATH=/x")
    )
    assert (name, f"{member}Configuration.endpoint must be" in message) == (
        "ValidationException",
        True,
    )
