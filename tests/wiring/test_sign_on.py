"""What a provider is made of, and how its secret is read."""

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from soundstage.kit.config import ConfigError, Settings
from soundstage.kit.openid.provider import AwayError
from soundstage.resources.identities.model import Rules
from soundstage.wiring.sign_on import rules_of, sign_on_of

ISSUER = "https://id.example.org/realms/films"


def provider(settings: Settings, **more: Any) -> Any:
    given = {"oidc_issuer": ISSUER, "oidc_client_id": "soundstage", **more}
    made = sign_on_of(dataclasses.replace(settings, **given), lambda: datetime.now(UTC))
    assert made is not None
    return made.provider.settings


def test_there_is_none_unless_it_is_named(settings: Settings) -> None:
    assert sign_on_of(settings, lambda: datetime.now(UTC)) is None
    made = provider(settings, oidc_scopes=("email", "openid", "groups"), oidc_groups_claim="roles")
    assert (made.issuer, made.client_id, made.groups_claim) == (ISSUER, "soundstage", "roles")
    assert made.scopes == ("openid", "email", "groups")
    assert made.client_secret() == ""


def test_the_secret_is_read_anew_each_time(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("one\n")
    file.chmod(0o600)
    made = provider(settings, oidc_client_secret_file=file)
    assert made.client_secret() == "one"
    file.write_text("two")
    assert made.client_secret() == "two"
    assert "two" not in repr(made)
    file.unlink()
    with pytest.raises(AwayError, match="can't be read"):
        made.client_secret()


def test_a_command_may_print_it(settings: Settings) -> None:
    made = provider(settings, oidc_client_secret_command="printf 'from a vault\\n'")
    assert made.client_secret() == "from a vault"


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"oidc_client_id": ""}, "SOUNDSTAGE_OIDC_CLIENT_ID: it is needed"),
        ({"oidc_client_secret_command": "false"}, "SECRET_COMMAND: it ended with exit code 1"),
        ({"oidc_client_secret_command": "true"}, "SECRET_COMMAND: it holds no secret"),
        ({"oidc_client_secret_command": "printf 'a\\nb'"}, "SECRET_COMMAND: it holds no secret"),
        ({"oidc_client_secret_file": Path("/nowhere")}, "SECRET_FILE: /nowhere can't be read"),
        (
            {"oidc_client_secret_file": Path("/x"), "oidc_client_secret_command": "x"},
            "not both",
        ),
    ],
)
def test_what_can_not_be_used_is_named(
    settings: Settings, given: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        provider(settings, **given)


def test_others_may_not_read_the_secret(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("one")
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="others may read"):
        provider(settings, oidc_client_secret_file=file)


def test_somebody_must_be_able_to_sign_in(settings: Settings) -> None:
    closed = dataclasses.replace(settings, sign_in_links=False)
    with pytest.raises(ConfigError, match="without links nobody could sign in"):
        sign_on_of(closed, lambda: datetime.now(UTC))
    assert provider(settings, sign_in_links=False).issuer == ISSUER


def test_rules_are_those_of_the_settings(settings: Settings) -> None:
    given = dataclasses.replace(
        settings, oidc_new_people=True, oidc_administrators={"leads": ["films", "*"]}
    )
    expected = Rules(makes_people=True, administrators={"leads": ("films", "*")})
    assert rules_of(given) == expected
