"""People and keys on the command line, and that nothing is done by halves."""

import json
import re
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from soundstage.cli.env import credentials
from soundstage.cli.launch import (
    client_of,
    ensure_profile,
    ensure_studio,
    ensure_workstation,
)
from soundstage.cli.main import soundstage
from soundstage.cli.user import new_operator_link, user
from soundstage.kit import journal
from soundstage.kit.clock import system_clock
from soundstage.kit.config import Settings
from soundstage.resources.logins import service as logins
from soundstage.resources.logins.model import USUAL
from soundstage.resources.members import service as members
from soundstage.testing.streams import wait_for
from soundstage.wire.faults import ConflictError, Fault, NotFoundError, ValidationError
from soundstage.wiring.home import opened

DOCS = Path(__file__).parents[2] / "docs" / "how-to"
Run = Callable[..., str]
Ask = Callable[..., Any]


def runner(settings: Settings) -> Run:
    def run(*arguments: str) -> str:
        result = CliRunner().invoke(user, arguments, obj=settings)
        if isinstance(result.exception, Fault):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    return run


@pytest.fixture
def run(settings: Settings) -> Run:
    """Give a function that runs a sub-command and gives what it prints. Raises its fault."""
    return runner(settings)


@pytest.fixture
def ask(run: Run) -> Ask:
    """Give a function that runs a sub-command and reads its JSON."""

    def ask(*arguments: str) -> Any:
        return json.loads(run(*arguments, "--output", "json"))

    return ask


def names(ask: Ask) -> list[str]:
    return [person["name"] for person in ask("list")["people"]]


def test_somebody_is_made_and_shown(run: Run, ask: Ask) -> None:
    made = ask("create", "anna", "--display-name", "Anna", "--email", "a@b.example")
    assert made.keys() == {"name", "principalId", "accessKeyId", "secretAccessKey"}
    shown = ask("show", "anna")
    assert shown.pop("createdAt")
    assert shown == {
        "name": "anna",
        "principalId": made["principalId"],
        "status": "Active",
        "displayName": "Anna",
        "email": "a@b.example",
        "isOperator": False,
        "administratorOf": [],
        "accessKeyIds": [made["accessKeyId"]],
    }
    everything = "".join(
        run(*words)
        for words in [("list",), ("show", "anna"), ("keys", "anna"), ("disable", "anna")]
    )
    assert made["accessKeyId"] in everything
    assert made["secretAccessKey"] not in everything


def test_the_key_is_the_one_that_env_exports(settings: Settings, ask: Ask) -> None:
    made = ask("create", "anna")
    key = credentials(settings, "anna")
    assert (key.id, key.secret) == (made["accessKeyId"], made["secretAccessKey"])
    assert key.principal_id == made["principalId"]


def test_a_name_is_made_once(settings: Settings, run: Run, ask: Ask) -> None:
    run("create", "anna")
    before = ask("show", "anna")
    with pytest.raises(ConflictError, match="There is a person anna already"):
        run("create", "anna", "--email", "other@b.example")
    assert ask("show", "anna") == before
    with pytest.raises(ValidationError, match="operator is the account's own"):
        run("create", "operator")
    # A refused one leaves nobody behind.
    with pytest.raises(NotFoundError, match="There is no studio stid-0"):
        run("create", "ben", "--administrator-of", "stid-0")
    assert set(names(ask)) == {"anna", "operator"}
    assert credentials(settings, "anna").id == before["accessKeyIds"][0]


def test_keys_change_hands_without_a_gap(run: Run, ask: Ask, settings: Settings) -> None:
    old = ask("create", "anna")["accessKeyId"]
    new = ask("key", "create", "anna")["accessKeyId"]
    run("key", "disable", old)
    assert [(key["accessKeyId"], key["status"]) for key in ask("keys", "anna")["accessKeys"]] == [
        (old, "Inactive"),
        (new, "Active"),
    ]
    assert credentials(settings, "anna").id == new
    run("key", "enable", old)
    assert credentials(settings, "anna").id == old
    run("key", "disable", old)
    run("key", "delete", old)
    assert [key["accessKeyId"] for key in ask("keys", "anna")["accessKeys"]] == [new]


def test_a_disabled_person_is_listed_as_such_and_can_come_back(run: Run, ask: Ask) -> None:
    run("create", "anna")
    for word, status in (("disable", "Inactive"), ("enable", "Active")):
        assert run(word, "anna") == f"anna is {word}d.\n"
        (anna,) = (each for each in ask("list")["people"] if each["name"] == "anna")
        assert (anna["status"], anna["activeKeys"]) == (status, 1)


def test_what_was_done_is_the_operator_s(settings: Settings, run: Run, ask: Ask) -> None:
    made = ask("create", "anna")
    run("key", "disable", made["accessKeyId"])
    operator = ask("show", "operator")["principalId"]
    with opened(settings) as (database, _), database.transaction(write=False) as transaction:
        entries = journal.read(transaction)
    mine = [entry for entry in entries if entry.actor == operator]
    assert [entry.kind for entry in mine] == [
        "people.CREATED",
        "access_keys.CREATED",
        "access_keys.DISABLED",
    ]
    assert made["secretAccessKey"] not in str(entries)


# ---- rosters -------------------------------------------------------------------------------------


@pytest.fixture
def people(tmp_path: Path) -> Path:
    file = tmp_path / "people.csv"
    file.write_text("name,email\nanna,a@b.example\nben,\n")
    return file


def test_the_same_file_twice_changes_nothing(run: Run, ask: Ask, people: Path) -> None:
    assert run("import", str(people)) == "2 created, 0 changed, 0 unchanged.\n"
    before = ask("list")
    assert run("import", str(people)) == "0 created, 0 changed, 2 unchanged.\n"
    assert ask("list") == before
    people.write_text('[{"name": "ben", "email": "b@c.example"}]')
    assert ask("import", str(people.rename(people.with_suffix(".json")))) == {
        "created": [],
        "changed": ["ben"],
        "unchanged": [],
        "isDryRun": False,
    }
    assert ask("show", "ben")["email"] == "b@c.example"


def test_a_dry_run_says_what_would_be_and_does_nothing(run: Run, ask: Ask, people: Path) -> None:
    said = run("import", "--dry-run", str(people))
    assert said.splitlines() == [
        "2 created, 0 changed, 0 unchanged.",
        "That is what would be done; nothing is.",
    ]
    assert names(ask) == ["operator"]


def test_one_bad_line_and_nobody_is_imported(run: Run, ask: Ask, people: Path) -> None:
    with people.open("a") as file:
        file.write("-x,\ncarl,nowhere\nanna,\ndora,d@e.example\n")
    with pytest.raises(ValidationError) as caught:
        run("import", str(people))
    lines = caught.value.message.splitlines()
    assert lines[0] == "people.csv: nobody is imported."
    assert lines[1].startswith("line 4: name: a name has 1 to 64 printable characters")
    assert lines[2:] == [
        "line 5: email: it has something on both sides of an @.",
        "line 6: name: anna stands there twice.",
    ]
    assert names(ask) == ["operator"]


def test_complaints_have_an_end(run: Run, people: Path) -> None:
    people.write_text("name,email\n" + "anna,x\n" * 25)
    with pytest.raises(ValidationError) as caught:
        run("import", str(people))
    lines = caught.value.message.splitlines()
    assert (len(lines), lines[-1]) == (22, "and 5 more")


def test_administrators_are_made_of_a_studio_that_is_there(
    running: Settings, tmp_path: Path
) -> None:
    run = runner(running)
    operator = client_of(running)
    studio_id = ensure_studio(operator, print)["studioId"]
    run("create", "boss", "--administrator-of", studio_id)
    file = tmp_path / "people.json"
    file.write_text(json.dumps([{"name": "deputy", "administratorOf": studio_id}]))
    run("import", str(file))
    assert run("import", str(file)) == "0 created, 0 changed, 1 unchanged.\n"
    found = {
        each["principalId"] for each in operator.pages("ListStudioMembers", studioId=studio_id)
    }
    assert found == {credentials(running, name).principal_id for name in ("boss", "deputy")}
    operator.close()


def test_open_desktops_of_a_disabled_person_close_within_seconds(running: Settings) -> None:
    run, operator = runner(running), client_of(running)
    studio_id = ensure_studio(operator, print)["studioId"]
    run("create", "gone", "--administrator-of", studio_id)
    gone = client_of(running, "gone")
    profile_id = ensure_profile(operator, studio_id, print)["launchProfileId"]
    session = ensure_workstation(gone, studio_id, profile_id, print)
    where = {"studioId": studio_id, "sessionId": session["sessionId"]}
    stream = gone.call("CreateStreamingSessionStream", **where)["stream"]

    def state() -> str:
        found = operator.call("GetStreamingSessionStream", **where, streamId=stream["streamId"])
        return str(found["stream"]["state"])

    wait_for(lambda: state() == "READY", 30)
    run("disable", "gone")
    wait_for(lambda: state() == "DELETED", 10)
    found = operator.call("GetStreamingSession", **where)["session"]
    assert found["state"] == "READY", "a person's work does not end with their access"
    gone.close()
    operator.close()


# ---- what a person types -------------------------------------------------------------------------


def test_a_refusal_is_one_sentence(soundstage: Any) -> None:
    done = soundstage("user", "show", "nobody")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "soundstage: There is no person nobody. `soundstage user list` shows who is known.\n"
    )


@pytest.fixture
def typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], subprocess.CompletedProcess[str]]]:
    """Give a function that a shell runs a script for. Its `soundstage` is this process's
    command line, with the shell's variables: a dozen starts of Python are slow.
    """
    monkeypatch.chdir(tmp_path)
    door = tmp_path / "door"
    command = tmp_path / "bin" / "soundstage"
    command.parent.mkdir()
    command.write_text(f"#!{sys.executable} -ES\n{HAND_OVER.format(door=door)}")
    command.chmod(0o755)

    class Answer(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            arguments, variables = json.loads(self.rfile.readline())
            result = CliRunner().invoke(soundstage, arguments, env=variables)
            error = "" if result.exception is None else repr(result.exception)
            self.wfile.write(json.dumps([result.output, error]).encode())

    def run(script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-eu", "-c", script],
            cwd=tmp_path,
            env={
                "PATH": f"{command.parent}:/usr/bin:/bin",
                "SOUNDSTAGE_HOME": str(tmp_path / "home"),
                "SOUNDSTAGE_ENGINE": "simulated",
            },
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )

    with socketserver.UnixStreamServer(str(door), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield run
        server.shutdown()
        thread.join()


HAND_OVER = """\
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as door:
    door.connect("{door}")
    door.sendall(json.dumps([sys.argv[1:], dict(os.environ)]).encode() + b"\\n")
    output, error = json.load(door.makefile())
sys.stdout.write(output)
sys.exit(error or 0)
"""


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)


def test_the_page_about_people_and_keys_can_be_typed_as_it_stands(
    typed: Callable[[str], subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    page = (DOCS / "manage-people-and-keys.md").read_text(encoding="utf-8")
    (tmp_path / "people.csv").write_text(*blocks(page, "csv"))
    script = "\n".join(blocks(page, "sh"))
    done = typed(script)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("secretAccessKey") == script.count(" create ") > 0
    for said in ("0 created, 0 changed, 2 unchanged.", "anna is disabled.", " is deleted."):
        assert said in done.stdout


def test_a_link_signs_in_and_logins_are_listed_and_ended(
    settings: Settings, run: Run, ask: Ask
) -> None:
    run("create", "anna")
    link = run("link", "anna").strip()
    address, _, token = link.partition("/sign-in?link=")
    assert address == settings.address
    with opened(settings) as (database, _), database.transaction() as transaction:
        for _ in range(2):
            assert logins.sign_in(
                transaction,
                token,
                system_clock(),
                browser="Firefox",
                address="192.0.2.1",
                limits=USUAL,
            )
            token = logins.make_link(
                transaction, members.find_person(transaction, "anna"), system_clock(), actor="t"
            )
    shown = ask("logins", "anna")["logins"]
    assert [(each["browser"], each["address"]) for each in shown] == [("Firefox", "192.0.2.1")] * 2
    assert "1 browser." in run("sign-out", "anna", "--login", shown[0]["loginId"])
    with pytest.raises(NotFoundError):
        run("sign-out", "anna", "--login", shown[0]["loginId"])
    assert "1 browser." in run("sign-out", "anna")
    assert ask("logins", "anna")["logins"] == []


def test_a_link_is_not_made_for_whoever_is_shut_out(run: Run) -> None:
    run("create", "anna")
    run("disable", "anna")
    with pytest.raises(ConflictError, match="anna is disabled"):
        run("link", "anna")
    with pytest.raises(NotFoundError):
        run("link", "nobody")


def test_the_operator_s_link_is_made_at_the_start(settings: Settings) -> None:
    assert new_operator_link(settings).startswith(f"{settings.address}/sign-in?link=")
    with opened(settings) as (database, seal), database.transaction() as transaction:
        operator = members.find_person(transaction, members.OPERATOR)
        key_id, _ = members.ensure_access_key(transaction, operator, seal, system_clock())
        members.set_access_key_active(
            transaction, key_id, system_clock(), is_active=False, actor="t"
        )
    with pytest.raises(ConflictError, match="disabled"):
        new_operator_link(settings)
