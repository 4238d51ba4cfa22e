"""Quotas by a form: what is there, what administrators may, and what they may not."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.portal.admin.conftest import Office

PAGE = "capacity/quotas"


def quota(office: "Office", name: str) -> int:
    told = office.world.operator.call("GetStudioQuotas", studioId=office.studio.id)
    return int(told["quotas"][name])


def test_quotas_are_shown_with_what_is_in_use_and_changed(office: "Office") -> None:
    assert f'href="{office.path}/{PAGE}"' in office.see("capacity", office.ben).text
    page = office.see(PAGE, office.ben)
    field = re.search(r'<input[^>]*name="launchProfiles"[^>]*>', page.text)
    assert field is not None
    for said in ('value="50"', 'min="0"', 'max="1000000"', "required"):
        assert said in field[0]
    assert "1 in use. This installation gives 50." in page.text
    assert "This installation gives 10 to each person." in page.text
    where = f"{office.path}/{PAGE}"
    sent = office.ben.submit(page, where, launchProfiles="40", webhooks="")
    assert sent.headers["Location"] == f"{office.path}/capacity"
    assert (quota(office, "launchProfiles"), quota(office, "webhooks")) == (40, 10)
    assert "1 of 40" in office.see("capacity").text


def test_what_only_the_operator_gives_is_said_beside_its_field(office: "Office") -> None:
    where = f"{office.path}/{PAGE}"
    refused = office.ben.submit(office.see(PAGE, office.ben), where, sessions="501", components="9")
    assert refused.status_code == 400
    assert "Workstations: Administrators may give at most 500" in refused.text
    assert 'id="f-sessions-problem"' in refused.text
    assert 'value="501"' in refused.text
    assert 'value="9"' in refused.text
    assert quota(office, "components") == 100
    assert office.send(PAGE, sessions="501").status_code == 303
    assert quota(office, "sessions") == 501
