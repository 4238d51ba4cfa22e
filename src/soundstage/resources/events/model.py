"""What may be asked of the trail of events. No I/O."""

from datetime import datetime
from enum import StrEnum

import msgspec


class EventOrder(StrEnum):
    """Which end a list begins at."""

    NEWEST_FIRST = "NEWEST_FIRST"
    OLDEST_FIRST = "OLDEST_FIRST"


class EventScope(StrEnum):
    """Of what the events are told."""

    STUDIO = "STUDIO"
    INSTALLATION = "INSTALLATION"
    """Of people, keys and sign-ins, which belong to no studio; the operator may ask."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which events; None leaves it open."""

    studio_id: str
    """Empty: those of the whole installation."""
    owned_by: str | None = None
    actor: str | None = None
    subject: str | None = None
    kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Before this moment."""


def number_of(event_id: str) -> int | None:
    """Read an event's sequence number out of its id; None where it is none."""
    is_number = event_id.isascii() and event_id.isdigit() and len(event_id) <= _DIGITS
    return int(event_id) if is_number else None


def id_of(sequence: int) -> str:
    """Write an event's id: sorted as text, ids are sorted by time."""
    return f"{sequence:0{_DIGITS}}"


_DIGITS = 16
