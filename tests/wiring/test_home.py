"""The home: who may look into it, one service at a time, and where its secret comes from."""

import dataclasses
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from soundstage.kit.config import ConfigError, Settings
from soundstage.resources.members import service as members
from soundstage.wiring.doors import ApiDoor
from soundstage.wiring.home import ServiceRunsError, has_service, is_founded, opened, prepare_home
from soundstage.wiring.service import Service


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o077, 0o022, 0o000])
def test_a_new_home_lets_workstations_through_and_nobody_look(
    settings: Settings, umask: int
) -> None:
    before = os.umask(umask)
    try:
        prepare_home(settings)
    finally:
        os.umask(before)
    assert mode(settings.home) == 0o711
    assert mode(settings.home / "keys") == 0o700
    assert mode(settings.home / "soundstage.sqlite") == 0o600


def test_a_home_that_is_there_keeps_its_mode_but_keys_are_closed(settings: Settings) -> None:
    (settings.home / "keys").mkdir(parents=True)
    settings.home.chmod(0o750)
    (settings.home / "keys").chmod(0o755)
    (settings.home / "soundstage.sqlite").touch(0o644)
    prepare_home(settings)
    assert [mode(settings.home), mode(settings.home / "keys")] == [0o750, 0o700]
    assert mode(settings.home / "soundstage.sqlite") == 0o600


def test_what_is_written_beside_the_database_is_closed_too(settings: Settings) -> None:
    service = Service(settings)
    service.prepare()
    files = [path for path in settings.home.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"soundstage.sqlite", "soundstage.sqlite-wal"}
    assert [str(path) for path in files if mode(path) & 0o077] == []
    service.close()


def test_a_home_is_founded_by_whoever_opens_it_and_by_nobody_who_looks(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    assert not is_founded(settings)
    assert not settings.home.exists()
    assert is_founded(Settings(home=settings.home, database_url="postgresql+psycopg://studio"))
    with opened(settings):
        assert is_founded(settings)


def test_a_home_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"SOUNDSTAGE_HOME: .*/file/home can't be used"):
        prepare_home(Settings(home=tmp_path / "file" / "home"))


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("database_url", "nonsense", "SOUNDSTAGE_DATABASE_URL: this is no address"),
        ("database_url", "cloud://me:hush@db", "SOUNDSTAGE_DATABASE_URL: this is no address"),
        (
            "database_url",
            "sqlite:////proc/none/hush.sqlite",
            "SOUNDSTAGE_DATABASE_URL: the database does not answer",
        ),
        ("trusted_proxies", ["proxy.example"], "SOUNDSTAGE_TRUSTED_PROXIES: proxy.example is no"),
        ("trusted_proxies", ["10.0.0.1/8"], "SOUNDSTAGE_TRUSTED_PROXIES: 10.0.0.1/8 is no"),
    ],
)
def test_a_setting_that_only_shows_here_is_named(
    settings: Settings, setting: str, value: Any, message: str
) -> None:
    wrong = dataclasses.replace(settings, **{setting: value})
    with pytest.raises(ConfigError) as caught:
        Service(wrong).prepare()
    assert str(caught.value).startswith(message)
    assert "hush" not in str(caught.value)


def test_one_service_a_home(settings: Settings) -> None:
    first, second = Service(settings), Service(settings)
    first.prepare()
    assert has_service(settings)
    with pytest.raises(ServiceRunsError, match=f"A service works with {settings.home} already"):
        second.prepare()
    first.close()
    assert not has_service(settings)
    second.prepare()
    second.close()


def test_the_command_line_reads_beside_a_running_service(settings: Settings) -> None:
    service = Service(settings)
    service.prepare()
    with opened(settings) as (database, seal), database.transaction() as transaction:
        anna = members.ensure_person(transaction, "anna", service.clock())
        key_id, secret = members.ensure_access_key(transaction, anna, seal, service.clock())
    found = ApiDoor(service).secret_of(key_id)
    assert found is not None
    assert found[0] == secret
    service.close()


def test_the_secret_may_come_from_a_command(settings: Settings) -> None:
    file = settings.home / "keys" / "installation"
    with opened(settings) as (_, seal):
        closed = seal.close("hush")
    kept = file.rename(settings.home / "vault")
    with pytest.raises(ConfigError, match="installation is gone"), opened(settings):
        pass
    vaulted = dataclasses.replace(settings, secret_command=f"cat {kept}")
    service = Service(vaulted)
    assert service.seal.open(closed) == "hush"
    service.close()
    assert not file.exists()


def test_a_key_file_beside_a_command_is_pointed_out(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    file = settings.home / "keys" / "installation"
    Service(settings).close()
    Service(dataclasses.replace(settings, secret_command=f"cat {file}")).close()
    said = capsys.readouterr().err
    assert "the key file is not needed beside the secret's command" in said
    assert file.read_text().strip() not in said


def test_a_key_file_that_others_may_read_is_one_sentence(settings: Settings) -> None:
    Service(settings).close()
    (settings.home / "keys" / "installation").chmod(0o640)
    for start in (lambda: Service(settings), lambda: opened(settings).__enter__()):
        with pytest.raises(ConfigError, match=r"Others may read .* Run: chmod 600 "):
            start()
