"""The installation's secret: made once, kept private, and never confused between purposes."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from soundstage.kit.crypto import InstallationSecret, KeyFileError, SealError, ensure_secret


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
    with pytest.raises(KeyFileError, match="chmod 600"):
        ensure_secret(path)


@pytest.mark.parametrize("text", [b"", b"short", b"\xff\xfe", b"A" * 2000])
def test_a_file_that_is_no_key_is_refused_and_left_alone(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "installation.key"
    path.write_bytes(text)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="not a key file"):
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
