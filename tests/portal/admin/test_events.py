"""The page of events: filters, pages, refusals, and the same as a file."""

import csv
import json
from io import StringIO
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import anyio
import pytest
from msgspec import json as msgspec_json

from soundstage.client.calls import CallError, Client
from soundstage.portal.admin import events
from soundstage.portal.admin.events import in_utc

if TYPE_CHECKING:
    from tests.portal.admin.conftest import Office


def listed(office: "Office", **filters: Any) -> list[dict[str, Any]]:
    return list(office.world.operator.pages("ListEvents", studioId=office.studio.id, **filters))


def shown(page: str) -> list[str]:
    """Give the ids of the events on a page, in its order."""
    return [each.partition("<")[0] for each in page.split("<dt>Event</dt><dd><code>")[1:]]


def test_the_newest_come_first_and_the_older_ones_are_pages_further(office: "Office") -> None:
    office.studio.delete(office.studio.launch())
    for number in range(60):
        office.world.operator.call(
            "UpdateLaunchProfile",
            studioId=office.studio.id,
            launchProfileId=office.studio.profile_id,
            description=f"{number}",
        )
        office.world.settle()
    everything = [each["eventId"] for each in listed(office)]
    page, seen = office.see("events"), list[str]()
    assert "To the newest" not in page.text
    while True:
        seen += shown(page.text)
        _, found, rest = page.text.rpartition('">Older</a>')
        if not found:
            break
        link = page.text.rpartition('">Older</a>')[0].rpartition('href="')[2]
        page = office.operator.get(link.replace("&amp;", "&"))
        assert "To the newest" in page.text
        assert rest
    assert seen == everything
    assert len(seen) > 120


def test_who_was_refused_stands_out_with_what_they_asked_for(office: "Office") -> None:
    refused = office.world.client("anna")
    with pytest.raises(Exception, match="allowed"):
        refused.call("DeleteStudio", studioId=office.studio.id)
    page = office.see("events?kind=calls.REFUSED", office.ben).text
    assert page.count('class="refused"') == len(shown(page)) == 1
    assert '<span class="status bad">Refused</span> <code>DeleteStudio</code>' in page
    assert "anna" in page.partition('class="refused"')[2].partition("</tr>")[0]
    assert 'class="refused"' not in office.see("events?kind=sessions.READY").text


def test_filters_let_through_what_they_name(office: "Office") -> None:
    anna = office.world.principal_id("anna")
    session = office.studio.launch(ownedBy=anna)
    resource = f"streaming-session/{session['sessionId']}"
    one = office.see(f"events?resource={resource}").text
    found = [each["eventId"] for each in listed(office, resource=resource)]
    assert shown(one) == found
    for query, expected in (
        (f"resource={resource}&kind=sessions.READY", 1),
        (f"resource={resource}&person=soundstage", 1),
        (f"resource={resource}&person={anna}", 0),
        (f"resource={resource}&until=2001-01-01T00:00", 0),
        (f"resource={resource}&from=2001-01-01", len(found)),
        ("person=nobody&kind=no.SUCH", 0),
    ):
        page = office.see(f"events?{query}")
        assert len(shown(page.text)) == expected, query
        assert page.status_code == 200
    nothing = office.see("events?person=nobody&kind=no.SUCH").text
    assert '<option value="nobody" selected>nobody</option>' in nothing
    assert '<option value="no.SUCH" selected>no.SUCH</option>' in nothing
    assert "Nothing like that happened" in nothing
    office.studio.delete(session)


def test_what_can_t_be_read_is_said_with_the_filters_as_typed(office: "Office") -> None:
    for query, said in (
        ("from=soon", "From, in UTC: It has another form"),
        ("after=x", "Begin at its top again"),
        ("resource=arn:x", "It has another form"),
    ):
        page = office.see(f"events?{query}&person=<b>")
        assert page.status_code == 400
        assert said in page.text.partition('role="alert">')[2].partition("</p>")[0]
        assert "<b>" not in page.text


def test_the_installation_is_the_operator_s(office: "Office") -> None:
    page = office.see("events?of=INSTALLATION").text
    assert "people.CREATED" in page
    assert "Sign-ins" in page
    assert office.see("events?of=INSTALLATION", office.ben).status_code == 403
    assert "People, keys and sign-ins" not in office.see("events", office.ben).text


def test_a_workstation_leads_to_what_happened_to_it(office: "Office") -> None:
    session = office.studio.launch(ownedBy=office.world.principal_id("anna"))
    where = f"{office.path.replace('/admin/', '/workstations/')}/{session['sessionId']}"
    link = f"{office.path}/events?resource=streaming-session/{session['sessionId']}"
    assert f'href="{link}"' in office.ben.get(where).text
    assert "/events?" not in office.anna.get(where).text.partition("<main")[2].replace(
        'data-events="/events?', ""
    )
    office.studio.delete(session)


@pytest.mark.parametrize("query", ["", "?kind=sessions.READY", "?of=INSTALLATION"])
def test_a_file_has_what_is_filtered(office: "Office", query: str) -> None:
    names = {"kind": "type", "of": "scope"}
    name, _, value = query[1:].partition("=")
    expected = listed(office, **({names[name]: value} if query else {}))
    table = office.see(f"events/file/csv{query}")
    assert table.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert table.headers["Content-Disposition"].startswith('attachment; filename="events-')
    assert table.headers["Cache-Control"] == "no-store"
    lines = [json.loads(line) for line in office.see(f"events/file/json{query}").text.splitlines()]
    assert lines == json.loads(msgspec_json.encode(expected))
    rows = list(csv.DictReader(StringIO(table.text)))
    assert [row["eventId"] for row in rows] == [each["eventId"] for each in expected]


def test_a_file_that_is_not_whole_says_so(
    office: "Office", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MOST_IN_A_FILE", 2)
    monkeypatch.setattr(events, "_IN_A_PIECE", 2)
    lines = office.see("events/file/json").text.splitlines()
    assert len(lines) == 3
    assert json.loads(lines[-1])["statusMessage"].startswith("Only the newest 2 events")


def test_a_file_waits_where_its_reader_asked_for_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_BUSY_SECONDS", 0)
    answers = [CallError("ThrottlingException", 429, "Too many reads.")] * 3

    class Busy(Client):
        def __init__(self) -> None:
            pass

        def call(self, name: str, /, **members: Any) -> dict[str, Any]:
            if answers:
                raise answers.pop()
            return {"events": [], "asked": (name, members)}

    page = anyio.run(events._next, Busy(), {"nextToken": "x"})
    assert page["asked"] == ("ListEvents", {"nextToken": "x"})
    answers = [CallError("AccessDeniedException", 403, "No.")]
    with pytest.raises(CallError, match="No"):
        anyio.run(events._next, Busy(), {})


def test_a_file_is_refused_in_a_page(office: "Office") -> None:
    assert office.see("events/file/exe").status_code == 404
    assert office.see("events/file/csv?of=INSTALLATION", office.ben).status_code == 403
    assert office.see("events/file/csv", office.anna).status_code == 403
    bad = office.see(f"events/file/csv?from={quote('<script>')}")
    assert bad.status_code == 400
    assert "<script>" not in bad.text


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("2030-01-31", "2030-01-31T00:00:00Z"),
        ("2030-01-31T12:00", "2030-01-31T12:00:00Z"),
        ("2030-01-31T12:00:30", "2030-01-31T12:00:30Z"),
        ("2030-01-31T12:00:00Z", "2030-01-31T12:00:00Z"),
        ("", ""),
    ],
)
def test_what_browsers_send_is_in_utc(typed: str, told: str) -> None:
    assert in_utc(typed) == told
