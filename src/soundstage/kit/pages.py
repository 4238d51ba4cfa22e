"""Opaque page tokens for lists, and cutting a page off the rows that were fetched.

The services' list functions call it. A token carries a keyset cursor (the sort key of the last item
shown), not an offset, so that rows which come or go between two pages are neither repeated nor
missed. It is signed, and bound to the caller, the operation and the filters: a token works only for
the list that it came from. It says nothing secret and does not expire.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import itsdangerous
import msgspec

Item = TypeVar("Item")

Cursor = list[str | int]
"""The values of the columns that a list is sorted by, of the last item shown."""


class BadPageTokenError(Exception):
    """The token was changed, or belongs to another caller, operation or filter."""


class Pages:
    """Signs and reads page tokens with a key derived from the installation's secret."""

    def __init__(self, key: bytes) -> None:
        self._signed = itsdangerous.URLSafeSerializer(key, salt="soundstage.page.1")

    def sign(self, cursor: Cursor, *, scope: str) -> str:
        """Make the token for the page after `cursor`; `scope` comes from `scope_of`."""
        text = self._signed.dumps([scope, cursor])
        return text if isinstance(text, str) else text.decode("ascii")

    def read(self, token: str | None, *, scope: str) -> Cursor | None:
        """Return where to go on, None for the first page. Raises BadPageTokenError."""
        if not token:
            return None
        try:
            made_for, cursor = msgspec.convert(self._signed.loads(token), tuple[str, Cursor])
        except (itsdangerous.BadData, msgspec.ValidationError):
            raise BadPageTokenError("This token was not made by this installation.") from None
        if made_for != scope:
            raise BadPageTokenError("This token was made for another list.")
        return cursor

    def cut(
        self,
        rows: Sequence[Item],
        size: int,
        *,
        cursor_of: Callable[[Item], Cursor],
        scope: str,
    ) -> tuple[list[Item], str | None]:
        """Split one page off `rows`, of which the caller fetched `size + 1` if there were."""
        page = list(rows[:size])
        if len(rows) <= size:
            return page, None
        return page, self.sign(cursor_of(page[-1]), scope=scope)


def scope_of(principal_id: str, operation: str, filters: Mapping[str, Any]) -> str:
    """Digest who asks for which list with which filters (all of them, but the page's size)."""
    said = {name: value for name, value in filters.items() if value is not None}
    document = msgspec.json.encode([principal_id, operation, said], order="deterministic")
    return hashlib.sha256(document).hexdigest()[:32]
