"""The tables of launch profiles and of who may use them."""

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    String,
    Table,
    bindparam,
    select,
)

from soundstage.kit import lease
from soundstage.kit.database import Document, Moment, metadata
from soundstage.kit.prepared import Prepared
from soundstage.kit.records import Records, listed_by
from soundstage.resources.launch_profiles.model import (
    LaunchProfile,
    LaunchProfileChange,
    LaunchProfileMembership,
    LaunchProfileState,
    StreamConfiguration,
    ValidationResult,
)

table = Table(
    "launch_profiles",
    metadata,
    Column("id", String(22), primary_key=True),
    Column("studio_id", String(64), ForeignKey("studios.id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("description", String(256)),
    Column("ec2_subnet_ids", Document(list[str]), nullable=False),
    Column("launch_profile_protocol_versions", Document(list[str]), nullable=False),
    Column("stream_configuration", Document(StreamConfiguration), nullable=False),
    Column("studio_component_ids", Document(list[str]), nullable=False),
    Column("validation_results", Document(list[ValidationResult]), nullable=False),
    Column("tags", Document(dict[str, str]), nullable=False),
    Column("state", String(32), nullable=False),
    Column("status_code", String(64), nullable=False),
    Column("status_message", String, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("created_by", String(256), nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("updated_by", String(256), nullable=False),
    Column("wished", Document(LaunchProfileChange)),
    *lease.columns(),
    listed_by("studio_id"),
)
launch_profiles = Records(table, LaunchProfile)

LONGEST_IDENTITY_STORE_ID = 64

member_table = Table(
    "launch_profile_members",
    metadata,
    Column(
        "launch_profile_id",
        String(22),
        ForeignKey("launch_profiles.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("principal_id", String(256), primary_key=True, index=True),
    Column("identity_store_id", String(LONGEST_IDENTITY_STORE_ID), nullable=False),
    Column("persona", String(32), nullable=False),
)
_PERSONA = Prepared(
    select(member_table.c.persona).where(
        member_table.c.launch_profile_id == bindparam("profile_id"),
        member_table.c.principal_id == bindparam("principal_id"),
    )
)


def has_member(transaction: Connection, profile_id: str, principal_id: str) -> bool:
    """Reports whether a person is a member of a launch profile."""
    found = _PERSONA.first(transaction, profile_id=profile_id, principal_id=principal_id)
    return found is not None


def is_of_member(principal_id: str) -> ColumnElement[bool]:
    """Make the condition that a launch profile has this member."""
    columns = member_table.c
    return table.c.id.in_(
        select(columns.launch_profile_id).where(columns.principal_id == principal_id)
    )


def studios_of_member(transaction: Connection, principal_id: str) -> set[str]:
    """Name the studios of the launch profiles that have this member and are not gone."""
    statement = select(table.c.studio_id).where(
        is_of_member(principal_id), table.c.state != LaunchProfileState.DELETED
    )
    return set(transaction.execute(statement).scalars())


def put_member(
    transaction: Connection,
    *,
    profile_id: str,
    principal_id: str,
    identity_store_id: str,
    persona: str,
) -> None:
    """Add a member, or replace what is known of it."""
    remove_member(transaction, profile_id, principal_id)
    transaction.execute(
        member_table.insert().values(
            launch_profile_id=profile_id,
            principal_id=principal_id,
            identity_store_id=identity_store_id,
            persona=persona,
        )
    )


def remove_member(transaction: Connection, profile_id: str, principal_id: str) -> bool:
    """Take a member away; reports whether there was one."""
    columns = member_table.c
    removed = transaction.execute(
        member_table.delete().where(
            columns.launch_profile_id == profile_id, columns.principal_id == principal_id
        )
    )
    return removed.rowcount > 0


def member(
    transaction: Connection, profile_id: str, principal_id: str
) -> LaunchProfileMembership | None:
    """Read one member of a launch profile."""
    found = _memberships(
        transaction, profile_id, member_table.c.principal_id == principal_id, limit=1
    )
    return found[0] if found else None


def members(
    transaction: Connection, profile_id: str, *, after: str, limit: int
) -> list[LaunchProfileMembership]:
    """Read a launch profile's members in the order of their ids, after one of them."""
    return _memberships(transaction, profile_id, member_table.c.principal_id > after, limit=limit)


def _memberships(
    transaction: Connection, profile_id: str, *where: ColumnElement[bool], limit: int
) -> list[LaunchProfileMembership]:
    names = LaunchProfileMembership.__struct_fields__
    statement = select(*(member_table.c[name] for name in names)).where(
        member_table.c.launch_profile_id == profile_id, *where
    )
    rows = transaction.execute(statement.order_by(member_table.c.principal_id).limit(limit))
    return [
        msgspec.convert(dict(zip(names, row, strict=True)), LaunchProfileMembership) for row in rows
    ]
