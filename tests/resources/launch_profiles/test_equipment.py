"""What components give to a workstation."""

import subprocess
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from soundstage.engines.interface import Account, Mount, MountKind, Reason
from soundstage.resources.components.model import StudioComponent
from soundstage.resources.launch_profiles.equipment import Equipment, equipment_of
from soundstage.testing.rows import component


def script(text: str, context: str = "SYSTEM", platform: str = "LINUX") -> dict[str, str]:
    return {"script": text, "platform": platform, "runContext": f"{context}_INITIALIZATION"}


def storage(name: str = "disk", subtype: str = "CUSTOM", **settings: str) -> StudioComponent:
    return component(
        name,
        subtype=subtype,
        type="SHARED_FILE_SYSTEM",
        configuration={"sharedFileSystemConfiguration": settings},
    )


def test_all_of_root_s_come_first_each_in_the_profile_s_order() -> None:
    two = component(
        "two", initialization_scripts=[script("c", "USER"), script("d"), script("w", "USER")]
    )
    one = component(initialization_scripts=[script("a", "USER"), script("b")])
    made = equipment_of([two, one])
    assert [(each.component, each.as_root, each.text) for each in made.scripts] == [
        ("two", True, "d"),
        ("one", True, "b"),
        ("two", False, "c"),
        ("two", False, "w"),
        ("one", False, "a"),
    ]


def test_scripts_for_others_run_nowhere() -> None:
    scripts = [script("w", platform="WINDOWS"), {"script": "x"}, {"platform": "LINUX"}]
    assert equipment_of([component(initialization_scripts=scripts)]).scripts == []


def test_parameters_are_variables_of_their_component_s_scripts_and_secret() -> None:
    value = "'; rm -rf /\n"
    parameters = [{"key": "TOKEN", "value": value}, {"key": "EMPTY"}, {"value": "none"}]
    made = equipment_of(
        [
            component(initialization_scripts=[script("a")], script_parameters=parameters),
            component("two", initialization_scripts=[script("b")]),
        ]
    )
    assert made.scripts[0].environment == {"TOKEN": value, "EMPTY": ""}
    assert value in made.scripts[0].secrets
    assert made.scripts[1].environment == {}
    assert made.environment == {}
    assert made.scripts[0].failure is Reason.SCRIPT


@pytest.mark.parametrize(
    ("settings", "subtype", "kind", "source"),
    [
        ({"shareName": "films"}, "CUSTOM", MountKind.FOLDER, "films"),
        ({"shareName": "/srv/films", "endpoint": ""}, "CUSTOM", MountKind.FOLDER, "/srv/films"),
        ({"shareName": "/films", "endpoint": "nas"}, "CUSTOM", MountKind.NFS, "nas:/films"),
        ({"shareName": "films", "endpoint": "nas"}, "CUSTOM", MountKind.SMB, "//nas/films"),
        (
            {"shareName": "/fsx", "endpoint": "nas"},
            "AMAZON_FSX_FOR_LUSTRE",
            MountKind.LUSTRE,
            "nas@tcp:/fsx",
        ),
    ],
)
def test_what_a_shared_file_system_is(
    settings: dict[str, str], subtype: str, kind: MountKind, source: str
) -> None:
    made = equipment_of([storage(subtype=subtype, linuxMountPoint="/mnt/x", **settings)])
    assert made.mounts == [Mount(component="disk", kind=kind, source=source, target="/mnt/x")]


def test_what_has_no_place_or_no_meaning_here_is_not_mounted() -> None:
    without = [
        storage(shareName="films"),
        storage(shareName="films", linuxMountPoint=""),
        storage(shareName="share", fileSystemId="fs-1", linuxMountPoint="/mnt/x"),
        storage(linuxMountPoint="/mnt/x"),
    ]
    assert equipment_of(without).mounts == []


def test_who_asks_an_smb_server_is_in_the_parameters() -> None:
    disk = storage(shareName="films", endpoint="nas", linuxMountPoint="/mnt/x")
    parameters = [
        {"key": "SMB_USER", "value": "ann"},
        {"key": "SMB_PASSWORD", "value": "opensesame"},
        {"key": "SMB_DOMAIN", "value": "STUDIO"},
    ]
    asked = msgspec.structs.replace(
        disk, script_parameters=component(script_parameters=parameters).script_parameters
    )
    (mount,) = equipment_of([asked]).mounts
    assert mount.account == Account(user="ann", password="opensesame", domain="STUDIO")
    assert equipment_of([disk]).mounts[0].account is None


def test_licences_are_variables_of_the_whole_workstation() -> None:
    made = equipment_of(
        [
            component(
                "Nuke",
                type="LICENSE_SERVICE",
                configuration={"licenseServiceConfiguration": {"endpoint": "lic"}},
            )
        ]
    )
    assert made.environment == {"foundry_LICENSE": "4101@lic"}
    assert made.scripts == []


def test_deadline_gets_its_file_by_a_script_of_root() -> None:
    farm = component(
        "Deadline",
        type="COMPUTE_FARM",
        configuration={"computeFarmConfiguration": {"endpoint": "rcs"}},
        initialization_scripts=[script("own")],
    )
    made = equipment_of([farm])
    assert [each.as_root for each in made.scripts] == [True, True]
    assert "deadline.ini" in made.scripts[0].text
    assert made.scripts[1].text == "own"


def directory(**members: Any) -> StudioComponent:
    return component(
        "Domain",
        type="ACTIVE_DIRECTORY",
        configuration={"activeDirectoryConfiguration": members},
        script_parameters=[{"key": "AD_PASSWORD", "value": "opensesame"}],
    )


def test_a_directory_is_joined_by_root_and_its_failure_has_a_name() -> None:
    (join,) = equipment_of([directory(directoryId="studio.example")]).scripts
    assert join.as_root
    assert join.failure is Reason.DIRECTORY
    assert "opensesame" not in join.text
    assert join.secrets == ["opensesame"]
    assert equipment_of([directory()]).scripts == []


def test_the_words_of_realm_can_not_be_more_than_they_seem(tmp_path: Any) -> None:
    unit = "OU=it's $(touch made),DC=x"
    (join,) = equipment_of(
        [directory(directoryId="a'b$(id)", organizationalUnitDistinguishedName=unit)]
    ).scripts
    stand_in = tmp_path / "realm"
    stand_in.write_text('#!/bin/sh\nfor word; do echo "<$word>"; done\n[ "$1" = list ] || cat\n')
    stand_in.chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", "-c", join.text],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", **join.environment, "AD_USER": "joiner"},
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert done.stdout.splitlines() == [
        "<join>",
        "<--unattended>",
        f"<--computer-ou={unit}>",
        "<--user=joiner>",
        "<-->",
        "<a'b$(id)>",
        "opensesame",
    ]
    assert not (tmp_path / "made").exists()


def test_a_start_may_take_as_long_as_its_scripts() -> None:
    scripts = [script("a"), script("b", "USER")]
    made = equipment_of([component(initialization_scripts=scripts)])
    assert made.may_take(600) == timedelta(minutes=20)
    assert Equipment().may_take(600) == timedelta(0)
    disk = storage(shareName="films", linuxMountPoint="/mnt/x")
    assert timedelta(0) < equipment_of([disk]).may_take(600) <= timedelta(minutes=1)
