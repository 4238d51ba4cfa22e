"""The file of studios elsewhere."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstage.client import profiles
from soundstage.client.profiles import Profile, Profiles
from soundstage.client.secrets import Reference
from soundstage.kit.config import ConfigError

FILM = Profile(
    address="https://studio.example.org",
    access_key_id="AKIA",
    secret=Reference(command='pass show "film"'),
)


def test_no_file_is_no_profile(tmp_path: Path) -> None:
    assert profiles.read(tmp_path / "nothing") == Profiles()
    with pytest.raises(ConfigError, match=r"which has none\. `soundstage login film` makes one"):
        profiles.find(tmp_path / "nothing", "film")


def test_profiles_are_added_and_replaced(tmp_path: Path) -> None:
    file = tmp_path / "new" / "config.toml"
    profiles.write(file, "film", FILM, is_default=True)
    other = Profile(
        address="http://localhost:8080",
        access_key_id="AKIB",
        secret=Reference(file="key"),
        studio="us-west-2:stid-1",
        region="eu-west-1",
        certificate="/etc/studio.pem",
    )
    profiles.write(file, "a.b", other)
    assert profiles.read(file) == Profiles(default="film", profiles={"film": FILM, "a.b": other})
    assert profiles.find(file, "film") == FILM
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [path.name for path in file.parent.iterdir()] == ["config.toml"]
    with pytest.raises(ConfigError, match=r"which has a\.b, film"):
        profiles.find(file, "c")


@given(st.text(max_size=30))
def test_any_text_comes_back(text: str) -> None:
    written = profiles._toml(
        Profiles(
            profiles={
                "p": Profile(
                    address="http://s",
                    access_key_id="A",
                    studio=text,
                    secret=Reference(command=text or "x"),
                )
            }
        )
    )
    import tomllib  # noqa: PLC0415 - only here

    read = tomllib.loads(written)["profiles"]["p"]
    assert (read.get("studio", ""), read["secret"]["command"]) == (text, text or "x")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("[", "is no TOML"),
        ("other = 1", "unknown field `other`"),
        ('[profiles.f]\naddress = "x"', "profiles.*address|profiles"),
        (
            '[profiles.f]\naddress="http://s"\naccess_key_id="A"\nsecret="plain"',
            "secret: Expected `object`, got `str`",
        ),
    ],
)
def test_what_is_wrong_is_named(content: str, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(content)
    with pytest.raises(ConfigError, match=complaint) as caught:
        profiles.read(file)
    assert "plain" not in str(caught.value)


def test_nothing_wrong_is_written(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    wrong = Profile(address="https://user:word@s", access_key_id="A", secret=Reference(env="A"))
    with pytest.raises(ConfigError, match="address: "):
        profiles.write(file, "film", wrong)
    with pytest.raises(ConfigError):
        profiles.write(file, "a b", FILM)
    assert not file.exists()
    with pytest.raises(ConfigError, match="can't be written"):
        profiles.write(Path("/proc/none/config.toml"), "film", FILM)
