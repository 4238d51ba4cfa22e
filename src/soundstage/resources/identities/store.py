"""The table of identities."""

from sqlalchemy import Column, Connection, ForeignKey, String, Table
from sqlalchemy.exc import IntegrityError

from soundstage.kit.database import Moment, metadata
from soundstage.kit.openid.claims import LONGEST_SUBJECT
from soundstage.kit.records import Records
from soundstage.resources.identities.model import LONGEST_ISSUER, Identity

table = Table(
    "identities",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("issuer", String(LONGEST_ISSUER), nullable=False),
    Column("subject", String(LONGEST_SUBJECT), nullable=False),
    Column("principal_id", String(256), ForeignKey("people.id"), nullable=False, index=True),
    Column("created_at", Moment, nullable=False),
    Column("used_at", Moment, nullable=True),
)
identities = Records(table, Identity)


def of_person(transaction: Connection, principal_id: str) -> list[Identity]:
    """Read somebody's identities, oldest first."""
    return identities.find(transaction, table.c.principal_id == principal_id)


def add(transaction: Connection, identity: Identity) -> bool:
    """Add one; reports whether nobody else was first."""
    try:
        with transaction.begin_nested():
            identities.insert(transaction, identity)
    except IntegrityError:
        return False
    return True
