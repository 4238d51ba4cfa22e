"""Events as files: what a spreadsheet reads, and what a program reads."""

import csv
import json
from io import StringIO
from typing import Any

import pytest

from soundstage.client.events import _cell, head, line

EVENT: dict[str, Any] = {
    "eventId": "0000000000000007",
    "type": "streams.UPLOADED",
    "statusMessage": 'It said "no",\nand more',
    "details": {"path": "=1+1"},
}


def test_a_table_has_every_member_in_its_column() -> None:
    (row,) = csv.DictReader(StringIO(head("csv") + line("csv", EVENT)))
    assert row["eventId"] == EVENT["eventId"]
    assert row["statusMessage"] == EVENT["statusMessage"]
    assert json.loads(row["details"]) == EVENT["details"]
    assert row["requestId"] == ""


def test_a_program_gets_an_object_a_line() -> None:
    told = head("json") + line("json", EVENT)
    assert told.count("\n") == 1
    assert json.loads(told) == EVENT


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert _cell(text) == f"'{text}"


def test_what_is_no_text_is_json() -> None:
    assert _cell({"a": "b"}) == '{"a":"b"}'
