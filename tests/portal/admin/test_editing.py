"""Lists and forms that all kinds have in common."""

import re
from typing import TYPE_CHECKING

import pytest

from soundstage.portal.admin.components import Components
from soundstage.portal.admin.images import Images
from soundstage.portal.admin.profiles import Profiles
from soundstage.portal.admin.webhooks import Webhooks

if TYPE_CHECKING:
    from tests.portal.admin.conftest import Office

KINDS = [Profiles.name, Images.name, Components.name]
ALL = [*KINDS, Webhooks.name]


@pytest.mark.parametrize("kind", KINDS)
def test_names_from_the_studio_are_text(office: "Office", kind: str) -> None:
    name = "<b>&\"'</b>{{7*7}}"
    calls = {
        "images": ("CreateStreamingImage", {"ec2ImageId": "ami-x"}),
        "components": ("CreateStudioComponent", {"type": "CUSTOM"}),
        "profiles": (
            "UpdateLaunchProfile",
            {"launchProfileId": office.studio.profile_id, "description": name},
        ),
    }
    operation, more = calls[kind]
    office.world.operator.call(operation, studioId=office.studio.id, name=name, **more)
    office.world.settle()
    page = office.see(kind).text
    assert "<b>" not in page
    assert "{{7*7}}" in page


@pytest.mark.parametrize("kind", ALL)
def test_what_is_not_there_is_said(office: "Office", kind: str) -> None:
    for path in (f"{kind}/nothing", f"{kind}/nothing/delete", f"{kind}/%3Cscript%3E"):
        answer = office.see(path)
        assert answer.status_code in {400, 404}
        assert "<script>" not in answer.text


@pytest.mark.parametrize("kind", KINDS)
def test_limits_of_the_api_stand_in_the_form(office: "Office", kind: str) -> None:
    page = office.see(f"{kind}/new").text
    assert 'maxlength="64"' in page
    assert "required" in page
    assert "Only whoever runs this installation" not in page


@pytest.mark.parametrize("kind", ALL)
def test_no_link_changes_anything_and_no_form_from_elsewhere(office: "Office", kind: str) -> None:
    assert office.see(f"{kind}/x/members").status_code in {404, 405}
    where = f"{office.path}/{kind}/new"
    assert office.operator.post(where, {"token": "x"}).status_code == 403
    foreign = office.operator.post(where, {"token": "x"}, origin="https://evil.example")
    assert foreign.status_code == 403


@pytest.mark.parametrize("kind", KINDS)
def test_one_leads_to_what_happened_to_it(office: "Office", kind: str) -> None:
    one = office.see(kind).text.partition('id="see-')[2].partition('"')[0]
    link = office.see(f"{kind}/{one}").text.partition(f'href="{office.path}/events?')[2]
    query = link.partition('"')[0]
    assert one in query
    assert "CREATE_IN_PROGRESS" in office.see(f"events?{query}").text


def test_a_form_that_is_refused_without_a_name_is_still_of_the_one_that_it_changes(
    office: "Office",
) -> None:
    where = f"profiles/{office.studio.profile_id}"
    length = {"streamConfiguration.maxSessionLengthInMinutes": "999999"}
    refused = office.send(where, name="", **length)
    assert refused.status_code == 400
    named = re.findall("<h2>(.+?)</h2>", office.see(where).text)
    assert named
    assert named == re.findall("<h2>(.+?)</h2>", refused.text)
    assert 'value="999999"' in refused.text
