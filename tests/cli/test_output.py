"""Tables that people read and copy from, and JSON that programs read."""

import json
from datetime import UTC, datetime

import pytest

from soundstage.cli.output import show_one, show_rows

MOMENT = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
LONG = "x" * 300


def test_a_table_cuts_nothing_and_means_nothing_by_brackets(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_rows("table", "people", [{"name": "[red]a[/red]", "id": LONG}, {"name": "b", "id": None}])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [["name", "id"], ["[red]a[/red]", LONG], ["b", "-"]]


def test_one_thing_has_a_member_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    show_one("table", {"name": "anna", "createdAt": MOMENT, "of": ["a", "b"], "none": []})
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert [(name, text.strip()) for name, text in lines] == [
        ("name", "anna"),
        ("createdAt", "2026-11-21 12:00:00 UTC"),
        ("of", "a, b"),
        ("none", "-"),
    ]


def test_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    show_rows("json", "people", [{"name": "Ännä", "createdAt": MOMENT}])
    show_one("json", {"none": None, "list": []})
    first, second = capsys.readouterr().out.replace("}\n{", "}\n\x00{").split("\x00")
    assert json.loads(first) == {"people": [{"name": "Ännä", "createdAt": "2026-11-21T12:00:00Z"}]}
    assert json.loads(second) == {"none": None, "list": []}


def test_no_rows_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    show_rows("table", "people", [])
    show_rows("json", "people", iter([]))
    said = capsys.readouterr().out
    assert said.startswith("There are none.\n")
    assert json.loads(said.partition("\n")[2]) == {"people": []}
