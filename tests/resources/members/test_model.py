"""What may be told of a person."""

import unicodedata

import msgspec
import pytest

from soundstage.resources.members.model import Newcomer, checked, checked_name
from soundstage.wire.faults import ValidationError

ID = "92677b4b19-e9fd012a-94ad-4f16-9866-c69a63ab6486"


@pytest.mark.parametrize("name", ["a", "n" * 64, "ben o'hara", "Ännä", "a-b", "a@b.example", "王"])
def test_names_are_plain_and_short(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", " ", "n" * 65, "a\nb", "a\x00b", "\x1b[31m", " a", "a ", "-a", "\u202ea", "a\ud800"],
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="a name has 1 to 64 printable characters"):
        checked_name(name)


def test_two_spellings_of_one_name_are_one() -> None:
    spellings = {unicodedata.normalize(form, "Ännä") for form in ("NFC", "NFD")}
    assert len(spellings) == 2
    assert {checked_name(name) for name in spellings} == {"Ännä"}


def test_all_that_can_be_told_at_its_longest() -> None:
    newcomer = Newcomer(
        name="n" * 64,
        display_name="Ä" * 256,
        email="e" * 250 + "@b.c",
        principal_id=ID,
        administrator_of="us-west-2:stid-0",
    )
    assert checked(newcomer) == newcomer
    assert checked(Newcomer(name="a", principal_id=ID[11:])).principal_id == ID[11:]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("name", "operator"),
        ("display_name", ""),
        ("display_name", "d" * 257),
        ("display_name", "a\nb"),
        ("email", "nobody"),
        ("email", "@b"),
        ("email", "a@"),
        ("email", "e" * 251 + "@b.c"),
        ("principal_id", "anna"),
        ("principal_id", f"{ID}\n"),
        ("principal_id", "AROAEXAMPLE:operator"),
    ],
)
def test_what_is_wrong_is_named(member: str, value: str) -> None:
    newcomer = msgspec.structs.replace(Newcomer(name="a"), **{member: value})
    words = member.split("_")
    with pytest.raises(ValidationError) as caught:
        checked(newcomer)
    assert caught.value.message.startswith(words[0] + "".join(map(str.title, words[1:])) + ": ")
