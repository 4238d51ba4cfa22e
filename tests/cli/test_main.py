"""The command: what people get wrong is one sentence that says what to change."""

import subprocess
from collections.abc import Callable

import pytest
from click.testing import CliRunner

from soundstage import __version__
from soundstage.cli.exits import Exit
from soundstage.cli.main import main, soundstage

Command = Callable[..., subprocess.CompletedProcess[str]]


def one_sentence(text: str) -> bool:
    return text.startswith("soundstage: ") and text.count("\n") == 1 and text.endswith("\n")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        # All of these are found before anything is written.
        ("SOUNDSTAGE_PORT", "abc", "SOUNDSTAGE_PORT: It is a whole number, not abc."),
        ("SOUNDSTAGE_PORT", "70000", "SOUNDSTAGE_PORT: "),
        ("SOUNDSTAGE_SANDBOX", "maybe", "SOUNDSTAGE_SANDBOX: "),
        ("SOUNDSTAGE_COLOUR", "red", "`soundstage reference settings` lists them all."),
        ("SOUNDSTAGE_PRT", "1", "there is no such setting. Is SOUNDSTAGE_PORT meant?"),
        ("SOUNDSTAGE_HOME", "/proc/none", "SOUNDSTAGE_HOME: /proc/none can't be used"),
        ("SOUNDSTAGE_CONFIG", "/proc/none.toml", "SOUNDSTAGE_CONFIG names /proc/none.toml"),
    ],
)
def test_a_wrong_setting_is_named(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    sentence: str,
) -> None:
    monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.argv", ["soundstage", "env"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    said = capsys.readouterr()
    assert one_sentence(said.err)
    assert sentence in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (["lss"], "Did you mean 'ls'?"),
        (["session", "list"], "Did you mean 'sessions'?"),
        (["sessions", "gett"], "Did you mean 'get'?"),
        (["doctr"], "Did you mean 'doctor'?"),
        (["--output", "json", "ls"], "Options stand behind the command that they are for"),
    ],
)
def test_a_wrong_word_is_told_with_the_right_one(line: list[str], sentence: str) -> None:
    said = CliRunner().invoke(soundstage, line)
    assert said.exit_code == 2
    assert sentence in said.stderr


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SOUNDSTAGE_ENGINE", "cloud", "SOUNDSTAGE_ENGINE: there is no engine 'cloud'"),
        ("SOUNDSTAGE_HOST", "nowhere.invalid", "SOUNDSTAGE_HOST: nowhere.invalid is no address"),
    ],
)
def test_serve_names_what_only_it_can_find_wrong(
    soundstage: Command, name: str, value: str, sentence: str
) -> None:
    done = soundstage("serve", **{name: value})
    assert done.returncode == 2
    assert one_sentence(done.stderr)
    assert sentence in done.stderr


def test_run_names_a_wrong_setting_too(soundstage: Command) -> None:
    done = soundstage("run", "--once", SOUNDSTAGE_HOME="/proc/none")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "SOUNDSTAGE_HOME: /proc/none can't be used" in done.stderr


def test_open_without_a_service_says_where_it_looked(soundstage: Command) -> None:
    done = soundstage("open")
    assert (done.returncode, done.stderr.count("\n")) == (7, 1)
    assert "there is no studio in " in done.stderr
    soundstage("env")
    done = soundstage("open")
    assert (done.returncode, done.stderr.count("\n")) == (7, 1)
    assert "does not answer" in done.stderr


def test_a_database_that_is_away_is_told_without_its_password(soundstage: Command) -> None:
    address = "postgresql+psycopg://studio:opensesame@127.0.0.1:1/studio"
    done = soundstage("user", "list", SOUNDSTAGE_DATABASE_URL=address)
    assert (done.returncode, done.stdout) == (2, "")
    assert "could not be opened: connection failed" in done.stderr
    assert "SOUNDSTAGE_DATABASE_URL: the database does not answer" in done.stderr
    assert "opensesame" not in done.stderr
    assert done.stderr.count("\n") < 6


def test_env_prints_exports_and_nothing_else(soundstage: Command) -> None:
    done = soundstage("env", "--user", "anna")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.partition("=")[0] for line in done.stdout.splitlines()] == [
        "export AWS_ENDPOINT_URL_NIMBLE",
        "export AWS_ACCESS_KEY_ID",
        "export AWS_SECRET_ACCESS_KEY",
        "export AWS_REGION",
        "export AWS_DEFAULT_REGION",
        "export AWS_DATA_PATH",
        "export SOUNDSTAGE_PRINCIPAL_ID",
    ]


def test_it_says_what_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*arguments: str) -> str:
        monkeypatch.setattr("sys.argv", ["soundstage", *arguments])
        with pytest.raises(SystemExit) as caught:
            main()
        assert caught.value.code == 0
        return capsys.readouterr().out

    assert said("--version") == f"soundstage, version {__version__}\n"
    usage = said("-h")
    for command in ("clean", "env", "open", "reference", "run", "sdk", "serve", "user", "sessions"):
        assert f"  {command} " in usage
    assert said("reference", "operations").startswith("# Operations\n")


def test_an_interruption_has_the_shell_s_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("soundstage.cli.env.env.callback", interrupted)
    done = CliRunner().invoke(soundstage, ["env"])
    assert done.exit_code == Exit.INTERRUPTED


def test_what_nobody_expected_is_no_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: object) -> None:
        raise RuntimeError("of ours")

    monkeypatch.setattr("soundstage.cli.env.env.callback", broken)
    assert isinstance(CliRunner().invoke(soundstage, ["env"]).exception, RuntimeError)
