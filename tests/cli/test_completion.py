"""What shells read, and what they are told."""

import subprocess
import sys
from typing import Any

import pytest


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script(typed: Any, shell: str) -> None:
    script = typed("completion", shell).stdout
    assert f"_SOUNDSTAGE_COMPLETE={shell}_complete" in script


@pytest.mark.parametrize(
    ("words", "place", "found"),
    [
        ("soundstage la", 1, ["launch", "launch-profiles"]),
        ("soundstage sessions create", 2, ["create", "create-backup"]),
        ("soundstage components create --type C", 4, ["COMPUTE_FARM", "CUSTOM"]),
    ],
)
def test_words_are_completed(words: str, place: int, found: list[str]) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "soundstage.cli.main"],
        env={
            "_SOUNDSTAGE_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(place),
            "PATH": "/usr/bin:/bin",
        },
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert [line.partition(",")[2] for line in said.splitlines()] == found
