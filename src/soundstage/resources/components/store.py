"""The table of studio components."""

from sqlalchemy import Column, Connection, ForeignKey, String, Table

from soundstage.kit import lease
from soundstage.kit.database import Document, Moment, metadata
from soundstage.kit.records import Records
from soundstage.resources.components.model import (
    InitializationScripts,
    ScriptParameterKeyValue,
    StudioComponent,
    StudioComponentChange,
    StudioComponentConfiguration,
    StudioComponentType,
)

table = Table(
    "components",
    metadata,
    Column("id", String(22), primary_key=True),
    Column("studio_id", String(64), ForeignKey("studios.id"), nullable=False, index=True),
    Column("name", String(64), nullable=False),
    Column("description", String(256)),
    Column("type", String(32), nullable=False),
    Column("subtype", String(32), nullable=False),
    Column("configuration", Document(StudioComponentConfiguration)),
    Column("ec2_security_group_ids", Document(list[str]), nullable=False),
    Column("initialization_scripts", Document(InitializationScripts), nullable=False),
    Column("script_parameters", Document(list[ScriptParameterKeyValue]), nullable=False),
    Column("runtime_role_arn", String(2048)),
    Column("secure_initialization_role_arn", String(2048)),
    Column("tags", Document(dict[str, str]), nullable=False),
    Column("state", String(32), nullable=False),
    Column("status_code", String(64), nullable=False),
    Column("status_message", String, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("created_by", String(256), nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("updated_by", String(256), nullable=False),
    Column("wished", Document(StudioComponentChange)),
    *lease.columns(),
)
components = Records(table, StudioComponent)


def has_other_active_directory(transaction: Connection, component: StudioComponent) -> bool:
    """Reports whether the studio has another directory that was made and is not being deleted."""
    columns = table.c
    return (
        components.count(
            transaction,
            columns.studio_id == component.studio_id,
            columns.type == StudioComponentType.ACTIVE_DIRECTORY,
            columns.state.in_(["READY", "UPDATE_IN_PROGRESS", "UPDATE_FAILED", "DELETE_FAILED"]),
            columns.id != component.id,
        )
        > 0
    )
