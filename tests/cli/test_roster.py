"""Files of people: what is read, and where what is wrong with them stands."""

from pathlib import Path

import pytest

from soundstage.cli import roster
from soundstage.resources.members.model import Newcomer
from soundstage.wire.faults import ValidationError


def entries(folder: Path, name: str, content: str | bytes) -> list[roster.Entry]:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return roster.read(file)


def refusal(folder: Path, name: str, content: str | bytes) -> str:
    with pytest.raises(ValidationError) as caught:
        entries(folder, name, content)
    return caught.value.message


def test_a_spreadsheet_s_file_is_read(tmp_path: Path) -> None:
    text = '\ufeffname,email,displayName\r\nanna,,"Anna, the first"\r\n\r\nben,b@c.example,\r\n'
    assert entries(tmp_path, "people.CSV", text) == [
        ("line 2", Newcomer(name="anna", display_name="Anna, the first")),
        ("line 4", Newcomer(name="ben", email="b@c.example")),
    ]


def test_json_has_the_same_members(tmp_path: Path) -> None:
    text = '[{"name": "anna", "principalId": "p", "administratorOf": "s"}, {"name": "Ännä"}]'
    assert entries(tmp_path, "people.json", text) == [
        ("entry 1", Newcomer(name="anna", principal_id="p", administrator_of="s")),
        ("entry 2", Newcomer(name="Ännä")),
    ]


def test_bad_entries_stand_beside_good_ones(tmp_path: Path) -> None:
    assert entries(tmp_path, "a.csv", "name,email\nanna\nben,b@c,d\n,c@d\ncarl,\n") == [
        ("line 2", "it has other cells than line 1."),
        ("line 3", "it has other cells than line 1."),
        ("line 4", "Object missing required field `name`."),
        ("line 5", Newcomer(name="carl")),
    ]
    assert entries(tmp_path, "a.json", '["anna", {"name": 1}, {"name": "a", "nam": ""}]') == [
        ("entry 1", "it is no object."),
        ("entry 2", "Expected `str`, got `int` - at `$.name`."),
        ("entry 3", "Object contains unknown field `nam`."),
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.yaml", "", "a.yaml: a roster's name ends in .csv or .json."),
        ("a.csv", "", "a.csv: line 1 names each column once, among them `name`."),
        ("a.csv", "email\na@b\n", "a.csv: line 1 names each column once, among them `name`."),
        ("a.csv", "name,name\n", "a.csv: line 1 names each column once, among them `name`."),
        ("a.csv", "name,mail\n", "a.csv: line 1: there is no column mail, but there are name, "),
        ("a.csv", 'name\nanna\n"ben', "a.csv: line 3: unexpected end of data."),
        ("a.csv", "name\n" + "n" * 200_000, "a.csv: line 2: field larger than field limit"),
        ("a.csv", b"name\n\xff\n", "a.csv: 'utf-8' codec can't decode"),
        ("a.json", "{}", "a.json: it is a list of objects."),
        ("a.json", "[", "a.json: Input data was truncated"),
        ("a.json", "[" * 100_000, "a.json: "),
        ("a.csv", "name\n" + "a\n" * 5_001, "a.csv: a roster has 5000 people at the most."),
        ("a.csv", b" " * (8 * 1024 * 1024 + 1), "a.csv: a roster has 8388608 bytes at the most."),
    ],
)
def test_a_file_that_is_no_roster_is_refused(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    assert refusal(tmp_path, name, content).startswith(message)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=r"none\.csv can't be read: No such file"):
        roster.read(tmp_path / "none.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ValidationError, match=r"folder\.csv can't be read: Is a directory"):
        roster.read(tmp_path / "folder.csv")
