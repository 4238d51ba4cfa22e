"""The scripts of a workstation: which, in which order, and what stands in them."""

import subprocess
from pathlib import Path

import msgspec
import pytest

from soundstage.resources.components.model import (
    LaunchProfilePlatform,
    ScriptParameterKeyValue,
    StudioComponent,
)
from soundstage.resources.launch_profiles.initialization import (
    Initialization,
    initialization_of,
    powershell_quoted,
    with_parameters,
)
from soundstage.testing.rows import component

VERSION = "2021-03-31"
LINUX, WINDOWS = LaunchProfilePlatform.LINUX, LaunchProfilePlatform.WINDOWS
NASTY = ["it's", "$(id)", "`id`", "a\nb", '"', "\\", "' ; exit 1 ; '", "\u2019; exit", "-n", "~"]


def script(text: str, **more: str) -> dict[str, str]:
    return {
        "script": text,
        "platform": "LINUX",
        "runContext": "SYSTEM_INITIALIZATION",
        "launchProfileProtocolVersion": VERSION,
        **more,
    }


def storage(name: str = "disk", subtype: str = "CUSTOM", **settings: str) -> StudioComponent:
    return component(
        name,
        type="SHARED_FILE_SYSTEM",
        subtype=subtype,
        configuration={"sharedFileSystemConfiguration": settings},
    )


def texts(made: Initialization) -> list[str]:
    return [each.text for each in made.scripts]


def test_scripts_are_those_of_the_platform_in_the_profile_s_order() -> None:
    two = component(
        "two",
        initialization_scripts=[
            script("a"),
            script("on windows", platform="WINDOWS"),
            script("b", runContext="USER_INITIALIZATION"),
            {"script": "without a platform", "runContext": "SYSTEM_INITIALIZATION"},
            {"script": "as nobody", "platform": "LINUX"},
        ],
    )
    any_version = script("c")
    del any_version["launchProfileProtocolVersion"]
    one = component("one", initialization_scripts=[any_version])
    assert texts(initialization_of([two, one], LINUX, VERSION)) == ["a", "b", "c"]
    assert texts(initialization_of([one, two], LINUX, VERSION)) == ["c", "a", "b"]
    assert texts(initialization_of([one, two], WINDOWS, VERSION)) == ["on windows"]
    assert texts(initialization_of([one, two], LINUX, "2030-01-01")) == ["c"]


def test_security_groups_are_everybody_s_each_once() -> None:
    given = [
        component("one", ec2_security_group_ids=["b", "a"]),
        component("two", ec2_security_group_ids=["a", "c"]),
    ]
    assert initialization_of(given, LINUX, VERSION).ec2_security_group_ids == ["b", "a", "c"]


@pytest.mark.parametrize("value", NASTY)
def test_a_shell_sees_a_parameter_s_value_as_it_was_typed(value: str) -> None:
    parameters = [ScriptParameterKeyValue(key="KEY", value=value)]
    text = with_parameters("printf '%s' \"$KEY\"", parameters, LINUX)
    shown = subprocess.run(["sh", "-c", text], check=True, capture_output=True, text=True)
    assert shown.stdout == value


def test_parameters_are_exported_to_what_a_script_starts() -> None:
    parameters = [
        ScriptParameterKeyValue(key="ONE", value="1"),
        ScriptParameterKeyValue(key="EMPTY"),
        ScriptParameterKeyValue(value="without a key"),
    ]
    assert with_parameters("x", parameters, LINUX) == "export ONE='1'\nexport EMPTY=''\nx"
    assert with_parameters("x", [], LINUX) == "x"


def test_the_line_that_names_the_interpreter_stays_the_first() -> None:
    parameters = [ScriptParameterKeyValue(key="KEY", value="v")]
    text = with_parameters("#!/bin/bash\necho", parameters, LINUX)
    assert text == "#!/bin/bash\nexport KEY='v'\necho"
    assert with_parameters("#!/bin/bash", parameters, LINUX) == "#!/bin/bash\nexport KEY='v'\n"


def test_powershell_takes_five_signs_for_an_apostrophe() -> None:
    assert powershell_quoted("a'b\u2019c\u201a") == "'a''b\u2019\u2019c\u201a\u201a'"
    assert powershell_quoted('$x `n "q"') == "'$x `n \"q\"'"
    parameters = [ScriptParameterKeyValue(key="KEY", value="it's")]
    assert with_parameters("x", parameters, WINDOWS) == (
        "$env:KEY = 'it''s'\n"
        "Set-Variable -Name 'KEY' -Value 'it''s' -ErrorAction SilentlyContinue\nx"
    )


@pytest.mark.parametrize(
    ("subtype", "settings", "command"),
    [
        ("CUSTOM", {"shareName": "/films"}, "mount -t nfs -o hard -- 'nas:/films'"),
        ("CUSTOM", {"shareName": "films"}, "mount -t cifs -o guest -- '//nas/films'"),
        (
            "AMAZON_FSX_FOR_LUSTRE",
            {"shareName": "/films"},
            "mount -t lustre -o relatime,flock -- 'nas@tcp:/films'",
        ),
    ],
)
def test_storage_is_mounted_before_the_component_s_own_scripts(
    subtype: str, settings: dict[str, str], command: str
) -> None:
    disk = storage(subtype=subtype, endpoint="nas", linuxMountPoint="/mnt/films", **settings)
    disk = msgspec.structs.replace(
        disk,
        initialization_scripts=component(
            initialization_scripts=[script("own")]
        ).initialization_scripts,
    )
    mount, own = texts(initialization_of([disk], LINUX, VERSION))
    assert command in mount
    assert own == "own"


@pytest.mark.parametrize(
    ("mount_point", "expected"),
    [("/mnt/it's;x", "/mnt/it's;x"), ("$HOME/films", "{home}/films"), ("$HOME/$x", "{home}/$x")],
)
def test_a_mount_script_runs_and_runs_again(
    tmp_path: Path, mount_point: str, expected: str
) -> None:
    """With programs in place of the system's that write down what they are given."""
    for name, body in {
        "mount": 'printf "%s\\n" "$@" >> "$LOG"; touch "$LOG.mounted"',
        "mkdir": "exit 0",
        "mountpoint": 'test -e "$LOG.mounted"',
    }.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
    disk = storage(endpoint="nas'$x", shareName="/a b", linuxMountPoint=mount_point)
    (text,) = texts(initialization_of([disk], LINUX, VERSION))
    environment = {
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "LOG": str(tmp_path / "log"),
        "HOME": str(tmp_path),
    }
    for _ in range(2):
        subprocess.run(["sh", "-ec", text], check=True, env=environment)
    given = (tmp_path / "log").read_text().splitlines()
    target = expected.format(home=tmp_path)
    assert given == ["-t", "nfs", "-o", "hard", "--", "nas'$x:/a b", target]


def test_a_directory_s_members_mount_with_their_own_tickets() -> None:
    directory = component(
        "directory",
        type="ACTIVE_DIRECTORY",
        configuration={"activeDirectoryConfiguration": {"directoryId": "d-1"}},
    )
    disk = storage(endpoint="nas", shareName="films", linuxMountPoint="/films")
    made = initialization_of([disk, directory], LINUX, VERSION)
    assert made.directory == directory
    assert "-o sec=krb5,multiuser" in texts(made)[0]
    assert initialization_of([disk], LINUX, VERSION).directory is None


def test_a_drive_is_connected_by_the_user() -> None:
    disk = storage(endpoint="nas", shareName="it's", windowsMountDrive="Z", linuxMountPoint="/z")
    (mount,) = initialization_of([disk], WINDOWS, VERSION).scripts
    assert mount.run_context == "USER_INITIALIZATION"
    assert "New-SmbMapping -LocalPath 'Z:' -RemotePath '\\\\nas\\it''s'" in mount.text


@pytest.mark.parametrize(
    "settings",
    [
        {"endpoint": "nas", "shareName": "films", "windowsMountDrive": "Z"},
        {"endpoint": "nas", "shareName": "films", "linuxMountPoint": ""},
        {"fileSystemId": "fs-1", "shareName": "films", "linuxMountPoint": "/films"},
    ],
)
def test_what_has_no_place_or_no_address_is_not_mounted(settings: dict[str, str]) -> None:
    assert initialization_of([storage(**settings)], LINUX, VERSION).scripts == []
