"""Events in plain words: every kind has some, and every resource is called as people call it."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from soundstage.portal.admin.telling import host_of, kinds_of, what_of
from soundstage.resources.backups.model import StreamingSessionState
from soundstage.resources.images.model import StreamingImageState
from soundstage.resources.launch_profiles.model import LaunchProfileState
from soundstage.resources.operations import OPERATIONS
from soundstage.resources.streams.model import StreamingSessionStreamState
from soundstage.words.texts import Words

if TYPE_CHECKING:
    from tests.portal.admin.conftest import Office

WORDS = Words()
TRAIL = Path(__file__).parents[3] / "docs" / "explanation" / "trail.md"


@pytest.mark.parametrize(
    ("noun", "states"),
    [
        ("sessions", list(StreamingSessionState)),
        ("streams", list(StreamingSessionStreamState)),
        ("backups", list(StreamingSessionStreamState)),
        ("images", list(StreamingImageState)),
        ("launch_profiles", list(LaunchProfileState)),
    ],
)
def test_every_state_is_told_and_can_be_chosen(noun: str, states: list[str]) -> None:
    offered = {kind for _, some in kinds_of(WORDS, is_of_studio=True) for kind, _ in some}
    for state in states:
        assert "Another event" not in what_of(WORDS, f"{noun}.{state}")
        assert f"{noun}.{state}" in offered


def test_every_kind_that_the_documentation_names_is_told() -> None:
    named = re.findall(r"`([a-z_]+\.[A-Z_]+)`", TRAIL.read_text(encoding="utf-8"))
    assert len(named) > 20
    assert [kind for kind in named if "Another event" in what_of(WORDS, kind)] == []


def test_words_for_calls_are_of_calls() -> None:
    told = set(WORDS.below("happened.calls")) - {"REFUSED"}
    assert told <= {row.name for row in OPERATIONS if row.method != "GET"}


def test_an_unknown_kind_is_shown_as_it_is() -> None:
    assert what_of(WORDS, "calls.Dance") == "Another event: calls.Dance"
    assert what_of(WORDS, "sessions") == "Another event: sessions"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://hooks.example.org/s3cret", "hooks.example.org"),
        ("http://a:b@[::1]:80?x", "[::1]:80"),
        ("odd", "odd"),
    ],
)
def test_of_an_address_the_host_is_named(url: str, host: str) -> None:
    assert host_of(url) == host


def test_resources_are_named_and_lead_to_their_pages(office: "Office") -> None:
    session = office.studio.launch(ownedBy=office.world.principal_id("anna"))
    office.studio.stop(session)
    page = office.see("events", office.ben).text
    where = office.path.replace("/admin/", "/workstations/")
    assert f'<a href="{where}/{session["sessionId"]}">Workstation of anna</a>' in page
    assert "Backup of anna</a>" in page
    assert "The service itself" in page
    assert f'<a href="{office.path}/profiles/{office.studio.profile_id}">Workstation</a>' in page
    # Components are the operator's alone, so an administrator is not led there.
    assert f"{office.path}/components/" not in page
    assert f"{office.path}/components/" in office.see("events").text
    office.studio.delete(session)


def test_a_file_s_name_is_text(office: "Office") -> None:
    office.world.operator.call(
        "CreateStreamingImage", studioId=office.studio.id, name="<b>{{7*7}}", ec2ImageId="ami-x"
    )
    office.world.settle()
    page = office.see("events").text
    assert "&lt;b&gt;{{7*7}}" in page
    assert "<b>" not in page


def test_people_are_named_in_what_happened_to_them(office: "Office") -> None:
    page = office.see("events?of=INSTALLATION").text
    assert "Signed in" in page
    assert '<td>anna<p class="meta">Person</p></td>' in page
    assert "Another event" not in page
