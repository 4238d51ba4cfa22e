"""Every operation as noun and verb: made of the table, spoken to by people and by programs."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import pytest

from soundstage.cli.commands import NOUNS, NounGroup, noun_group, verb
from soundstage.cli.launch import client_of
from soundstage.kit.config import Settings
from soundstage.resources.operations import BY_NOUN, OPERATIONS
from soundstage.testing.streams import wait_for

ROLE = "arn:aws:iam::000000000000:role/soundstage"
Typed = Any


def made(*arguments: str, typed: Typed) -> Any:
    return json.loads(typed(*arguments, "--output", "json").stdout)


def test_every_operation_is_typed_in_one_way() -> None:
    assert sorted(NOUNS.values()) == sorted(BY_NOUN)
    context = click.Context(click.Command("soundstage"))
    told = {
        (noun, name): group.get_command(context, name)
        for noun in NOUNS
        for group in [noun_group(noun)]
        for name in group.list_commands(context)
    }
    assert len(told) == len(OPERATIONS)
    assert all(told.values())
    for (noun, name), command in told.items():
        assert command is not None
        page = command.get_help(click.Context(command, info_name=f"{noun} {name}"))
        assert "of the API." in page
        assert "partial(" not in page


@pytest.mark.parametrize(
    ("operation", "noun", "typed"),
    [
        ("CreateStreamingSession", "streaming-sessions", "create"),
        ("CreateStreamingSessionBackup", "streaming-sessions", "create-backup"),
        ("ListStreamingSessionScriptOutputs", "streaming-sessions", "list-script-outputs"),
        ("ListStudios", "studios", "list"),
        ("StartStudioSSOConfigurationRepair", "studios", "start-sso-configuration-repair"),
        ("PutLaunchProfileMembers", "launch-profile-members", "put"),
        ("GetLaunchProfileDetails", "launch-profiles", "get-details"),
        ("ListEulaAcceptances", "eulas", "list-acceptances"),
        ("ListTagsForResource", "tags", "list-for-resource"),
        ("TagResource", "tags", "tag-resource"),
    ],
)
def test_a_verb_is_what_the_noun_leaves(operation: str, noun: str, typed: str) -> None:
    assert verb(operation, noun) == typed


def test_what_a_noun_has_of_its_own_comes_first() -> None:
    group = NounGroup("sessions")
    own = click.Command("get")
    group.add_command(own)
    context = click.Context(group)
    assert group.get_command(context, "get") is own
    assert group.list_commands(context).count("get") == 1
    assert group.get_command(context, "nonsense") is None


def test_help_tells_limits_choices_and_what_must_be_given(typed: Typed) -> None:
    page = " ".join(typed("components", "create", "--help").stdout.split())
    assert "Begin to make a component. This is CreateStudioComponent of the API." in page
    assert "--name TEXT At most 64 characters. [required]" in page
    assert "[ACTIVE_DIRECTORY|SHARED_FILE_SYSTEM|COMPUTE_FARM|LICENSE_SERVICE|CUSTOM]" in page
    assert "--initialization-scripts DOCUMENT A list of" in page
    assert "--studio-id" in page
    assert "one with several" not in page
    listed = typed("sessions", "list", "--help").stdout
    assert "One id, or several with commas between." in " ".join(listed.split())
    assert "--next-token" not in listed
    assert "--max-results" not in typed("launch-profiles", "list", "--help").stdout


def test_a_resource_is_made_waited_for_listed_and_read(
    typed: Typed, studio_id: str, tmp_path: Path
) -> None:
    document = tmp_path / "component.yaml"
    document.write_text(
        "name: Lights\ntype: CUSTOM\ndescription: of the file\n"
        "scriptParameters: [{key: LEVEL, value: 'on'}]\n"
    )
    answer = made(
        *("components", "create", "--cli-input", f"file://{document}", "--wait"),
        *("--description", "of the option", "--tags", "show=Film=1"),
        typed=typed,
    )["studioComponent"]
    assert (answer["state"], answer["name"]) == ("READY", "Lights")
    assert answer["description"] == "of the option"
    assert answer["tags"] == {"show": "Film=1"}
    assert answer["scriptParameters"] == [{"key": "LEVEL", "value": "on"}]
    names = [each["name"] for each in made("components", "list", typed=typed)["studioComponents"]]
    assert "Lights" in names
    table = typed("components", "list").stdout.splitlines()
    assert table[0].split()[:4] == ["studioComponentId", "name", "state", "type"]
    assert any(answer["studioComponentId"] in line for line in table)
    one = typed("components", "get", "--studio-component-id", answer["studioComponentId"]).stdout
    assert "scriptParameters.1.key" in one
    assert not any(line.endswith(" ") for line in one.splitlines())
    gone = typed(
        *("components", "delete", "--studio-component-id", answer["studioComponentId"], "--wait")
    )
    assert "DELETED" in gone.stdout
    assert studio_id


def test_pages_are_followed_and_may_be_limited(typed: Typed, studio_id: str) -> None:
    del studio_id
    eulas = made("eulas", "list", typed=typed)["eulas"]
    few = made("eulas", "list", "--limit", "2", typed=typed)["eulas"]
    assert few == eulas[:2]
    assert len(eulas) > 2


def test_lists_repeat_their_option(typed: Typed, studio_id: str) -> None:
    del studio_id
    first, second, *_ = made("eulas", "list", typed=typed)["eulas"]
    asked = ["--eula-ids", first["eulaId"], "--eula-ids", second["eulaId"]]
    assert len(made("eulas", "list", *asked, typed=typed)["eulas"]) == 2
    accepted = typed("eulas", "accept", *asked).stdout
    assert first["eulaId"] in accepted


def test_what_is_wrong_is_named_before_anything_is_sent(typed: Typed, studio_id: str) -> None:
    del studio_id
    said = typed("components", "create", "--description", "x", code=2).stderr
    assert "Missing: --name, --type." in said
    assert "Missing: --studio." in typed("studios", "delete", code=2).stderr
    said = typed("components", "create", "--type", "GHOST", code=2).stderr
    assert "'GHOST' is not one of" in said
    said = typed("components", "create", "--configuration", "{a: b: c}", code=2).stderr
    assert "--configuration, line 1" in said
    said = typed("components", "create", "--cli-input", "[1]", code=2).stderr
    assert "must be an object" in said
    said = typed("components", "create", "--tags", "novalue", code=2).stderr
    assert "is not NAME=VALUE" in said
    said = typed("components", "create", "--cli-input", "file:///nonexistent", code=2).stderr
    assert "/nonexistent can't be read" in said


def test_refusals_have_codes_and_say_what_to_do(typed: Typed, studio_id: str) -> None:
    del studio_id
    said = typed("sessions", "get", "--session-id", "nope", code=3).stderr
    assert said.startswith("soundstage: ResourceNotFoundException: ")
    assert said.count("\n") == 1
    # Our own message names the member and its limit.
    said = typed("components", "create", "--name", "x" * 65, "--type", "CUSTOM", code=1).stderr
    assert "name" in said
    assert "64" in said


def test_an_answer_with_nothing_to_say(typed: Typed, running: Settings, studio_id: str) -> None:
    del running
    arn = made("studios", "get", typed=typed)["studio"]["arn"]
    assert typed("tags", "tag-resource", "--resource-arn", arn, "--tags", "a=b").stdout == "Done.\n"
    assert (
        made("tags", "untag-resource", "--resource-arn", arn, "--tag-keys", "a", typed=typed) == {}
    )
    assert typed("tags", "list-for-resource", "--resource-arn", arn).stdout == "There is nothing.\n"
    assert studio_id


def test_tables_call_people_by_their_names_and_programs_get_the_ids(
    typed: Typed, running: Settings, studio_id: str
) -> None:
    with closing(client_of(running, "anna")) as anna:
        principal_id = anna.principal_id
    where = ("--identity-store-id", "d-soundstage")
    member = f'[{{"principalId": "{principal_id}", "persona": "ADMINISTRATOR"}}]'
    typed("members", "put", *where, "--members", member)
    header, line = typed("members", "list").stdout.splitlines()
    assert header.split()[:2] == ["principalId", "name"]
    assert line.split()[:2] == [principal_id, "anna"]
    typed("members", "delete", "--principal-id", principal_id)
    typed("launch", "--no-wait")
    table = typed("events", "list", "--wide").stdout.splitlines()
    assert table[0].split()[:4] == ["eventId", "createdAt", "type", "actor"]
    assert any(line.split()[3] == "operator" for line in table)
    narrow = typed("events", "list", "--limit", "3")
    assert max(map(len, narrow.stdout.splitlines())) <= 80
    assert "See --wide" in narrow.stderr
    (session,) = made("sessions", "list", typed=typed)["sessions"]
    assert session["ownedBy"].endswith(":operator")
    header, line = typed("sessions", "list").stdout.splitlines()
    assert line.split()[header.split().index("ownedBy")] == "operator"
    typed("rm", session["sessionId"], "--yes")
    assert studio_id


def test_webhooks_are_listed_with_where_they_send_and_deliveries_with_why_they_fail(
    typed: Typed, studio_id: str
) -> None:
    made("webhooks", "create", "--url", "http://nowhere.invalid/hook", typed=typed)
    (webhook,) = made("webhooks", "list", typed=typed)["webhooks"]
    header, line = typed("webhooks", "list").stdout.splitlines()
    assert "http://nowhere.invalid/hook" in line
    assert header.split()[:2] == ["webhookId", "state"]
    of_it = ("--webhook-id", webhook["webhookId"])
    wait_for(
        lambda: (
            "leads to no address" in typed("webhooks", "list-deliveries", *of_it, "--wide").stdout
        )
    )
    typed("webhooks", "delete", *of_it)
    assert studio_id
