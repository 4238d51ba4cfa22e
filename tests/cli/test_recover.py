"""The recovery key is written once and privately, and only an empty home is filled from a store."""

import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from soundstage.cli import recover
from soundstage.engines.interface import EngineError
from soundstage.engines.repository import checking
from soundstage.engines.repository.backups import Repository
from soundstage.engines.repository.stores import folder_store
from soundstage.kit.config import ConfigError, Settings, load
from soundstage.testing.walks import Studio
from soundstage.testing.world import world


class Lost:
    """What is left of a machine: a store with its studio in it, and a key."""

    def __init__(self, folder: Path) -> None:
        home = folder / "old"
        self.store = folder / "store"
        self.key = folder / "recovery.key"
        with world(home) as made:
            studio = Studio(made)
            self.session = studio.launch()
            made.service.database.copy_to(folder / "copy")
            settings = replace(made.settings, backup_repository=str(self.store))
            repository = Repository(
                folder_store(self.store), home / "keys" / "backups", home / "state"
            )
            with (folder / "copy").open("rb") as content:
                checking.keep_studio(repository, content)
            recover.export_key(settings, self.key)
        shutil.rmtree(home)


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Lost:
    return Lost(tmp_path_factory.mktemp("lost"))


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings(home=home / "new", stream_environment=home / "none")


def test_a_studio_comes_back_and_the_service_finds_its_store(
    lost: Lost, settings: Settings
) -> None:
    found = recover.recover(settings, lost.key)
    assert found.sessions.without_backup == [lost.session["sessionId"]]
    with sqlite3.connect(settings.home / "soundstage.sqlite") as database:
        assert database.execute("SELECT state FROM sessions").fetchall() == [("STOPPED",)]
    database.close()
    for name in ("backups", "installation"):
        assert (settings.home / "keys" / name).stat().st_mode & 0o777 == 0o600
    environment = {"SOUNDSTAGE_HOME": str(settings.home)}
    assert load(environment).backup_repository == str(lost.store)
    with pytest.raises(ConfigError, match="a studio lives here already"):
        recover.recover(settings, lost.key)


def without(key: Path, folder: Path, change: Callable[[str], str]) -> Path:
    changed = folder / "changed.key"
    changed.write_text(change(key.read_text()))
    return changed


def test_what_fails_leaves_a_home_that_can_be_tried_again(
    lost: Lost, settings: Settings, home: Path
) -> None:
    gone = without(lost.key, home, lambda text: text.replace("/store", "/elsewhere"))
    with pytest.raises(EngineError, match="no repository"):
        recover.recover(settings, gone)
    wrong = without(lost.key, home, lambda text: text.replace('password = "', 'password = "x'))
    with pytest.raises(EngineError, match="does not open what is in"):
        recover.recover(settings, wrong)
    assert recover.recover(settings, lost.key).sessions.with_backup == 0


@pytest.mark.parametrize("text", ["secret-but-no-key", "password = 5", 'other = "secret-key"'])
def test_what_is_no_key_is_not_repeated(text: str, settings: Settings, home: Path) -> None:
    (home / "key").write_text(text)
    with pytest.raises(ConfigError, match="is no recovery key") as raised:
        recover.recover(settings, home / "key")
    assert "secret" not in str(raised.value)
    with pytest.raises(ConfigError, match="can't be read"):
        recover.recover(settings, home / "none")


def test_a_secret_that_a_command_gave_is_asked_for(
    lost: Lost, settings: Settings, home: Path
) -> None:
    key = without(
        lost.key, home, lambda text: text.partition("installation")[0] + 'installation = ""\n'
    )
    with pytest.raises(ConfigError, match="SOUNDSTAGE_SECRET_COMMAND"):
        recover.recover(settings, key)


def test_another_database_than_a_file_is_not_ours_to_bring_back(
    lost: Lost, settings: Settings
) -> None:
    with pytest.raises(ConfigError, match="own tools"):
        recover.recover(replace(settings, database_url="postgresql+psycopg:///x"), lost.key)


def test_a_key_is_private_and_never_written_over(settings: Settings, home: Path) -> None:
    with pytest.raises(ConfigError, match="no key yet"):
        recover.export_key(settings, home / "key")
    (settings.home / "keys").mkdir(parents=True)
    (settings.home / "keys" / "backups").write_text("password")
    (settings.home / "keys" / "installation").write_text("root\n")
    recover.export_key(settings, home / "key")
    assert (home / "key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConfigError, match="File exists"):
        recover.export_key(settings, home / "key")
    recover.export_key(replace(settings, secret_command="vault"), home / "other")
    assert "root" not in (home / "other").read_text()
