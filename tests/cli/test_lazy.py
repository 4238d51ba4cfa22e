"""Commands are imported when they are run, and help shows what they say of themselves."""

import json
import subprocess
import sys
from typing import ClassVar

import click
import pytest
from click.testing import CliRunner

from soundstage.cli.catalogue import SECTIONS
from soundstage.cli.lazy import Lazy, LazyGroup
from soundstage.cli.main import soundstage

COMMANDS = {name: lazy for found in SECTIONS.values() for name, lazy in found.items()}


class Group(LazyGroup):
    """A group of one command that is there and two that are not."""

    sections: ClassVar = {
        "Some": {
            "top": Lazy("soundstage.cli.top:top", "Watch."),
            "gone": Lazy("soundstage.cli.top:Console", "No command."),
        }
    }


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_shows_what_a_command_says_of_itself(name: str) -> None:
    command = soundstage.get_command(click.Context(soundstage), name)
    assert command is not None
    assert command.name == name
    first = (command.help or "").partition("\n\n")[0].replace("\n", " ")
    assert first.startswith(COMMANDS[name].help.removesuffix("."))


GROUPS = {
    name: command
    for name in COMMANDS
    if isinstance(command := soundstage.get_command(click.Context(soundstage), name), click.Group)
}


@pytest.mark.parametrize("name", sorted(GROUPS))
def test_no_list_of_commands_breaks_a_sentence_off(name: str) -> None:
    said = CliRunner().invoke(soundstage, [name, "--help"], terminal_width=80)
    assert said.exit_code == 0
    assert max(map(len, said.output.splitlines())) <= 80
    assert "..." not in said.output.partition("Commands:")[2]
    listed = " ".join(said.output.partition("Commands:")[2].split())
    for command in GROUPS[name].list_commands(click.Context(GROUPS[name])):
        found = GROUPS[name].get_command(click.Context(GROUPS[name]), command)
        assert found is not None
        first = found.get_short_help_str(400).partition(";")[0].removesuffix(".")
        assert f"{command} {first}." in listed


def test_only_commands_are_commands() -> None:
    group = Group("group")
    context = click.Context(group)
    assert group.list_commands(context) == ["top", "gone"]
    assert group.get_command(context, "top") is not None
    assert group.get_command(context, "other") is None
    with pytest.raises(TypeError, match="is no command"):
        group.get_command(context, "gone")


def test_help_imports_next_to_nothing() -> None:
    """It takes 0.05 s or so; what it may not do is what takes long."""
    program = (
        "import json, sys\n"
        "from soundstage.cli.main import soundstage\n"
        "soundstage(['--help'], standalone_mode=False)\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    said = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    loaded = set(json.loads(said.splitlines()[-1]))
    assert "Every operation of the API:" in said
    slow = {"sqlalchemy", "httpx", "botocore", "rich", "asyncio", "soundstage.resources", "yaml"}
    assert loaded & slow == set()
