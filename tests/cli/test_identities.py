"""Who is who at the provider, on the command line."""

import dataclasses
import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner

from soundstage.cli.desk import desk_of
from soundstage.cli.user import new_operator_link, user
from soundstage.kit.config import Settings
from soundstage.resources.logins import service as logins
from soundstage.resources.members import service as members
from soundstage.wire.faults import ConflictError, Fault, NotFoundError, ValidationError

ISSUER = "https://id.example.org"
Run = Callable[..., str]


@pytest.fixture
def run(settings: Settings) -> Run:
    """Give a function that runs a sub-command and gives what it prints. Raises its fault."""
    known = dataclasses.replace(settings, oidc_issuer=ISSUER, oidc_client_id="c")

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(user, arguments, obj=known)
        if isinstance(result.exception, Fault):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    run("create", "anna")
    return run


def test_a_subject_is_linked_and_unlinked(run: Run, settings: Settings) -> None:
    assert run("identity", "link", "anna", "s-1") == "anna signs in as s-1.\n"
    (shown,) = json.loads(run("identities", "anna", "--output", "json"))["identities"]
    assert (shown["subject"], shown["issuer"], shown["usedAt"]) == ("s-1", ISSUER, None)
    with desk_of(settings) as desk:
        anna = members.find_person(desk.transaction, "anna")
        logins.begin(desk.transaction, anna, desk.now, browser="b", address="a", issuer=ISSUER)
    (login,) = json.loads(run("logins", "anna", "--output", "json"))["logins"]
    assert login["by"] == ISSUER
    assert "signed out" in run("identity", "unlink", "anna", "s-1")
    assert json.loads(run("identities", "anna", "--output", "json"))["identities"] == []
    assert json.loads(run("logins", "anna", "--output", "json"))["logins"] == []


def test_what_is_not_there_is_said(run: Run, settings: Settings) -> None:
    with pytest.raises(NotFoundError):
        run("identity", "unlink", "anna", "s-1")
    with pytest.raises(NotFoundError):
        run("identity", "link", "ben", "s-1")
    result = CliRunner().invoke(user, ["identity", "link", "anna", "s-1"], obj=settings)
    assert isinstance(result.exception, ValidationError)
    assert "--issuer" in result.exception.message
    run("identity", "link", "anna", "s-1", "--issuer", "https://other.example.org")


def test_no_link_is_made_where_they_are_switched_off(settings: Settings) -> None:
    closed = dataclasses.replace(
        settings, oidc_issuer=ISSUER, oidc_client_id="c", sign_in_links=False
    )
    with pytest.raises(ConflictError, match="SOUNDSTAGE_SIGN_IN_LINKS"):
        new_operator_link(closed)
