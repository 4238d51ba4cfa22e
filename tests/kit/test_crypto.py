"""The installation's secret: made once, kept private, and never confused between purposes."""

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from soundstage.kit.crypto import (
    InstallationSecret,
    SealError,
    SecretError,
    ensure_secret,
    open_secret,
)

ROOT = b"r" * 32
"""A root whose base64 is the same in both alphabets."""


def test_the_key_file_is_made_private_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "installation.key"
    first = ensure_secret(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ensure_secret(path).derive("x") == first.derive("x")
    assert [item.name for item in path.parent.iterdir()] == ["installation.key"]


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    path = tmp_path / "installation.key"
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: ensure_secret(path).derive("x"), range(64)))
    assert len(keys) == 1
    assert [item.name for item in tmp_path.iterdir()] == ["installation.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "installation.key"
    ensure_secret(path)
    path.chmod(mode)
    with pytest.raises(SecretError, match="chmod 600"):
        ensure_secret(path)


@pytest.mark.parametrize("text", [b"", b"short", b"\xff\xfe", b"A" * 2000])
def test_a_file_that_is_no_key_is_refused_and_left_alone(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "installation.key"
    path.write_bytes(text)
    path.chmod(0o600)
    with pytest.raises(SecretError, match="not a key file"):
        ensure_secret(path)
    assert path.read_bytes() == text


def test_each_purpose_has_its_own_key() -> None:
    secret = InstallationSecret(b"r" * 32)
    assert secret.derive("pages") != secret.derive("tickets")
    assert secret.derive("pages") == InstallationSecret(b"r" * 32).derive("pages")
    assert secret.derive("pages") != InstallationSecret(b"s" * 32).derive("pages")
    assert len(secret.derive("pages")) == 32


def test_the_secret_does_not_show_itself() -> None:
    assert "r" * 8 not in repr(InstallationSecret(b"r" * 32))
    with pytest.raises(ValueError, match="32 bytes"):
        InstallationSecret(b"short")


def test_a_seal_opens_what_it_closed_and_nothing_else() -> None:
    secret = InstallationSecret(b"r" * 32)
    seal = secret.seal_for("access-keys")
    closed = seal.close("wJalr")
    assert seal.open(closed) == "wJalr"
    assert "wJalr" not in closed
    assert seal.close("wJalr") != closed
    for stranger, text in (
        (secret.seal_for("backups"), closed),
        (seal, closed[:-4] + "AAA="),
        (seal, "nonsense"),
    ):
        with pytest.raises(SealError):
            stranger.open(text)


# ---- a home's secret, in a file or a vault -------------------------------------------------------


def printing(text: bytes) -> str:
    return f"printf %s '{text.decode('ascii')}'"


def refusal(folder: Path, command: str = "") -> str:
    with pytest.raises(SecretError) as caught:
        open_secret(folder, command)
    return str(caught.value)


def test_a_new_home_makes_a_file_and_a_fingerprint(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    secret = open_secret(folder)
    assert sorted(item.name for item in folder.iterdir()) == ["fingerprint", "installation"]
    assert {stat.S_IMODE(item.stat().st_mode) for item in folder.iterdir()} == {0o600}
    assert open_secret(folder).derive("x") == secret.derive("x")
    kept = (folder / "installation").read_bytes().strip()
    assert kept not in (folder / "fingerprint").read_bytes()


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_command_may_give_the_secret_in_either_base64(tmp_path: Path, encode: Any) -> None:
    root = b"\xfb\xff" * 16
    secret = open_secret(tmp_path, printing(encode(root)))
    assert secret.derive("x") == InstallationSecret(root).derive("x")
    assert [item.name for item in tmp_path.iterdir()] == ["fingerprint"]


def test_a_secret_moves_from_its_file_into_a_vault(tmp_path: Path) -> None:
    first = open_secret(tmp_path)
    command = printing((tmp_path / "installation").read_bytes().strip())
    assert open_secret(tmp_path, command).derive("x") == first.derive("x")
    (tmp_path / "installation").unlink()
    assert open_secret(tmp_path, command).derive("x") == first.derive("x")
    assert "installation is gone" in refusal(tmp_path)
    assert not (tmp_path / "installation").exists()


def test_a_home_takes_no_other_secret_than_its_own(tmp_path: Path) -> None:
    command = printing(base64.b64encode(ROOT))
    open_secret(tmp_path)
    assert "it prints another secret than the one in" in refusal(tmp_path, command)
    (tmp_path / "installation").unlink()
    assert "This is not the secret that" in refusal(tmp_path, command)
    ensure_secret(tmp_path / "installation")
    assert "This is not the secret that" in refusal(tmp_path)


def test_a_file_that_others_may_read_is_refused_beside_a_command_too(tmp_path: Path) -> None:
    command = printing(base64.b64encode(ROOT))
    file = tmp_path / "installation"
    file.write_bytes(base64.b64encode(ROOT))
    file.chmod(0o644)
    assert refusal(tmp_path, command) == f"Others may read {file}. Run: chmod 600 {file}"


NO_SECRET = "it prints no secret, which is 32 bytes in base64."


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("sh -c 'echo hush; exit 3'", "it ended with exit code 3."),
        ("/nowhere/vault", "its program can't be started (No such file or directory)."),
        ("true", NO_SECRET),
        ("echo hush", NO_SECRET),
        (
            printing(base64.b64encode(b"r" * 31)),
            NO_SECRET,
        ),
        (
            printing(base64.b64encode(ROOT) + b"\n" + base64.b64encode(ROOT)),
            NO_SECRET,
        ),
        ("cat /dev/zero", "it prints more than 1024 bytes."),
    ],
)
def test_a_command_that_gives_no_secret_is_named_by_its_setting(
    tmp_path: Path, command: str, reason: str
) -> None:
    assert refusal(tmp_path, command) == f"SOUNDSTAGE_SECRET_COMMAND: {reason}"
    assert list(tmp_path.iterdir()) == []
