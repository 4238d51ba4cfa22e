"""The words for those who mount; that it works is shown with real workstations."""

import os
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from soundstage.engines.sandbox.holding import attaching
from soundstage.engines.sandbox.holding.attaching import (
    AttachError,
    kernel_command,
    program_command,
    program_environment,
)

IDS = {"uid": 777, "gid": 888}
ACCOUNT = {"user": "ann", "password": "open,sesame", "domain": "STUDIO"}
NFS = {"kind": "NFS", "source": "nas:/renders", "read_only": False, "account": None}
SMB = {"kind": "SMB", "source": "//nas:4450/films/a", "read_only": False, "account": ACCOUNT}


def options_of(command: list[str]) -> set[str]:
    return set(command[command.index("-o") + 1].split(","))


def test_nfs_waits_for_a_server_that_is_gone_and_brings_no_rights() -> None:
    command = kernel_command(NFS, "/mnt/0", IDS)
    assert command[:3] == ["mount", "-t", "nfs"]
    assert {"rw", "hard", "nosuid", "nodev", "vers=4", "retry=0"} <= options_of(command)
    assert command[-3:] == ["--", "nas:/renders", "/mnt/0"]


def test_smb_belongs_to_the_artist() -> None:
    command = kernel_command(SMB, "/mnt/0", IDS)
    wanted = {"uid=777", "gid=888", "forceuid", "nosuid", "username=ann", "domain=STUDIO"}
    assert wanted <= options_of(command)
    assert "port=4450" in options_of(command)
    assert command[-3:] == ["--", "//nas/films/a", "/mnt/0"]
    assert "guest" in options_of(kernel_command({**SMB, "account": None}, "/mnt/0", IDS))


@pytest.mark.parametrize("share", [NFS, SMB])
def test_read_only_is_an_option(share: dict[str, object]) -> None:
    options = options_of(kernel_command({**share, "read_only": True}, "/mnt/0", IDS))
    assert "ro" in options
    assert "rw" not in options


def test_rclone_learns_the_server_and_the_account_by_its_environment() -> None:
    command = program_command({**SMB, "read_only": True}, "/mnt/0")
    assert command[:4] == ["rclone", "mount", ":smb:films/a", "/mnt/0"]
    assert "--read-only" in command
    assert "--read-only" not in program_command(SMB, "/mnt/0")
    environment = program_environment(SMB, "hidden", "/cache")
    assert environment["RCLONE_SMB_HOST"] == "nas"
    assert environment["RCLONE_SMB_PORT"] == "4450"
    assert environment["RCLONE_SMB_USER"] == "ann"
    assert environment["RCLONE_SMB_PASS"] == "hidden"
    assert environment["RCLONE_SMB_DOMAIN"] == "STUDIO"
    guest = program_environment({**SMB, "account": None, "source": "//nas/x"}, "", "/cache")
    assert (guest["RCLONE_SMB_USER"], guest["RCLONE_SMB_PORT"]) == ("guest", "445")


def test_no_password_stands_on_a_command_line() -> None:
    words = [*kernel_command(SMB, "/mnt/0", IDS), *program_command(SMB, "/mnt/0")]
    assert "open,sesame" not in " ".join(words)


def test_a_link_laid_in_a_share_after_the_check_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "top" / "show").mkdir(parents=True)
    (tmp_path / "secret").mkdir()
    share = {"top": str(tmp_path / "top"), "below": "show"}
    os.close(attaching._open_beneath(share))
    (tmp_path / "top" / "show").rmdir()
    (tmp_path / "top" / "show").symlink_to(tmp_path / "secret")
    with pytest.raises(AttachError, match="without a link"):
        attaching._open_beneath(share)


def test_a_server_that_does_not_answer_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eventually: Callable[..., None]
) -> None:
    # As `mount` does, it has another program do it.
    words = ["sh", "-c", f"sleep 60 & echo $! >{tmp_path}/pid; wait"]
    monkeypatch.setattr(attaching, "kernel_command", lambda *_: words)
    monkeypatch.setattr(attaching, "WITHIN_SECONDS", 1)
    with pytest.raises(AttachError, match="nas:/renders did not answer within 1 s"):
        attaching.attach_early({**NFS, "client": "kernel"}, str(tmp_path), IDS)
    pid = int((tmp_path / "pid").read_text())

    def has_ended() -> bool:
        try:
            return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    eventually(has_ended)


def test_what_the_mount_program_says_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hint = "echo 'Refer to the mount.cifs(8) manual page (e.g. man mount.cifs)' >&2"
    words = ["sh", "-c", f"echo first >&2; echo access denied >&2; {hint}; exit 32"]
    monkeypatch.setattr(attaching, "kernel_command", lambda *_: words)
    with pytest.raises(AttachError, match="nas:/renders can't be mounted: access denied"):
        attaching.attach_early({**NFS, "client": "kernel"}, str(tmp_path), IDS)
