"""The table of studio components."""

from sqlalchemy import Column, Connection, ForeignKey, String, Table

from soundstage.kit import lease
from soundstage.kit.database import Document, Moment, metadata
from soundstage.kit.records import Records, listed_by
from soundstage.kit.sealed import Sealed
from soundstage.resources.components.model import (
    InitializationScripts,
    ScriptParameterKeyValue,
    StudioComponent,
    StudioComponentChange,
    StudioComponentConfiguration,
    StudioComponentState,
    StudioComponentType,
)

table = Table(
    "components",
    metadata,
    Column("id", String(22), primary_key=True),
    Column("studio_id", String(64), ForeignKey("studios.id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("description", String(256)),
    Column("type", String(32), nullable=False),
    Column("subtype", String(32), nullable=False),
    # Endpoints, scripts and parameters often hold secrets; a change that is wished has them all.
    Column("configuration", Sealed(StudioComponentConfiguration)),
    Column("ec2_security_group_ids", Document(list[str]), nullable=False),
    Column("initialization_scripts", Sealed(InitializationScripts), nullable=False),
    Column("script_parameters", Sealed(list[ScriptParameterKeyValue]), nullable=False),
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
    Column("wished", Sealed(StudioComponentChange)),
    *lease.columns(),
    listed_by("studio_id"),
)
components = Records(table, StudioComponent)


def count_of_type(transaction: Connection, studio_id: str, kind: StudioComponentType) -> int:
    """Count a studio's components of a type that are not over."""
    is_living = table.c.state.not_in(["DELETED", "CREATE_FAILED"])
    return components.count(
        transaction, table.c.studio_id == studio_id, table.c.type == kind, is_living
    )


def count_becoming(transaction: Connection, studio_id: str, kind: StudioComponentType) -> int:
    """Count a studio's components that are being changed from another type to this one."""
    changing = components.find(
        transaction,
        table.c.studio_id == studio_id,
        table.c.state == StudioComponentState.UPDATE_IN_PROGRESS,
        table.c.type != kind,
    )
    # A wish is sealed, so the database can't look into it.
    return sum(each.wished is not None and each.wished.type is kind for each in changing)
