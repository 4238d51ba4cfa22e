"""All workstations: counted, filtered, and whose they are."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from soundstage.portal.admin.sessions import group_of
from soundstage.resources.backups.model import StreamingSessionState

if TYPE_CHECKING:
    from tests.portal.admin.conftest import Office


@pytest.fixture
def two(office: "Office") -> Iterator[tuple[str, str]]:
    """Give a workstation of anna's that runs and one of the operator's that is stopped."""
    running = office.studio.launch(ownedBy=office.world.principal_id("anna"))
    stopped = office.studio.launch()
    office.studio.stop(stopped)
    yield running["sessionId"], stopped["sessionId"]
    for each in (running, stopped):
        office.studio.delete(each)


def test_filters_let_through_what_they_name(office: "Office", two: tuple[str, str]) -> None:
    running, stopped = two
    everything = office.see("sessions", office.ben).text
    assert "<strong>2</strong> in all" in everything
    assert "<strong>1</strong> stopped" in everything
    anna = office.world.principal_id("anna")
    for query, seen, unseen in (
        ("state=stopped", stopped, running),
        ("state=running", running, stopped),
        (f"person={anna}", running, stopped),
        (f"person={anna}&state=running&profile={office.studio.profile_id}", running, stopped),
    ):
        page = office.see(f"sessions?{query}", office.ben).text
        assert f"s-{seen}" in page
        assert f"s-{unseen}" not in page
    for query in ("state=failed", "state=<script>", "person=nobody", "profile=x&page=-3"):
        page = office.see(f"sessions?{query}", office.ben).text
        assert "No workstation matches" in page
        assert "<script>" not in page


def test_an_administrator_stops_what_is_another_s_and_is_told_whose(
    office: "Office", two: tuple[str, str]
) -> None:
    where = office.path.replace("/admin/", "/workstations/")
    one = f"{where}/{two[0]}"
    page = office.ben.get(one).text
    assert "<dt>Whose</dt><dd>anna</dd>" in page
    assert "No script has run in it." in page
    assert "Whose" not in office.anna.get(one).text
    asked = office.ben.get(f"{one}/stop")
    assert "It is anna" in asked.text
    assert "what is not saved is lost" in asked.text
    assert office.ben.submit(asked, f"{one}/stop").headers["Location"] == one
    office.world.advance(timedelta(seconds=30))
    assert "<strong>2</strong> stopped" in office.see("sessions").text


def test_nothing_yet_is_said(office: "Office") -> None:
    assert "Nobody has a workstation" in office.see("sessions").text


@pytest.mark.parametrize("state", [each for each in StreamingSessionState if each != "DELETED"])
def test_every_state_is_counted_somewhere(state: StreamingSessionState) -> None:
    assert group_of(state) in {"running", "stopped", "moving", "failed"}
