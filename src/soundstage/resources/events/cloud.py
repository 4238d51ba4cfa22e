"""An event as CloudEvents 1.0 writes it in JSON; for the event stream and for webhooks."""

from typing import Any

import msgspec

from soundstage.kit.journal import Entry
from soundstage.resources.events.model import id_of
from soundstage.wire.operation import BASE_PATH

CONTENT_TYPE = "application/cloudevents+json"


class EventData(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What an event says beyond the envelope."""

    actor: str
    studio_id: str = ""
    owned_by: str | None = None
    operation: str | None = None
    request_id: str | None = None
    detail: dict[str, Any] = {}


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The envelope, by the names of the standard."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    datacontenttype: str
    data: EventData


def write(entry: Entry, address: str) -> bytes:
    """Write an event; `address` is that of the installation. Whence a call came stays in the trail:
    addresses of people are nobody's business outside.
    """
    place = f"/studios/{entry.studio_id}" if entry.studio_id else ""
    return msgspec.json.encode(
        CloudEvent(
            specversion="1.0",
            id=id_of(entry.sequence),
            source=f"{address}{BASE_PATH}{place}",
            type=f"soundstage.{entry.kind}",
            subject=entry.subject,
            time=entry.at.isoformat().replace("+00:00", "Z"),
            datacontenttype="application/json",
            data=EventData(
                actor=entry.actor,
                studio_id=entry.studio_id,
                owned_by=entry.owned_by,
                operation=entry.operation,
                request_id=entry.request_id,
                detail=entry.detail,
            ),
        )
    )
