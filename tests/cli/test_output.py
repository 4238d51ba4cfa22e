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


def test_a_table_that_need_not_be_wide_fits_the_terminal_and_says_what_is_left_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"id": "x" * 20, "name": "anna", "more": "y" * 10, "last": "z"}]
    monkeypatch.setenv("COLUMNS", "37")
    show_rows("table", "people", rows, is_wide=False)
    said = capsys.readouterr()
    assert said.out.splitlines()[0].split() == ["id", "name"]
    assert said.err == "Left out to fit 37 columns: more, last. See --wide.\n"
    monkeypatch.setenv("COLUMNS", "44")
    show_rows("table", "people", rows, is_wide=False)
    said = capsys.readouterr()
    assert max(map(len, said.out.splitlines())) == 44
    assert said.err == ""
    # What is named by it is copied from the first column, whatever else there is room for.
    monkeypatch.setenv("COLUMNS", "10")
    show_rows("table", "people", rows, is_wide=False)
    assert capsys.readouterr().out.split() == ["id", "x" * 20]
    show_rows("table", "people", rows, is_wide=True)
    assert "z" in capsys.readouterr().out
    show_rows("json", "people", rows, is_wide=False)
    assert json.loads(capsys.readouterr().out) == {"people": rows}


def test_a_text_is_shortened_rather_than_left_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"id": "x", "statusMessage": "a reason of many words " * 3, "last": 1}]
    monkeypatch.setenv("COLUMNS", "40")
    show_rows("table", "deliveries", rows, is_wide=False)
    said = capsys.readouterr()
    assert said.out.splitlines()[1] == "x   a reason of many words a reason of …"
    assert said.err == "Left out to fit 40 columns: last. See --wide.\n"
    monkeypatch.setenv("COLUMNS", "20")
    show_rows("table", "deliveries", rows, is_wide=False)
    assert "statusMessage" in capsys.readouterr().err
