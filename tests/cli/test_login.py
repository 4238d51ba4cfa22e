"""Studios elsewhere: written by `login`, spoken to by `--profile`, told by `whoami`."""

import json
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from soundstage.cli.launch import OwnClient, client_of
from soundstage.kit.config import Settings

Typed = Any


@pytest.fixture
def anna(running: Settings) -> OwnClient:
    with closing(client_of(running, "anna")) as client:
        # While it is open: it is asked for once.
        assert client.principal_id
        return client


@pytest.fixture
def secret(anna: OwnClient, tmp_path: Path) -> Path:
    """Give a file with anna's secret key."""
    file = tmp_path / "key"
    file.write_text(anna._credentials.secret_key + "\n")
    file.chmod(0o600)
    return file


def options(anna: OwnClient, *more: str) -> list[str]:
    return ["--address", f"{anna.address}/", "--access-key-id", anna.access_key_id, *more]


def test_a_profile_is_written_and_used(
    typed: Typed, anna: OwnClient, secret: Path, tmp_path: Path, running: Settings
) -> None:
    file = tmp_path / "profiles" / "config.toml"
    where = {"SOUNDSTAGE_PROFILES": str(file)}
    said = typed(
        "login",
        "film",
        *options(anna, "--secret-file", str(secret)),
        **where,
    ).stdout
    assert said == f"Wrote film to {file}. Use it with --profile film.\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert secret.read_text().strip() not in file.read_text()
    shown = json.loads(typed("whoami", "--output", "json", "--profile", "film", **where).stdout)
    assert shown == {
        "from": "profile film",
        "address": anna.address,
        "accessKeyId": anna.access_key_id,
        "isAccepted": True,
        "isOperator": False,
        "name": "anna",
        "principalId": anna.principal_id,
        "studios": [],
    }
    assert f"home {running.home}" in typed("whoami", **where).stdout
    named = {**where, "SOUNDSTAGE_PROFILE": "film"}
    assert "profile film" in typed("whoami", **named).stdout
    assert "home" in typed("whoami", "--profile", "home", **named).stdout
    typed("login", "film", *options(anna, "--secret-file", str(secret), "--default"), **where)
    assert "profile film" in typed("whoami", **where).stdout


def test_what_is_asked_for_may_be_typed(
    typed: Typed, anna: OwnClient, secret: Path, tmp_path: Path
) -> None:
    where = {"SOUNDSTAGE_PROFILES": str(tmp_path / "config.toml")}
    answers = f"{anna.address}\n{anna.access_key_id}\n"
    typed("login", "asked", "--secret-command", f"cat {secret}", typed=answers, **where)
    assert "profile asked" in typed("whoami", "--profile", "asked", **where).stdout


def test_a_path_is_written_whole(
    typed: Typed, anna: OwnClient, secret: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = {"SOUNDSTAGE_PROFILES": str(tmp_path / "config.toml")}
    monkeypatch.chdir(secret.parent)
    typed("login", "film", *options(anna, "--secret-file", secret.name), **where)
    assert f'file = "{secret}"' in (tmp_path / "config.toml").read_text()


def test_what_can_not_work_is_not_written(
    typed: Typed, anna: OwnClient, secret: Path, tmp_path: Path
) -> None:
    file = tmp_path / "config.toml"
    where = {"SOUNDSTAGE_PROFILES": str(file)}
    said = typed("login", "film", *options(anna), code=2, **where).stderr
    assert "one of --secret-file" in said
    said = typed("login", "home", *options(anna, "--secret-file", str(secret)), code=2).stderr
    assert "always means this machine" in said
    wrong = options(anna, "--secret-env", "OTHER_SECRET")
    said = typed("login", "film", *wrong, code=4, OTHER_SECRET="no" * 20, **where).stderr
    assert "The key is refused" in said
    assert "no" * 20 not in said
    secret.chmod(0o644)
    said = typed("login", "f", *options(anna, "--secret-file", str(secret)), code=2, **where).stderr
    assert f"chmod 600 {secret}" in said
    nowhere = ["--address", "http://127.0.0.1:1", "--access-key-id", "A", "--secret-env", "HOME"]
    assert "does not answer" in typed("login", "film", *nowhere, code=7, **where).stderr
    assert not file.exists()
    typed("login", "film", *nowhere, "--no-check", **where)
    assert "does not answer" in typed("ls", "--profile", "film", code=7, **where).stderr
    said = typed("login", "f", "--address", "studio", *nowhere[2:], "--no-check", code=2, **where)
    assert "address" in said.stderr


def test_a_key_that_is_refused_is_told(typed: Typed, anna: OwnClient) -> None:
    told = typed(
        "whoami",
        code=4,
        AWS_ENDPOINT_URL_NIMBLE=anna.address,
        AWS_ACCESS_KEY_ID=anna.access_key_id,
        AWS_SECRET_ACCESS_KEY="wrong",
    ).stdout
    assert "the environment (AWS_ENDPOINT_URL_NIMBLE)" in told
    assert "isAccepted   False" in told
