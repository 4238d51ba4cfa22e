"""The tables of logins and of sign-in links."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Column, Connection, ForeignKey, String, Table, or_

from soundstage.kit.database import Moment, metadata
from soundstage.kit.records import Records
from soundstage.resources.logins.model import (
    LONGEST_ADDRESS,
    LONGEST_BROWSER,
    Limits,
    Login,
    SignInLink,
)

login_table = Table(
    "logins",
    metadata,
    Column("id", String(22), primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("principal_id", String(256), ForeignKey("people.id"), nullable=False, index=True),
    Column("browser", String(LONGEST_BROWSER), nullable=False),
    Column("address", String(LONGEST_ADDRESS), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("used_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("issuer", String(512), nullable=True),
)
logins = Records(login_table, Login)

link_table = Table(
    "sign_in_links",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("principal_id", String(256), ForeignKey("people.id"), nullable=False, index=True),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
)
links = Records(link_table, SignInLink)


def login_of_token(transaction: Connection, token_hash: str) -> Login | None:
    """Read the login of a cookie."""
    found = logins.find(transaction, login_table.c.token_hash == token_hash)
    return found[0] if found else None


def logins_of(transaction: Connection, principal_id: str) -> list[Login]:
    """Read somebody's logins, oldest first."""
    return logins.find(transaction, login_table.c.principal_id == principal_id)


def logins_named(transaction: Connection, login_ids: Iterable[str]) -> list[Login]:
    """Read the logins of these ids that are there."""
    return logins.find(transaction, login_table.c.id.in_(list(login_ids)))


def links_of(transaction: Connection, principal_id: str) -> list[SignInLink]:
    """Read somebody's links, oldest first."""
    return links.find(transaction, link_table.c.principal_id == principal_id)


def take_link(transaction: Connection, link_id: str) -> bool:
    """Remove a link; reports whether nobody else was first."""
    removed = transaction.execute(link_table.delete().where(link_table.c.id == link_id))
    return removed.rowcount > 0


def end(transaction: Connection, login_id: str) -> bool:
    """Remove a login; reports whether there was one."""
    removed = transaction.execute(login_table.delete().where(login_table.c.id == login_id))
    return removed.rowcount > 0


def purge(transaction: Connection, now: datetime, limits: Limits) -> None:
    """Remove what has ended by itself."""
    columns = login_table.c
    is_over = or_(
        columns.expires_at <= now,
        columns.created_at <= now - limits.age,
        columns.used_at <= now - limits.idle,
    )
    transaction.execute(login_table.delete().where(is_over))
    transaction.execute(link_table.delete().where(link_table.c.expires_at <= now))
