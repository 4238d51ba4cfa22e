"""The tables of launch profiles and of who may use them."""

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    String,
    Table,
    select,
)

from soundstage.kit import lease
from soundstage.kit.database import Document, Moment, metadata
from soundstage.kit.records import Records, listed_by
from soundstage.resources import memberships
from soundstage.resources.launch_profiles.model import (
    LaunchProfile,
    LaunchProfileChange,
    LaunchProfileMembership,
    LaunchProfileState,
    StreamConfiguration,
    ValidationResult,
)
from soundstage.resources.memberships import Memberships

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

member_table = Table(
    "launch_profile_members",
    metadata,
    Column(
        "launch_profile_id",
        String(22),
        ForeignKey("launch_profiles.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    *memberships.columns(),
    Index(None, "principal_id"),
)
members = Memberships(member_table, "launch_profile_id", LaunchProfileMembership)


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
