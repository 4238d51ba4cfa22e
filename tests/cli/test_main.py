"""The command: what people get wrong is one sentence that says what to change."""

import subprocess
from collections.abc import Callable

import pytest

from soundstage import __version__

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"SOUNDSTAGE_PORT": "abc"}, "port"),
        ({"SOUNDSTAGE_PORT": "70000"}, "port"),
        ({"SOUNDSTAGE_COLOUR": "red"}, "SOUNDSTAGE_COLOUR: there is no such setting."),
        ({"SOUNDSTAGE_ENGINE": "cloud"}, "SOUNDSTAGE_ENGINE: there is no engine 'cloud'"),
        ({"SOUNDSTAGE_HOME": "/proc/none"}, "SOUNDSTAGE_HOME: /proc/none can't be used"),
        ({"SOUNDSTAGE_HOST": "nowhere.invalid"}, "SOUNDSTAGE_HOST: nowhere.invalid is no address"),
        ({"SOUNDSTAGE_CONFIG": "/proc/none.toml"}, "SOUNDSTAGE_CONFIG names /proc/none.toml"),
    ],
)
def test_a_wrong_setting_is_named(
    soundstage: Command, variables: dict[str, str], sentence: str
) -> None:
    done = soundstage("serve", **variables)
    assert done.returncode == 2
    assert done.stderr.startswith("soundstage: ")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_run_names_a_wrong_setting_too(soundstage: Command) -> None:
    done = soundstage("run", "--once", SOUNDSTAGE_HOME="/proc/none")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "SOUNDSTAGE_HOME: /proc/none can't be used" in done.stderr


def test_open_without_a_service_says_where_it_looked(soundstage: Command) -> None:
    done = soundstage("open")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "does not answer" in done.stderr


def test_env_prints_exports_and_nothing_else(soundstage: Command) -> None:
    done = soundstage("env", "--user", "anna")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line.split("=")[0] for line in lines] == [
        "export AWS_ENDPOINT_URL_NIMBLE",
        "export AWS_ACCESS_KEY_ID",
        "export AWS_SECRET_ACCESS_KEY",
        "export AWS_DEFAULT_REGION",
        "export AWS_DATA_PATH",
    ]
    empty = soundstage("env", "--user", "")
    assert (empty.returncode, empty.stdout) == (2, "")


def test_it_says_what_it_is(soundstage: Command) -> None:
    assert soundstage("--version").stdout == f"soundstage, version {__version__}\n"
    usage = soundstage("-h").stdout
    for command in ("clean", "env", "open", "reference", "run", "sdk", "serve"):
        assert f"  {command} " in usage
    assert soundstage("reference", "operations").stdout.startswith("# Operations\n")
