"""The operation on events, an addition to the public API."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from soundstage.kit.journal import Entry
from soundstage.resources.events import cloud, service
from soundstage.resources.events.model import EventOrder, EventScope, Wanted, id_of, number_of
from soundstage.resources.request import Request
from soundstage.wire.operation import Grant, News, Operation, Permission
from soundstage.wire.shapes import MaxResults, Shape

LARGEST_PAGE = 100
_Told = Annotated[str, Meta(min_length=1, max_length=256)]
_Moment = Annotated[datetime, Meta(tz=True)]
_CHANGE = {"oldState", "state", "statusCode", "statusMessage"}


class Event(Shape, frozen=True, kw_only=True):
    """One thing that happened."""

    event_id: str
    """Sorted as text, ids are sorted by time."""
    created_at: datetime
    type: str
    """Noun and what became of it, or what it did: `sessions.READY`, `calls.TagResource`."""
    resource: str
    """Kind and id, as an ARN ends."""
    actor: str
    """Who caused it; `soundstage` for what the service does by itself."""
    owned_by: str | None = None
    """Whose session it is about."""
    operation: str | None = None
    request_id: str | None = None
    source_address: str | None = None
    old_state: str | None = None
    state: str | None = None
    status_code: str | None = None
    status_message: str | None = None
    details: dict[str, str] | None = None
    """Whatever else is known; what is no text is JSON."""


class ListEventsInput(Shape, frozen=True, kw_only=True):
    """Which events."""

    studio_id: str
    actor: _Told | None = None
    """The principal that caused them."""
    end_time: _Moment | None = None
    """Before this moment, such as 2030-01-01T00:00:00Z."""
    max_results: MaxResults | None = None
    next_token: str | None = None
    order: EventOrder | None = None
    """NEWEST_FIRST unless it is said."""
    owned_by: _Told | None = None
    """Of the sessions, streams and backups of this person. Who is no administrator must name
    themselves.
    """
    resource: _Told | None = None
    """An ARN, or how one ends: streaming-session/…"""
    scope: EventScope | None = None
    """STUDIO unless it is said; INSTALLATION for people, keys and sign-ins."""
    start_time: _Moment | None = None
    """From this moment on."""
    type: _Told | None = None
    """Such as sessions.READY or calls.REFUSED."""


class ListEventsOutput(Shape, frozen=True, kw_only=True):
    """A page of events."""

    events: list[Event]
    next_token: str | None = None


def list_events(request: Request, given: ListEventsInput) -> ListEventsOutput:
    """List what happened in a studio: every change of a state, every call that changed something,
    every refusal, sign-ins, opened streams and files taken.
    """
    found, next_token = service.list_page(
        request,
        given.studio_id,
        _wanted(request, given),
        order=given.order or EventOrder.NEWEST_FIRST,
        next_token=given.next_token,
        size=given.max_results or LARGEST_PAGE,
    )
    return ListEventsOutput(events=[show(entry) for entry in found], next_token=next_token)


def follow_events(request: Request, given: ListEventsInput, last_id: str | None) -> News:
    """Give what is new behind an event, as CloudEvents."""
    after = None if last_id is None else number_of(last_id)
    entries, through = service.follow(request.transaction, _wanted(request, given), after)
    address = request.installation.address
    texts = [(id_of(entry.sequence), cloud.write(entry, address)) for entry in entries]
    return News(last_id=id_of(through), items=texts)


def show(entry: Entry) -> Event:
    """Show an event."""
    detail = entry.detail
    rest = {name: _text(value) for name, value in detail.items() if name not in _CHANGE}
    return Event(
        event_id=id_of(entry.sequence),
        created_at=entry.at,
        type=entry.kind,
        resource=entry.subject,
        actor=entry.actor,
        owned_by=entry.owned_by,
        operation=entry.operation,
        request_id=entry.request_id,
        source_address=entry.source_address,
        old_state=detail.get("oldState"),
        state=detail.get("state"),
        status_code=detail.get("statusCode"),
        status_message=detail.get("statusMessage"),
        details=rest or None,
    )


def _wanted(request: Request, given: ListEventsInput) -> Wanted:
    return service.wanted(
        request,
        given.studio_id,
        scope=given.scope or EventScope.STUDIO,
        owned_by=given.owned_by,
        actor=given.actor,
        resource=given.resource,
        kind=given.type,
        since=given.start_time,
        until=given.end_time,
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


OPERATIONS = [
    Operation(
        name="ListEvents",
        method="GET",
        path="/studios/{studioId}/events",
        input=ListEventsInput,
        output=ListEventsOutput,
        permission=Permission(administrator=Grant.ALWAYS, user=Grant.OWN_LIST),
        handler=list_events,
        paginates="events",
        follow=follow_events,
    ),
]
