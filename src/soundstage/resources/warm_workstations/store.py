"""The table of the places in all pools."""

from datetime import datetime

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    case,
    or_,
    select,
)

from soundstage.kit import lease
from soundstage.kit.database import Document, Moment, metadata
from soundstage.kit.prepared import Prepared
from soundstage.kit.records import Records, listed_by
from soundstage.resources.warm_workstations.model import (
    Draft,
    WarmWorkstation,
    WarmWorkstationState,
)

_S = WarmWorkstationState

table = Table(
    "warm_workstations",
    metadata,
    Column("id", String(22), primary_key=True),
    Column("studio_id", String(64), ForeignKey("studios.id"), nullable=False),
    Column("launch_profile_id", String(22), ForeignKey("launch_profiles.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String(32), nullable=False),
    Column("state_since", Moment, nullable=False),
    Column("status_message", String, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("workstation_id", String(22), index=True),
    Column("draft", Document(Draft)),
    Column("rests_until", Moment),
    Column("failures", Integer, nullable=False),
    Column("given_up_for", String(22)),
    Column("host", String(128)),
    *lease.columns(),
    listed_by("studio_id"),
    # Two that make a pool larger at once make it no larger than it is wanted.
    Index(None, "launch_profile_id", "number", unique=True),
)
places = Records(table, WarmWorkstation)


def of_profile(transaction: Connection, profile_id: str) -> list[WarmWorkstation]:
    """Read a pool in the order of its places."""
    found = places.find(transaction, table.c.launch_profile_id == profile_id)
    return sorted(found, key=lambda place: place.number)


def take(transaction: Connection, place: WarmWorkstation, now: datetime) -> bool:
    """Empty a place if it still is READY with the same in it; reports whether it was."""
    taken = transaction.execute(
        table.update()
        .where(
            table.c.id == place.id,
            table.c.state == _S.READY,
            table.c.workstation_id == place.workstation_id,
        )
        .values(
            state=_S.EMPTY,
            state_since=now,
            status_message="",
            updated_at=now,
            workstation_id=None,
            draft=None,
            host=None,
            failures=0,
            **lease.touch(table, now),
        )
    )
    return taken.rowcount == 1


def first_to_give_up(transaction: Connection) -> WarmWorkstation | None:
    """Choose what goes first when room is needed: what is not ready yet, then what is oldest."""
    statement = (
        select(table.c.id)
        .where(table.c.state.in_([_S.PREPARING, _S.READY]))
        .order_by(case((table.c.state == _S.PREPARING, 0), else_=1), table.c.state_since)
        .limit(1)
    )
    found = transaction.execute(statement).scalar_one_or_none()
    return None if found is None else places.get(transaction, found)


def is_leaving_for(transaction: Connection, session_id: str) -> bool:
    """Reports whether one is being given up for this session already."""
    is_so = (table.c.state == _S.LEAVING, table.c.given_up_for == session_id)
    return places.count(transaction, *is_so) > 0


def keep_empty(transaction: Connection, until: datetime) -> None:
    """Have no empty place filled before then."""
    transaction.execute(
        table.update()
        .where(
            table.c.state == _S.EMPTY,
            or_(table.c.rests_until.is_(None), table.c.rests_until < until),
        )
        .values(rests_until=until, revision=table.c.revision + 1)
    )


def refs(transaction: Connection) -> set[str]:
    """Name all that the engine may know as warm."""
    return {row[0] for row in _REFS.rows(transaction)}


_REFS = Prepared(select(table.c.workstation_id).where(table.c.workstation_id.is_not(None)))


def counts(transaction: Connection) -> dict[str, int]:
    """Count all places by state."""
    found = places.count_by(transaction, "state")
    return {str(state): found.get(state, 0) for state in _S if state is not _S.DELETED}


def ready_of_profiles(transaction: Connection, profile_ids: list[str]) -> dict[str, int]:
    """Count what is READY, by launch profile."""
    return places.count_by(
        transaction,
        "launch_profile_id",
        table.c.launch_profile_id.in_(sorted(profile_ids)),
        table.c.state == _S.READY,
    )
