"""What can be asked of the trail of events; called by its operation and by webhooks."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from soundstage.kit import journal
from soundstage.kit.journal import Entry
from soundstage.resources import listing
from soundstage.resources.events import store
from soundstage.resources.events.model import EventOrder, EventScope, Wanted
from soundstage.resources.request import CallerKind, Request
from soundstage.resources.studios import service as studios
from soundstage.wire import arn
from soundstage.wire.codes import Code
from soundstage.wire.faults import AccessDeniedError, ValidationError

AT_ONCE = 100


def wanted(
    request: Request,
    studio_id: str,
    *,
    scope: EventScope,
    owned_by: str | None,
    actor: str | None,
    resource: str | None,
    kind: str | None,
    since: datetime | None,
    until: datetime | None,
) -> Wanted:
    """Check what is asked for. Raises NotFoundError, ValidationError and AccessDeniedError."""
    studios.find(request.transaction, studio_id)
    if scope is EventScope.INSTALLATION and request.caller.kind is not CallerKind.OPERATOR:
        raise AccessDeniedError(
            "scope: events of the whole installation are the operator's.",
            code=Code.NOT_ALLOWED,
            context={"operation": "ListEvents"},
        )
    return Wanted(
        studio_id=studio_id if scope is EventScope.STUDIO else "",
        owned_by=owned_by,
        actor=actor,
        subject=None if resource is None else _subject(resource),
        kind=kind,
        since=_in_utc("startTime", since),
        until=_in_utc("endTime", until),
    )


def list_page(
    request: Request,
    studio_id: str,
    wanted: Wanted,
    *,
    order: EventOrder,
    next_token: str | None,
    size: int,
) -> tuple[list[Entry], str | None]:
    """List events, a page at a time."""
    told: dict[str, Any] = msgspec.to_builtins(wanted)
    return listing.page_of(
        request,
        lambda cursor, limit: store.page(request.transaction, wanted, order, cursor, limit),
        cursor_of=store.cursor_of,
        operation="ListEvents",
        filters={**told, "studioId": studio_id, "order": order},
        next_token=next_token,
        size=size,
    )


def follow(transaction: Connection, wanted: Wanted, after: int | None) -> tuple[list[Entry], int]:
    """Read some of what is new behind a number, and say where to go on; None begins with now."""
    through = journal.last(transaction)
    if after is None or after > through:
        return [], through
    found = store.after(transaction, wanted, after, through, AT_ONCE)
    return found, found[-1].sequence if len(found) == AT_ONCE else through


def _subject(resource: str) -> str:
    """Take an ARN, or the end of one."""
    if not resource.startswith("arn:"):
        return resource
    try:
        named = arn.parse(resource)
    except arn.BadArnError as error:
        raise ValidationError(
            f"resource: {error}", code=Code.UNFIT, context={"member": "resource"}
        ) from None
    return f"{named.kind}/{named.resource_id}"


def _in_utc(member: str, moment: datetime | None) -> datetime | None:
    try:
        return None if moment is None else moment.astimezone(UTC)
    except OverflowError:
        raise ValidationError(
            f"{member}: this moment is out of range.",
            code=Code.UNFIT,
            context={"member": member},
        ) from None
