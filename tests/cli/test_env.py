"""Shell exports: who they are for, and that a shell reads them as they are meant."""

import dataclasses
import subprocess
from collections.abc import Callable

import pytest
from click.testing import CliRunner

from soundstage.cli.env import credentials, exports
from soundstage.cli.user import user
from soundstage.kit.config import ConfigError, Settings

Command = Callable[..., subprocess.CompletedProcess[str]]
NAMES = [
    "AWS_ENDPOINT_URL_NIMBLE",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_DATA_PATH",
]


def as_the_shell_reads(text: str) -> list[str]:
    script = 'eval "$1"; printf "%s\\n" ' + " ".join(f'"${name}"' for name in NAMES)
    done = subprocess.run(
        ["sh", "-c", script, "sh", text], env={}, check=True, capture_output=True, text=True
    )
    return done.stdout.splitlines()


@pytest.fixture(autouse=True)
def no_data_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DATA_PATH", raising=False)


def test_the_operator_s_exports_are_the_same_each_time(settings: Settings) -> None:
    key = credentials(settings, "operator")
    assert as_the_shell_reads(exports(settings, None)) == [
        f"http://localhost:{settings.port}",
        key.id,
        key.secret,
        "us-west-2",
        "us-west-2",
        f"{settings.home}/sdk",
    ]
    assert exports(settings, None) == exports(settings, None) == exports(settings, "operator")


def test_sdks_still_look_where_the_caller_s_shell_leads_them(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = f"{settings.home}/sdk"
    # As after a first `eval`, and with an empty part, which would mean the working folder.
    monkeypatch.setenv("AWS_DATA_PATH", f"/one::{ours}:/two words")
    assert as_the_shell_reads(exports(settings, None))[-1] == f"{ours}:/one:/two words"


def test_a_script_learns_who_it_is_and_the_next_command_does_not_mind(
    settings: Settings, soundstage: Command
) -> None:
    anna = credentials(settings, "anna")
    line = f"export SOUNDSTAGE_PRINCIPAL_ID={anna.principal_id}"
    assert line in exports(settings, "anna").splitlines()
    operator = credentials(settings, "operator").principal_id
    assert f"export SOUNDSTAGE_PRINCIPAL_ID={operator}" in exports(settings, None).splitlines()
    done = soundstage("env", "--user", "anna", SOUNDSTAGE_PRINCIPAL_ID=anna.principal_id)
    assert (done.returncode, line in done.stdout.splitlines()) == (0, True)


def test_whoever_was_shut_out_is_not_let_in_by_asking(settings: Settings) -> None:
    key = credentials(settings, "ben o'hara")

    def type_in(*arguments: str) -> None:
        result = CliRunner().invoke(user, arguments, obj=settings, catch_exceptions=False)
        assert result.exit_code == 0

    def refusal() -> str:
        with pytest.raises(ConfigError) as caught:
            exports(settings, "ben o'hara")
        return str(caught.value)

    type_in("disable", "ben o'hara")
    way = "To let them in again: soundstage user"
    assert refusal() == f"ben o'hara is disabled. {way} enable 'ben o'\"'\"'hara'"
    type_in("enable", "ben o'hara")
    type_in("key", "disable", key.id)
    assert refusal() == (
        f"The keys of ben o'hara are disabled. {way} key create 'ben o'\"'\"'hara'"
    )


@pytest.mark.parametrize("odd", ["a'b", 'a"b', "a$(exit)b", "a;b", "a`b`", "a\\b", "a&b*"])
def test_a_shell_takes_odd_addresses_literally(settings: Settings, odd: str) -> None:
    odd_one = dataclasses.replace(settings, public_url=f"http://{odd}.test")
    assert as_the_shell_reads(exports(odd_one, "anna"))[0] == f"http://{odd}.test"


def test_everybody_has_a_key_of_their_own(settings: Settings) -> None:
    keys = [credentials(settings, name) for name in ("operator", "anna", "ben o'hara", "Ännä")]
    for part in ("id", "secret", "principal_id"):
        assert len({getattr(key, part) for key in keys}) == 4
    assert credentials(settings, "anna") == keys[1]


@pytest.mark.parametrize("name", ["", "n" * 65, "a\nb", "a\x00b", "a\x1b[31m", " a", "-a"])
def test_what_is_no_name_gets_no_key(settings: Settings, name: str) -> None:
    with pytest.raises(ConfigError, match="--user: a name has 1 to 64 printable characters"):
        exports(settings, name)


def test_sdks_are_told_to_trust_a_certificate_of_our_own(settings: Settings) -> None:
    secure = dataclasses.replace(settings, tls=True)
    told = exports(secure, None)
    authority = f"{secure.home}/keys/tls/authority.pem"
    assert f"AWS_ENDPOINT_URL_NIMBLE=https://localhost:{secure.port}\n" in told
    assert f"AWS_CA_BUNDLE={authority}\n" in told
    assert f"NODE_EXTRA_CA_CERTS={authority}\n" in told
    assert "AWS_CA_BUNDLE" not in exports(settings, None)
