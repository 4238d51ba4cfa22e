"""Notes in the journal what calls do: on what occasion their services write, a call of which nobody
else says what it changed, and who was refused.

`app` calls it. What was given is noted by name only, because values may be secrets.
"""

from datetime import datetime
from functools import cache

import msgspec
from sqlalchemy import Connection

from soundstage.api.exchange import Received
from soundstage.api.routes import Match
from soundstage.kit import journal, occasion
from soundstage.kit.occasion import Occasion
from soundstage.resources.request import Caller
from soundstage.wire import arn
from soundstage.wire.arn import ArnKind
from soundstage.wire.shapes import Shape

REFUSED = "calls.REFUSED"
_NAMED = {
    "backupId": ArnKind.STREAMING_SESSION_BACKUP,
    "sessionId": ArnKind.STREAMING_SESSION,
    "launchProfileId": ArnKind.LAUNCH_PROFILE,
    "streamingImageId": ArnKind.STREAMING_IMAGE,
    "studioComponentId": ArnKind.STUDIO_COMPONENT,
    "studioId": ArnKind.STUDIO,
}
"""What a label of a path names; the most particular first."""
_LONGEST_ID = 128
_UNTOLD = {"studioId", "clientToken"}


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request of somebody known, and the operation that it asks for."""

    received: Received
    match: Match
    caller: Caller
    address: str
    now: datetime

    @property
    def studio_id(self) -> str:
        """The studio in the path; empty where there is none."""
        return self.match.labels.get("studioId", "")[:64]

    @property
    def subject(self) -> str:
        """What the path names, as an ARN ends."""
        labels = self.match.labels
        for label, kind in _NAMED.items():
            if label in labels:
                return f"{kind}/{labels[label][:_LONGEST_ID]}"
        try:
            named = arn.parse(labels.get("resourceArn", ""))
        except arn.BadArnError:
            return "installation/"
        return f"{named.kind}/{named.resource_id}"


def begin(transaction: Connection, call: Call, given: Shape) -> None:
    """Say on what occasion the operation's service writes."""
    occasion.begin(transaction, _occasion(call, _members(given)))


def finish(transaction: Connection, call: Call) -> None:
    """Note the call itself, unless its service noted what it changed."""
    if not occasion.is_noted(transaction):
        _append(transaction, call, f"calls.{call.match.row.operation.name}")


def refuse(transaction: Connection, call: Call) -> None:
    """Note that the caller was not allowed to do this."""
    occasion.begin(transaction, _occasion(call, ()))
    _append(transaction, call, REFUSED)


def _append(transaction: Connection, call: Call, kind: str) -> None:
    journal.append(
        transaction,
        at=call.now,
        kind=kind,
        subject=call.subject,
        actor=call.caller.principal_id,
        studio_id=call.studio_id,
        detail={"principalId": call.match.labels.get("principalId")},
    )


def _occasion(call: Call, members: tuple[str, ...]) -> Occasion:
    return Occasion(
        operation=call.match.row.operation.name,
        request_id=call.received.request_id,
        source_address=call.address,
        members=members,
    )


def _members(given: Shape) -> tuple[str, ...]:
    """Name what was given, by the wire's names."""
    return tuple([wire for name, wire in _told(type(given)) if getattr(given, name) is not None])


@cache
def _told(kind: type[Shape]) -> tuple[tuple[str, str], ...]:
    """Pair the names of a shape's members that may be told."""
    names = zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True)
    return tuple((name, wire) for name, wire in names if wire not in _UNTOLD)
