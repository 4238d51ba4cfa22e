"""One transaction for one command."""

import dataclasses
from pathlib import Path

import pytest

from soundstage.cli.desk import desk_of
from soundstage.kit.config import ConfigError, Settings
from soundstage.resources.members import service as members


def test_a_command_that_fails_does_nothing(settings: Settings) -> None:
    def fail_after_a_change() -> None:
        with desk_of(settings) as desk:
            members.ensure_person(desk.transaction, "anna", desk.now)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_a_change()
    with desk_of(settings) as desk:
        (operator,) = (person for person, _ in members.everybody(desk.transaction))
        assert (operator.name, operator.id) == ("operator", desk.actor)


def test_people_of_a_studio_elsewhere_are_not_made_known_here(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "profiles.toml"
    file.write_text('default = "film"\n')
    monkeypatch.setenv("SOUNDSTAGE_PROFILES", str(file))
    empty = dataclasses.replace(settings, home=tmp_path / "empty")
    with pytest.raises(ConfigError, match="people of film"), desk_of(empty):
        pass
    assert not empty.home.exists()
    monkeypatch.delenv("SOUNDSTAGE_PROFILES")
    with desk_of(empty) as desk:
        assert desk.actor
