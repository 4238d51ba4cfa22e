"""The tables of people, their access keys, and who administers which studio."""

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    String,
    Table,
    func,
    select,
    true,
)
from sqlalchemy.exc import IntegrityError

from soundstage.kit.database import Moment, metadata
from soundstage.kit.records import Records
from soundstage.resources import memberships
from soundstage.resources.members.model import (
    LONGEST_DISPLAY_NAME,
    LONGEST_EMAIL,
    LONGEST_NAME,
    AccessKey,
    Person,
    StudioMembership,
)
from soundstage.resources.memberships import Memberships

person_table = Table(
    "people",
    metadata,
    Column("id", String(256), primary_key=True),
    Column("name", String(LONGEST_NAME), nullable=False, unique=True),
    Column("is_operator", Boolean(create_constraint=False), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("is_active", Boolean(create_constraint=False), nullable=False, server_default=true()),
    Column("display_name", String(LONGEST_DISPLAY_NAME), nullable=True),
    Column("email", String(LONGEST_EMAIL), nullable=True),
)
people = Records(person_table, Person)

access_key_table = Table(
    "access_keys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("principal_id", String(256), ForeignKey("people.id"), nullable=False, index=True),
    Column("sealed_secret", String, nullable=False),
    Column("is_active", Boolean(create_constraint=False), nullable=False),
    Column("created_at", Moment, nullable=False),
)
access_keys = Records(access_key_table, AccessKey)

member_table = Table(
    "studio_members",
    metadata,
    Column("studio_id", String(64), ForeignKey("studios.id", ondelete="CASCADE"), primary_key=True),
    *memberships.columns(),
)
administrators = Memberships(member_table, "studio_id", StudioMembership)


def person_named(transaction: Connection, name: str) -> Person | None:
    """Read the person of a name."""
    found = people.find(transaction, person_table.c.name == name)
    return found[0] if found else None


def add_person(transaction: Connection, person: Person) -> bool:
    """Add somebody; reports whether neither the name nor the id was taken meanwhile."""
    try:
        with transaction.begin_nested():
            people.insert(transaction, person)
    except IntegrityError:
        return False
    return True


def hold(transaction: Connection, principal_id: str) -> None:
    """Let nobody else change this person's keys until the transaction ends."""
    # SQLite has one writer at a time, and leaves FOR UPDATE out.
    statement = select(person_table.c.id).where(person_table.c.id == principal_id)
    transaction.execute(statement.with_for_update())


def keys_of(transaction: Connection, principal_id: str) -> list[AccessKey]:
    """Read a person's keys, oldest first."""
    return access_keys.find(transaction, access_key_table.c.principal_id == principal_id)


def count_active_keys(transaction: Connection) -> dict[str, int]:
    """Count the keys that work, by their holders; who has none is left out."""
    columns = access_key_table.c
    statement = select(columns.principal_id, func.count()).where(columns.is_active.is_(True))
    rows = transaction.execute(statement.group_by(columns.principal_id))
    return {principal_id: int(count) for principal_id, count in rows}


def studios_of(
    transaction: Connection, principal_id: str, *, identity_store_id: str | None = None
) -> list[str]:
    """Name the studios that somebody administers, in the order of their ids; those that one
    directory says, if it is named.
    """
    columns = member_table.c
    statement = select(columns.studio_id).where(columns.principal_id == principal_id)
    if identity_store_id is not None:
        statement = statement.where(columns.identity_store_id == identity_store_id)
    return list(transaction.execute(statement.order_by(columns.studio_id)).scalars())


def administers_any(transaction: Connection, principal_id: str) -> bool:
    """Reports whether somebody administers a studio, whichever it is."""
    statement = select(member_table.c.persona).where(member_table.c.principal_id == principal_id)
    return transaction.execute(statement.limit(1)).first() is not None
