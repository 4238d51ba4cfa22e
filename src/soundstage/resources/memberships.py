"""Who belongs to something, and as what: rows of a studio's and of a launch profile's members.

The stores of both make one `Memberships` from their table and their model. The first column of such
a table is the id of what somebody belongs to; the others are `columns()`, the model's own.
"""

from typing import Generic, TypeVar

import msgspec
from sqlalchemy import Column, ColumnElement, Connection, String, Table, bindparam, select

from soundstage.kit.prepared import Prepared
from soundstage.wire.faults import ValidationError

LONGEST_IDENTITY_STORE_ID = 64

Membership = TypeVar("Membership", bound=msgspec.Struct)


def columns() -> list[Column[str]]:
    """Make the columns of who it is, and as what."""
    return [
        Column("principal_id", String(256), primary_key=True),
        Column("identity_store_id", String(LONGEST_IDENTITY_STORE_ID), nullable=False),
        Column("persona", String(32), nullable=False),
    ]


def require_identity_store_id(identity_store_id: str) -> None:
    """Raise ValidationError for one that is too long to be kept."""
    if len(identity_store_id) > LONGEST_IDENTITY_STORE_ID:
        raise ValidationError(
            f"identityStoreId must be at most {LONGEST_IDENTITY_STORE_ID} characters; got length "
            f"{len(identity_store_id)}."
        )


class Memberships(Generic[Membership]):
    """The members of each of several things; `whole` is the column with the thing's id."""

    def __init__(self, table: Table, whole: str, kind: type[Membership]) -> None:
        self._table = table
        self._whole = table.c[whole]
        self._kind = kind
        # Asked with nearly every request, so it is made once.
        self._persona = Prepared(
            select(table.c.persona).where(
                self._whole == bindparam("whole_id"),
                table.c.principal_id == bindparam("principal_id"),
            )
        )

    def has(self, transaction: Connection, whole_id: str, principal_id: str) -> bool:
        """Reports whether somebody is a member."""
        found = self._persona.first(transaction, whole_id=whole_id, principal_id=principal_id)
        return found is not None

    def get(self, transaction: Connection, whole_id: str, principal_id: str) -> Membership | None:
        """Read one member."""
        is_it = self._table.c.principal_id == principal_id
        found = self._find(transaction, whole_id, is_it, limit=1)
        return found[0] if found else None

    def page(
        self, transaction: Connection, whole_id: str, *, after: str, limit: int
    ) -> list[Membership]:
        """Read the members in the order of their ids, after one of them."""
        is_later = self._table.c.principal_id > after
        return self._find(transaction, whole_id, is_later, limit=limit)

    def put(
        self,
        transaction: Connection,
        whole_id: str,
        principal_id: str,
        *,
        identity_store_id: str,
        persona: str,
    ) -> None:
        """Add a member, or replace what is known of it."""
        self.remove(transaction, whole_id, principal_id)
        values = {
            self._whole.name: whole_id,
            "principal_id": principal_id,
            "identity_store_id": identity_store_id,
            "persona": persona,
        }
        transaction.execute(self._table.insert().values(values))

    def remove(self, transaction: Connection, whole_id: str, principal_id: str) -> bool:
        """Take a member away; reports whether there was one."""
        is_it = self._table.c.principal_id == principal_id
        removed = transaction.execute(self._table.delete().where(self._whole == whole_id, is_it))
        return removed.rowcount > 0

    def _find(
        self, transaction: Connection, whole_id: str, where: ColumnElement[bool], *, limit: int
    ) -> list[Membership]:
        names = self._kind.__struct_fields__
        statement = (
            select(*(self._table.c[name] for name in names))
            .where(self._whole == whole_id, where)
            .order_by(self._table.c.principal_id)
            .limit(limit)
        )
        rows = transaction.execute(statement)
        return [msgspec.convert(dict(zip(names, row, strict=True)), self._kind) for row in rows]
