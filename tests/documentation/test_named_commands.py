"""Commands that pages, messages and the program's own texts name are there."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click

from soundstage.cli.main import soundstage

ROOT = Path(__file__).parents[2]
KINDS = ("*.md", "*.py", "*.toml", "*.html", "*.js", "*.yaml")
# Behind a quotation mark or a path; in prose the name is followed by anything.
NAMED = re.compile(
    r"(?:[`“\"']|/bin/)soundstage ([a-z][a-z-]+)(?: ([a-z][a-z-]+))?(?: ([a-z][a-z-]+))?"
)

NO_COMMANDS = {("gateway",): "the name in a certificate"}


def named() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Where a command is named, and the words that may be its own."""
    listed = subprocess.run(
        ["git", "ls-files", *KINDS], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    for name in listed:
        if name.startswith("tests/"):
            continue
        for number, line in enumerate((ROOT / name).read_text().splitlines(), start=1):
            for found in NAMED.finditer(line):
                words = tuple(word for word in found.groups() if word)
                if words not in NO_COMMANDS:
                    yield f"{name}:{number}", words


def is_there(words: tuple[str, ...]) -> bool:
    """Reports whether words are a command, or begin with one that takes the others."""
    command: click.Command = soundstage
    for word in words:
        if not isinstance(command, click.Group):
            return True
        next_one = command.get_command(click.Context(command), word)
        if next_one is None:
            return False
        command = next_one
    return True


def test_every_command_that_is_named_is_there() -> None:
    found = list(named())
    assert len(found) > 100
    assert [
        f"{where}: soundstage {' '.join(words)}" for where, words in found if not is_there(words)
    ] == []


def test_the_control_a_command_that_is_not_there_is_found() -> None:
    assert is_there(("user", "create", "anna"))
    assert not is_there(("user", "add"))
