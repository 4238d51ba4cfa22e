"""Long lists are found through by words and states, all in the address and without script."""

import re
from typing import TYPE_CHECKING

import pytest

from soundstage.portal.admin.finding import Found, find
from soundstage.portal.stage import Asked

if TYPE_CHECKING:
    from tests.portal.admin.conftest import Office

LINES = [(f"Profile {number}", "bad" if number % 10 == 0 else "good") for number in range(120)]


def asked(**query: str) -> Asked:
    return Asked(login=None, client=None, path={}, query=query, form={})  # type: ignore[arg-type]  # Only the query is read.


def found(**query: str) -> Found[tuple[str, str]]:
    return find(
        LINES,
        asked(**query),
        texts=lambda line: [line[0], "for animation"],
        group=lambda line: line[1],
        groups=("good", "busy", "bad"),
    )


@pytest.mark.parametrize(
    ("query", "shown", "total", "pages"),
    [
        ({}, 50, 120, 3),
        ({"page": "3"}, 20, 120, 3),
        ({"page": "99"}, 20, 120, 3),
        ({"find": "ANIMATION profile 11"}, 11, 11, 1),
        ({"find": "render"}, 0, 0, 1),
        ({"state": "bad"}, 12, 120, 1),
        ({"state": "nonsense"}, 50, 120, 3),
        ({"state": "busy"}, 0, 120, 1),
    ],
)
def test_words_and_states_leave_what_fits(
    query: dict[str, str], shown: int, total: int, pages: int
) -> None:
    each = found(**query)
    assert (len(each.rows), each.total, each.pages) == (shown, total, pages)


def test_states_are_counted_of_what_has_the_words() -> None:
    assert found(find="profile 10").counts == [("good", 9), ("bad", 3)]
    # One that is chosen stays to be unchosen.
    assert found(state="busy").counts == [("good", 108), ("busy", 0), ("bad", 12)]


def test_an_address_has_what_was_asked_for() -> None:
    each = found(find="a&b", state="bad")
    assert each.at("/x", state="") == "/x?find=a%26b"
    assert each.page_at("/x") == "/x?find=a%26b&state=bad&page="
    assert found().page_at("/x") == "/x?page="
    assert len(found(find="x" * 500).find) == 100


@pytest.mark.parametrize("kind", ["profiles", "images", "components"])
def test_every_list_can_be_found_through(office: "Office", kind: str) -> None:
    calls = {
        "images": ("CreateStreamingImage", {"ec2ImageId": "ami-x"}),
        "components": ("CreateStudioComponent", {"type": "CUSTOM"}),
    }
    for name in ("Animation", "Lighting"):
        if kind == "profiles":
            client, where = office.world.operator, {"studioId": office.studio.id}
            made = office.world.profile(office.studio.id)
            which = {"launchProfileId": made["launchProfileId"]}
            client.call("UpdateLaunchProfile", **where, **which, name=name)
        else:
            operation, more = calls[kind]
            office.world.operator.call(operation, studioId=office.studio.id, name=name, **more)
    office.world.settle()
    page = office.see(f"{kind}?find=anim&state=good").text
    assert "Animation" in page
    assert "Lighting" not in page
    assert re.search(r'name="find" value="anim"', page)
    assert 'name="state" value="good"' in page
    empty = office.see(f"{kind}?find=%3Cb%3E").text
    assert "Nothing matches" in empty
    assert "<b>" not in empty


def test_people_are_found_by_name_and_by_what_they_are(office: "Office") -> None:
    page = office.see("people?find=ann").text
    assert ">anna<" in page
    assert ">ben<" not in page
    page = office.see("people?state=administrator").text
    assert ">ben<" in page
    assert "<span>anna</span>" not in page
    assert "Nothing matches" in office.see("people?find=nobody-like-that").text
