"""Whoever runs an installation makes its first studio by a form."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from soundstage.portal.admin.founding import PATH
from soundstage.testing.visitor import Visitor
from soundstage.testing.world import World, world

if TYPE_CHECKING:
    from tests.portal.admin.conftest import Office


@pytest.fixture
def empty(home: Path) -> Iterator[World]:
    with world(home, throttle_sign_ins_per_minute=0) as made:
        yield made


def test_an_installation_without_a_studio_leads_to_the_form(empty: World) -> None:
    operator = Visitor(empty).sign_in("operator")
    assert f'href="{PATH}"' in operator.get("/").text
    assert operator.get("/admin").headers["Location"] == PATH
    page = operator.get(PATH)
    # As the API has it.
    assert 'pattern="[a-z0-9]*"' in page.text
    assert 'maxlength="64"' in page.text
    sent = operator.submit(page, PATH, displayName="Little Films", studioName="little")
    empty.settle()
    (studio,) = empty.operator.pages("ListStudios")
    assert (studio["displayName"], studio["studioName"]) == ("Little Films", "little")
    assert sent.headers["Location"].endswith("/images")
    after = operator.get(sent.headers["Location"])
    assert after.status_code == 200
    assert "Little Films" in after.text


def test_all_that_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(
    empty: World,
) -> None:
    operator = Visitor(empty).sign_in("operator")
    wrong = {"displayName": "x" * 65, "studioName": "Little Films"}
    refused = operator.submit(operator.get(PATH), PATH, **wrong)
    assert refused.status_code == 400
    for field, value in wrong.items():
        assert f'id="f-{field}-problem"' in refused.text
        assert f'value="{value}"' in refused.text
    assert list(empty.operator.pages("ListStudios")) == []


def test_sending_it_twice_makes_one_and_a_name_that_is_taken_is_said(empty: World) -> None:
    operator = Visitor(empty).sign_in("operator")
    page = operator.get(PATH)
    for _ in range(2):
        assert operator.submit(page, PATH, displayName="A", studioName="abc").status_code == 303
    assert len(list(empty.operator.pages("ListStudios"))) == 1
    taken = operator.submit(operator.get(PATH), PATH, displayName="B", studioName="abc")
    assert taken.status_code == 409
    assert "Another one has this name already." in taken.text
    assert 'value="abc"' in taken.text


def test_nobody_else_makes_one(office: "Office") -> None:
    for who in (office.ben, office.anna):
        assert who.get(PATH).status_code == 403
        token = who.get("/logins").text.partition('name="token" value="')[2][:64]
        fields = {"token": token, "displayName": "Mine", "studioName": "mine"}
        assert who.post(PATH, fields).status_code == 403
    studios = office.world.operator.pages("ListStudios")
    assert all(each["studioName"] != "mine" for each in studios)
