"""Of a script it is understood what tells how it went."""

from typing import Any

from soundstage.engines.interface import Script
from soundstage.engines.simulated.scripts import pretend


def script(text: str, **more: Any) -> Script:
    return Script(component="A", as_root=False, text=text, **more)


def test_what_is_echoed_is_said_until_it_exits() -> None:
    told = script("#!/bin/sh\nset -e\necho 'one'\necho two\nexit 3\necho no")
    assert pretend(told) == (3, "one\ntwo\n")
    assert pretend(script("exit")) == (0, "")


def test_secrets_are_masked_unless_they_are_too_short_to_tell() -> None:
    told = script(
        "echo $WORD and $SHORT",
        environment={"WORD": "opensesame", "SHORT": "abc"},
        secrets=["opensesame", "abc"],
    )
    assert pretend(told) == (0, "*** and abc\n")
