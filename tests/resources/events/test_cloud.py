"""Events are CloudEvents 1.0 to a library that is not ours, and tell no addresses of people."""

from datetime import UTC, datetime

import msgspec
from cloudevents.core.bindings.http import HTTPMessage, from_http_event

from soundstage.kit.journal import Entry
from soundstage.resources.events import cloud

ENTRY = Entry(
    sequence=7,
    at=datetime(2030, 1, 1, 12, 30, 15, 250_000, tzinfo=UTC),
    studio_id="us-west-2:stid-nyoqq12fteqy1x48",
    kind="sessions.READY",
    subject="streaming-session/abc",
    actor="soundstage",
    owned_by="ann",
    operation=None,
    request_id="r",
    source_address="203.0.113.9",
    detail={"oldState": "CREATE_IN_PROGRESS", "state": "READY"},
)


def test_the_library_reads_them() -> None:
    body = cloud.write(ENTRY, "https://studio.example")
    read = from_http_event(HTTPMessage(headers={"content-type": cloud.CONTENT_TYPE}, body=body))
    assert read.get_id() == "0000000000000007"
    assert read.get_type() == "soundstage.sessions.READY"
    assert read.get_source() == (
        "https://studio.example/2020-08-01/studios/us-west-2:stid-nyoqq12fteqy1x48"
    )
    assert read.get_subject() == "streaming-session/abc"
    assert read.get_time() == ENTRY.at
    data = read.get_data()
    assert isinstance(data, dict)
    assert data["detail"] == ENTRY.detail
    assert data["ownedBy"] == "ann"


def test_addresses_of_people_stay_inside() -> None:
    assert b"203.0.113.9" not in cloud.write(ENTRY, "https://studio.example")


def test_what_is_of_the_whole_installation_names_no_studio() -> None:
    entry = msgspec.structs.replace(ENTRY, studio_id="")
    document = msgspec.json.decode(cloud.write(entry, "https://studio.example"))
    assert document["source"] == "https://studio.example/2020-08-01"
    assert "studioId" not in document["data"]
