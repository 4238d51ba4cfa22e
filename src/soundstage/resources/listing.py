"""One page of a list, oldest first, for the list operations of every noun."""

from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

from sqlalchemy import ColumnElement

from soundstage.kit.pages import BadPageTokenError, Cursor, scope_of
from soundstage.kit.records import Records
from soundstage.resources.request import Request
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


def page(
    request: Request,
    records: Records[Record],
    *where: ColumnElement[bool],
    operation: str,
    filters: dict[str, Any],
    next_token: str | None,
    size: int = PAGE_SIZE,
) -> tuple[list[Record], str | None]:
    """Read the page that `next_token` asks for, and the token of the one after it.

    Raises ValidationError for a token that was changed or belongs to another list.
    """
    scope = scope_of(request.caller.principal_id, operation, filters)
    try:
        cursor = request.pages.read(next_token, scope=scope)
    except BadPageTokenError:
        raise ValidationError(
            "nextToken: this token is not of this list. Begin again without one."
        ) from None
    if cursor is None:
        rows = records.find(request.transaction, *where, limit=size + 1)
    else:
        microseconds, record_id = cursor
        rows = records.after(
            request.transaction,
            *where,
            created_at=_EPOCH + timedelta(microseconds=int(microseconds)),
            record_id=str(record_id),
            limit=size + 1,
        )
    return request.pages.cut(rows, size, cursor_of=_cursor_of, scope=scope)


def _cursor_of(record: Listed) -> Cursor:
    return [(record.created_at - _EPOCH) // timedelta(microseconds=1), record.id]
