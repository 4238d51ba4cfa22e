"""What a desktop says is read in pieces, and a lie does no harm."""

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import pytest

from soundstage.engines import desktop

PROGRAM = Path(desktop.__file__).with_name("said.py")
SCRIPT = {"component": "Tools", "as_root": True, "failure": "SCRIPT"}


def said(*scripts: dict[str, Any]) -> Any:
    """As the programs load it, which know no packages."""
    about = importlib.util.spec_from_file_location("said", PROGRAM)
    assert about is not None
    assert about.loader is not None
    module = importlib.util.module_from_spec(about)
    about.loader.exec_module(module)
    return module.Said(list(scripts), 60)


def result(code: object = 0, output: str = "done\n") -> bytes:
    told = {"code": code, "began": 1.0, "ended": 2.0, "output": output}
    return json.dumps(told).encode() + b"\n"


def test_words_come_in_pieces_and_are_cleaned() -> None:
    heard = said()
    assert heard.steps(b"step star") == []
    assert heard.steps(b"ting X\nready it \x1b[31mans\x00wers\xff\nst") == [
        ("step", "starting X"),
        ("ready", "it [31manswers\ufffd"),
    ]
    ((word, text),) = heard.steps(b"ep " + b"z" * 500 + b"\n")
    assert (word, len(text)) == ("step", 200)


def test_a_line_without_an_end_is_not_gathered_for_ever() -> None:
    heard = said()
    for _ in range(100):
        heard.steps(b"x" * 4096)
    assert len(heard._steps) == 200


@pytest.mark.parametrize(
    ("code", "output", "sentence"),
    [
        (7, "first\nwrong\n", "The system script of the component 'Tools' ended with code 7: "),
        (None, "", "did not end within 60 s and said nothing"),
    ],
)
def test_a_script_that_failed_is_blamed(code: object, output: str, sentence: str) -> None:
    heard = said(SCRIPT)
    ((reason, told),) = heard.results(result(code, output))
    assert reason == "SCRIPT"
    assert sentence in told
    assert set(heard.outputs[0]) == {
        "component",
        "as_root",
        "began_at",
        "ended_at",
        "exit_code",
        "output",
    }


def test_nobody_speaks_for_more_scripts_than_there_are() -> None:
    heard = said(SCRIPT)
    assert heard.waiting() == [SCRIPT]
    for line in (b"{\n", b"[]\n", b'{"code": "x"}\n', result(), result(3)):
        assert heard.results(line) == []
    assert [each["exit_code"] for each in heard.outputs] == [0]
    assert heard.waiting() == []


def test_a_result_has_a_limit() -> None:
    heard = said(SCRIPT)
    heard.results(b"x" * 599_999)
    assert not heard.is_too_much()
    heard.results(b"x")
    assert heard.is_too_much()


def test_results_at_hand_are_read_and_no_more_is_waited_for() -> None:
    heard = said(SCRIPT)
    source, target = os.pipe()
    try:
        assert list(heard.results_at_hand(source)) == []
        long = result(output="x" * 9000)
        os.write(target, long)
        pieces = []
        for piece in heard.results_at_hand(source):
            pieces.append(piece)
            assert heard.results(piece) == []
        assert b"".join(pieces) == long
        assert len(heard.outputs) == 1
    finally:
        os.close(target)
    try:
        # Nobody writes any more: what polls the pipe learns of it.
        assert list(heard.results_at_hand(source)) == []
    finally:
        os.close(source)


def test_of_a_result_that_is_too_long_no_more_is_read() -> None:
    heard = said(SCRIPT)
    heard.results(b"x" * 600_000)
    source, target = os.pipe()
    try:
        os.write(target, b"x")
        assert list(heard.results_at_hand(source)) == []
        assert os.read(source, 10) == b"x"
    finally:
        os.close(source)
        os.close(target)


def marks(heard: Any) -> list[tuple[str, str]]:
    return [(mark["stage"], mark.get("component", "")) for mark in heard.marks]


def test_a_start_is_marked_where_it_is_said_and_scripts_by_their_results() -> None:
    other = {**SCRIPT, "component": "Licences"}
    artists = {**SCRIPT, "component": "Look", "as_root": False}
    heard = said(SCRIPT, other, artists)
    assert heard.steps(b"stage shares\nstage machine\nstage scripts\n") == [("stage", "")] * 3
    assert marks(heard) == [("shares", ""), ("machine", ""), ("script", "Tools")]
    heard.results(result())
    # It began when the one before it ended, as that was told.
    assert heard.marks[-1] == {
        "stage": "script",
        "at": 2.0,
        "component": "Licences",
        "number": 2,
        "of": 3,
    }
    heard.results(result())
    # The artist's does not begin before the desktop is there.
    assert len(heard.marks) == 4
    heard.steps(b"stage desktop after 0.00 s\nstage stream after 0.30 s\nstage scripts after 1 s\n")
    assert marks(heard)[4:] == [("desktop", ""), ("stream", ""), ("script", "Look")]


def test_after_a_script_that_failed_none_begins() -> None:
    heard = said(SCRIPT, {**SCRIPT, "component": "Licences"})
    heard.steps(b"stage scripts\n")
    heard.results(result(1))
    assert marks(heard) == [("script", "Tools")]


def test_what_is_said_of_a_start_is_bounded() -> None:
    heard = said(SCRIPT)
    heard.steps(b"stage scripts\n" * 100 + b"stage " + b"stage coffee\n" + b"stage stream\n" * 900)
    assert set(marks(heard)) == {("script", "Tools"), ("stream", "")}
    assert len(heard.marks) == 32
