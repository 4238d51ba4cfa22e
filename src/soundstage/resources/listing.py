"""One page of a list, oldest first, for the list operations of every noun."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

from sqlalchemy import ColumnElement

from soundstage.kit.pages import BadPageTokenError, Cursor, scope_of
from soundstage.kit.records import Records
from soundstage.resources.request import Request
from soundstage.wire.codes import Code
from soundstage.wire.faults import ValidationError

PAGE_SIZE = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Listed(Protocol):
    """What a record must have to be listed."""

    @property
    def id(self) -> str: ...
    @property
    def created_at(self) -> datetime: ...


Record = TypeVar("Record", bound=Any)
Item = TypeVar("Item")


def page(
    request: Request,
    records: Records[Record],
    *where: ColumnElement[bool],
    equal: Mapping[str, Any],
    operation: str,
    filters: dict[str, Any],
    next_token: str | None,
    size: int = PAGE_SIZE,
) -> tuple[list[Record], str | None]:
    """Read the page of a noun's records that `next_token` asks for, and the token of the next:
    those whose columns `equal` these values, and that fit in every other way.

    Raises ValidationError for a token that was changed or belongs to another list.
    """

    def fetch(cursor: Cursor | None, limit: int) -> list[Record]:
        after = None
        if cursor is not None:
            microseconds, record_id = cursor
            after = _EPOCH + timedelta(microseconds=int(microseconds)), str(record_id)
        return records.page(request.transaction, *where, equal=equal, after=after, limit=limit)

    return page_of(
        request,
        fetch,
        cursor_of=_cursor_of,
        operation=operation,
        filters=filters,
        next_token=next_token,
        size=size,
    )


def page_among(
    request: Request,
    found: Sequence[Record],
    *,
    operation: str,
    filters: dict[str, Any],
    next_token: str | None,
) -> tuple[list[Record], str | None]:
    """Give the page of records that were found already, in the order of lists.

    Raises ValidationError for a token that was changed or belongs to another list.
    """

    def fetch(cursor: Cursor | None, limit: int) -> list[Record]:
        return [each for each in found if cursor is None or _cursor_of(each) > cursor][:limit]

    return page_of(
        request,
        fetch,
        cursor_of=_cursor_of,
        operation=operation,
        filters=filters,
        next_token=next_token,
    )


def page_of(
    request: Request,
    fetch: Callable[[Cursor | None, int], Sequence[Item]],
    *,
    cursor_of: Callable[[Item], Cursor],
    operation: str,
    filters: dict[str, Any],
    next_token: str | None,
    size: int = PAGE_SIZE,
) -> tuple[list[Item], str | None]:
    """Read a page of anything that has an order: `fetch` gives up to so many items after a cursor.

    Raises ValidationError for a token that was changed or belongs to another list.
    """
    scope = scope_of(request.caller.principal_id, operation, filters)
    try:
        cursor = request.pages.read(next_token, scope=scope)
    except BadPageTokenError:
        raise ValidationError(
            "nextToken: this token is not of this list. Begin again without one.",
            code=Code.PAGE_GONE,
        ) from None
    return request.pages.cut(fetch(cursor, size + 1), size, cursor_of=cursor_of, scope=scope)


def _cursor_of(record: Listed) -> Cursor:
    return [(record.created_at - _EPOCH) // timedelta(microseconds=1), record.id]
