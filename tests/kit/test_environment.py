"""What SDKs and the command line are told by the environment is read as they read it."""

from pathlib import Path

import pytest

from soundstage.kit.config import load
from soundstage.kit.environment import (
    CallerVariables,
    caller,
    profiles_file,
    sdk_data_path,
    variable,
)


def test_the_folders_of_sdks_are_those_of_the_caller() -> None:
    assert sdk_data_path({}) == sdk_data_path({"AWS_DATA_PATH": ""}) == []
    assert sdk_data_path({"AWS_DATA_PATH": "/one::/two words"}) == ["/one", "/two words"]


def test_what_sdks_read_of_a_caller_is_read_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert caller({"AWS_DEFAULT_REGION": "eu-west-1"}) == CallerVariables(
        endpoint="",
        access_key_id="",
        secret_access_key="",
        region="eu-west-1",
        certificate="",
    )
    read = caller(
        {
            "AWS_ENDPOINT_URL_NIMBLE": "https://studio.example.org/",
            "AWS_ACCESS_KEY_ID": "A",
            "AWS_SECRET_ACCESS_KEY": "s",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_CA_BUNDLE": "/a.crt",
        }
    )
    assert (read.endpoint, read.region) == ("https://studio.example.org", "us-east-1")
    assert (read.access_key_id, read.secret_access_key) == ("A", "s")
    assert read.certificate == "/a.crt"
    monkeypatch.setenv("ANY", "thing")
    assert (variable("ANY"), variable("NO_SUCH")) == ("thing", None)


def test_profiles_are_where_configuration_is(tmp_path: Path) -> None:
    assert profiles_file({}) == Path.home() / ".config/soundstage/config.toml"
    assert profiles_file({"XDG_CONFIG_HOME": "/c"}) == Path("/c/soundstage/config.toml")
    assert profiles_file({"SOUNDSTAGE_PROFILES": f"{tmp_path}/p"}) == tmp_path / "p"
    # They are no settings of the service.
    load({"SOUNDSTAGE_PROFILES": "/p", "SOUNDSTAGE_PROFILE": "film", "SOUNDSTAGE_STUDIO": "s"})
