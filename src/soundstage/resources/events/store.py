"""Reads the events that are asked for; the table itself is the journal's."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, or_

from soundstage.kit import journal
from soundstage.kit.journal import Entry
from soundstage.kit.pages import Cursor
from soundstage.resources.events.model import EventOrder, Wanted

_COLUMNS = journal.journal.c
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def page(
    transaction: Connection, wanted: Wanted, order: EventOrder, cursor: Cursor | None, limit: int
) -> list[Entry]:
    """Read the events after a cursor, in the order of their moments."""
    where = _fitting(wanted)
    is_falling = order is EventOrder.NEWEST_FIRST
    at, sequence = _COLUMNS.at, _COLUMNS.sequence
    if cursor is not None:
        moment = _EPOCH + timedelta(microseconds=int(cursor[0]))
        number = int(cursor[1])
        # Said twice, because an index is searched by the first and not by an OR.
        if is_falling:
            where += [at <= moment, or_(at < moment, sequence < number)]
        else:
            where += [at >= moment, or_(at > moment, sequence > number)]
    ordered = [at.desc(), sequence.desc()] if is_falling else [at, sequence]
    return journal.find(transaction, *where, order=ordered, limit=limit)


def cursor_of(entry: Entry) -> Cursor:
    """Say where a list goes on after an event."""
    return [(entry.at - _EPOCH) // timedelta(microseconds=1), entry.sequence]


def after(
    transaction: Connection, wanted: Wanted, sequence: int, through: int, limit: int
) -> list[Entry]:
    """Read the events behind a number and up to another, in their order."""
    column = _COLUMNS.sequence
    span = and_(column > sequence, column <= through)
    return journal.find(transaction, span, *_fitting(wanted), order=[column], limit=limit)


def _fitting(wanted: Wanted) -> list[ColumnElement[bool]]:
    equal = {
        "owned_by": wanted.owned_by,
        "actor": wanted.actor,
        "subject": wanted.subject,
        "kind": wanted.kind,
    }
    where = [_COLUMNS.studio_id == wanted.studio_id]
    where += [_COLUMNS[name] == value for name, value in equal.items() if value is not None]
    if wanted.since is not None:
        where.append(_COLUMNS.at >= wanted.since)
    if wanted.until is not None:
        where.append(_COLUMNS.at < wanted.until)
    return where
