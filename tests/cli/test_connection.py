"""Which studio is spoken to, and as whom."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from soundstage.cli.connection import Connection, client_of_profile
from soundstage.cli.launch import client_of
from soundstage.client.calls import CallError
from soundstage.client.profiles import Profile
from soundstage.client.secrets import Reference
from soundstage.kit.config import ConfigError, Settings

Typed = Any

PROFILE = Profile(
    address="https://studio.example.org", access_key_id="AKIA", secret=Reference(env="SECRET")
)


def test_what_is_named_wins_over_the_environment_and_that_over_the_default(
    typed: Typed, tmp_path: Path
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        'default = "film"\n[profiles.film]\naddress = "http://127.0.0.1:1"\n'
        'access_key_id = "A"\nsecret = {env = "FILM_SECRET"}\n'
    )
    where = {"SOUNDSTAGE_PROFILES": str(file), "FILM_SECRET": "s"}
    variables = {**where, "AWS_ENDPOINT_URL_NIMBLE": "http://127.0.0.1:2", "AWS_ACCESS_KEY_ID": "B"}
    whole = {**variables, "AWS_SECRET_ACCESS_KEY": "s"}
    assert "http://127.0.0.1:1 " in typed("whoami", code=7, **where).stderr
    assert "http://127.0.0.1:2 " in typed("whoami", code=7, **whole).stderr
    assert "http://127.0.0.1:1 " in typed("whoami", "--profile", "film", code=7, **whole).stderr
    assert "isAccepted   True" in typed("whoami", "--profile", "home", **whole).stdout
    assert "AWS_SECRET_ACCESS_KEY must be set" in typed("whoami", code=2, **variables).stderr
    said = typed("whoami", "--profile", "other", code=2, **where).stderr
    assert "There is no profile other" in said
    assert "`soundstage login other` makes one" in said
    assert "FILM_SECRET is not set" in typed("whoami", code=2, SOUNDSTAGE_PROFILES=str(file)).stderr


def test_whoever_asks_makes_no_studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOUNDSTAGE_PROFILES", "/nonexistent")
    home = tmp_path / "home"
    with (
        closing(Connection(Settings(home=home), None, None)) as nowhere,
        pytest.raises(CallError, match=f"there is no studio in {home}"),
    ):
        _ = nowhere.client
    assert not home.exists()


def test_the_only_studio_need_not_be_named(
    running: Settings, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    del typed
    monkeypatch.setenv("SOUNDSTAGE_PROFILES", "/nonexistent")
    with (
        closing(Connection(running, None, None)) as nowhere,
        pytest.raises(ConfigError, match="There is no studio yet"),
    ):
        _ = nowhere.studio_id
    role = "arn:aws:iam::000000000000:role/x"
    with closing(client_of(running)) as client:
        made = [
            client.call(
                "CreateStudio",
                studioName=name,
                displayName=name,
                adminRoleArn=role,
                userRoleArn=role,
            )["studio"]["studioId"]
            for name in ("film", "series")
        ]
    with (
        closing(Connection(running, None, None)) as several,
        pytest.raises(ConfigError, match=r"There are 2 studios\. Name one with --studio"),
    ):
        _ = several.studio_id
    with closing(Connection(running, None, made[1])) as named:
        assert named.studio_id == made[1]
        assert named.is_studio_named


def test_a_profile_names_its_studio(
    running: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        '[profiles.film]\naddress = "http://127.0.0.1:1"\naccess_key_id = "A"\n'
        'secret = {env = "HOME"}\nstudio = "us-west-2:stid-1"\n'
    )
    monkeypatch.setenv("SOUNDSTAGE_PROFILES", str(file))
    connection = Connection(running, "film", None)
    assert connection.studio_id == "us-west-2:stid-1"
    assert not connection.is_studio_named
    connection.close()


def test_a_certificate_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"certificate: .*/nothing"):
        client_of_profile(
            Profile(
                address="https://s",
                access_key_id="A",
                secret=PROFILE.secret,
                certificate=str(tmp_path / "nothing"),
            ),
            "secret",
        )
    client = client_of_profile(PROFILE, "secret")
    assert client.address == "https://studio.example.org"
    client.close()
