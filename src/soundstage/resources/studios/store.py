"""The table of studios."""

from sqlalchemy import Column, Connection, String, Table, bindparam, select

from soundstage.kit import lease
from soundstage.kit.database import Document, Moment, metadata
from soundstage.kit.prepared import Prepared
from soundstage.kit.records import Records, listed_by
from soundstage.resources.quotas import StudioQuotas
from soundstage.resources.studios.model import (
    Studio,
    StudioChange,
    StudioEncryptionConfiguration,
)

table = Table(
    "studios",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("studio_name", String(64), nullable=False, index=True),
    Column("display_name", String(64), nullable=False),
    Column("admin_role_arn", String(2048), nullable=False),
    Column("user_role_arn", String(2048), nullable=False),
    Column(
        "studio_encryption_configuration", Document(StudioEncryptionConfiguration), nullable=False
    ),
    Column("sso_client_id", String(64), nullable=False),
    Column("home_region", String(50), nullable=False),
    Column("tags", Document(dict[str, str]), nullable=False),
    Column("state", String(32), nullable=False),
    Column("status_code", String(64), nullable=False),
    Column("status_message", String, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("wished", Document(StudioChange)),
    Column("quotas", Document(StudioQuotas)),
    *lease.columns(),
    listed_by(),
)
studios = Records(table, Studio)


_GONE = ["DELETED", "CREATE_FAILED"]


def living(transaction: Connection, studio_ids: set[str] | None, *, limit: int) -> list[Studio]:
    """Read the studios of these ids, or all of them, that are not gone; oldest first."""
    where = [table.c.state.not_in(_GONE)]
    if studio_ids is not None:
        where.append(table.c.id.in_(studio_ids))
    return studios.find(transaction, *where, limit=limit)


def hold(transaction: Connection, studio_id: str) -> None:
    """Lock a studio's row until the transaction ends.

    SQLite needs none, because its writers come one after the other. On PostgreSQL what is read
    next is read after the former holder's commit; what only refers to the row does not wait.
    """
    if transaction.dialect.name == "postgresql":
        _HOLD.first(transaction, held_studio=studio_id)


_HOLD = Prepared(
    select(table.c.id).where(table.c.id == bindparam("held_studio")).with_for_update(key_share=True)
)


def has_name(transaction: Connection, studio_name: str) -> bool:
    """Reports whether a studio that is not gone has this name."""
    return (
        studios.count(transaction, table.c.studio_name == studio_name, table.c.state.not_in(_GONE))
        > 0
    )
