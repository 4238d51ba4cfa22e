"""The table of accepted EULAs."""

from sqlalchemy import Column, Connection, ForeignKey, String, Table, UniqueConstraint

from soundstage.kit.database import Moment, metadata
from soundstage.kit.records import Records
from soundstage.resources.eulas.model import EulaAcceptance

table = Table(
    "eula_acceptances",
    metadata,
    Column("id", String(22), primary_key=True),
    Column("studio_id", String(64), ForeignKey("studios.id", ondelete="CASCADE"), nullable=False),
    Column("eula_id", String(22), nullable=False),
    Column("accepted_by", String(256), nullable=False),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("studio_id", "eula_id"),
)
acceptances = Records(table, EulaAcceptance)


def accepted(transaction: Connection, studio_id: str) -> dict[str, EulaAcceptance]:
    """Read what a studio accepted, by the EULA's id."""
    found = acceptances.find(transaction, table.c.studio_id == studio_id)
    return {acceptance.eula_id: acceptance for acceptance in found}
