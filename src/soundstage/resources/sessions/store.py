"""The table of sessions."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    and_,
    bindparam,
    case,
    false,
    func,
    or_,
    select,
)

from soundstage.kit import lease
from soundstage.kit.database import Document, Moment, metadata
from soundstage.kit.prepared import Prepared
from soundstage.kit.records import Records, asked_at_once, listed_by
from soundstage.resources.backups.model import StreamingSessionState
from soundstage.resources.launch_profiles.model import VolumeConfiguration
from soundstage.resources.sessions.model import Activity, Course, StreamingSession, Vacating

table = Table(
    "sessions",
    metadata,
    Column("id", String(22), primary_key=True),
    Column("studio_id", String(64), ForeignKey("studios.id"), nullable=False),
    Column(
        "launch_profile_id",
        String(22),
        ForeignKey("launch_profiles.id"),
        nullable=False,
        index=True,
    ),
    Column("streaming_image_id", String(22), nullable=False),
    Column("ec2_image_id", String, nullable=False),
    Column("ec2_instance_type", String(32), nullable=False),
    Column("owned_by", String(256), nullable=False),
    Column("created_by", String(256), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("updated_by", String(256), nullable=False),
    Column("tags", Document(dict[str, str]), nullable=False),
    Column("state", String(32), nullable=False, index=True),
    Column("state_since", Moment, nullable=False),
    Column("status_code", String(64), nullable=False),
    Column("status_message", String, nullable=False),
    Column("session_persistence_mode", String(16), nullable=False),
    Column("automatic_termination_mode", String(16), nullable=False),
    Column("backup_mode", String(16), nullable=False),
    Column("max_backups_to_retain", Integer, nullable=False),
    Column("volume_configuration", Document(VolumeConfiguration)),
    Column("clipboard_mode", String(16), nullable=False),
    Column("max_session_length_in_minutes", Integer, nullable=False),
    Column("max_stopped_session_length_in_minutes", Integer, nullable=False),
    # Always there; the schema step that brought it could give no default to the rows of before.
    Column("studio_component_ids", Document(list[str]), nullable=True),
    Column("attempt", Integer, nullable=False),
    Column("running_attempt", Integer),
    Column("heals", Document(list[datetime]), nullable=False),
    Column("volume_generation", Integer, nullable=False),
    Column("volume_backup_id", String(22)),
    Column("volume_backup_of", String(22)),
    Column("previous_volume_generation", Integer, nullable=False),
    Column("is_volume_deleted", Boolean(create_constraint=False), nullable=False),
    Column("stop_number", Integer, nullable=False),
    Column("volume_retention_mode", String(16)),
    Column("started_at", Moment),
    Column("started_by", String(256)),
    Column("started_from_backup_id", String(22)),
    Column("stopped_at", Moment),
    Column("stopped_by", String(256)),
    Column("stopped_because", String),
    Column("stopped_by_rule", String(32)),
    Column("stop_at", Moment),
    Column("terminate_at", Moment),
    Column("upload_to", String(128)),
    Column("download_from", String(128)),
    Column("share_minutes", Integer),
    Column("share_viewers", Integer),
    Column("idle_stop_in_minutes", Integer, nullable=False, server_default="0"),
    Column("active_at", Moment),
    Column("active_by", String(16)),
    Column("use_at", Moment),
    Column("use_seconds", Float),
    Column("course", Document(Course)),
    Column(
        "was_prepared", Boolean(create_constraint=False), nullable=False, server_default=false()
    ),
    Column("warned_end", Moment),
    Column("warned_before", Integer),
    Column("lost_host_move_in_minutes", Integer, nullable=False, server_default="0"),
    Column("unreachable_since", Moment),
    Column(
        "moves_when_evacuated",
        Boolean(create_constraint=False),
        nullable=False,
        server_default=false(),
    ),
    Column("host", String(128)),
    Column("vacating", Document(Vacating)),
    Column("workstation", String(22)),
    *lease.columns(),
    listed_by("studio_id"),
    listed_by("studio_id", "owned_by"),
    listed_by("studio_id", "created_by"),
    Index(None, "owned_by"),
    Index(None, "workstation"),
    Index(None, "host"),
)
sessions = Records(table, StreamingSession)

counts_table = Table(
    "session_counts",
    metadata,
    Column("studio_id", String(64), primary_key=True),
    Column("owned_by", String(256), primary_key=True),
    # How many there are that are not DELETED. The database counts by itself (schema step 0015): an
    # order costs the same, whether a studio has ten or a hundred thousand.
    Column("living", Integer, nullable=False),
)
_WHOLE_STUDIO = ""
"""In place of an owner."""

_LIVING = [state for state in StreamingSessionState if state is not StreamingSessionState.DELETED]
_NEVER_READY = [StreamingSessionState.CREATE_IN_PROGRESS, StreamingSessionState.CREATE_FAILED]


def newest_of_profiles(
    transaction: Connection, profile_ids: Iterable[str], *, limit: int
) -> list[tuple[str, str]]:
    """Name the sessions of each launch profile that were made last, with the profile's id; those
    that were not ready yet have no past, and a crowd of them would hide those that have.
    """
    columns = table.c
    age = func.row_number().over(
        partition_by=columns.launch_profile_id, order_by=(columns.created_at.desc(), columns.id)
    )
    of_profiles = columns.launch_profile_id.in_(sorted(profile_ids))
    aged = (
        select(columns.id, columns.launch_profile_id, age.label("age"))
        .where(of_profiles, columns.state.not_in(_NEVER_READY))
        .subquery()
    )
    newest = select(aged.c.id, aged.c.launch_profile_id).where(aged.c.age <= limit)
    return [(session, profile) for session, profile in transaction.execute(newest)]


def looks_of(transaction: Connection, owners: Iterable[str]) -> dict[str, list[str]]:
    """Give, by owner, what a person would see change of their sessions."""
    columns = table.c
    seen = (
        columns.owned_by,
        columns.id,
        columns.state,
        columns.status_message,
        columns.course,
        columns.stop_at,
        columns.terminate_at,
        columns.updated_at,
        columns.vacating,
        case((columns.idle_stop_in_minutes > 0, columns.active_at)),
    )
    where = columns.owned_by.in_(list(owners)), columns.state.in_(_LIVING)
    looks: dict[str, list[str]] = {}
    for owner, *rest in transaction.execute(select(*seen).where(*where).order_by(columns.id)):
        looks.setdefault(owner, []).append(repr(rest))
    return looks


_COUNTED = Prepared(
    select(counts_table.c.owned_by, counts_table.c.living).where(
        counts_table.c.studio_id == bindparam("counted_studio"),
        or_(
            counts_table.c.owned_by == _WHOLE_STUDIO,
            counts_table.c.owned_by == bindparam("counted_owner"),
        ),
    )
)


def count_living(transaction: Connection, studio_id: str, owner: str) -> tuple[int, int]:
    """Count a studio's sessions that are not DELETED: all of them, and this owner's."""
    rows = _COUNTED.rows(transaction, counted_studio=studio_id, counted_owner=owner)
    living: dict[str, int] = {whose: count for whose, count in rows}  # noqa: C416 - rows are lists
    return living.get(_WHOLE_STUDIO, 0), living.get(owner, 0)


def among(transaction: Connection, session_ids: list[str]) -> list[StreamingSession]:
    """Read the sessions of these ids that there are, oldest first."""
    return sessions.find(transaction, table.c.id.in_(sorted(set(session_ids))))


def on_host(transaction: Connection, host: str) -> list[StreamingSession]:
    """Read the sessions whose workstations, or disks, were seen on a host."""
    return sessions.find(transaction, table.c.host == host, table.c.state.in_(_LIVING))


def of_refs(transaction: Connection, refs: set[str]) -> list[StreamingSession]:
    """Read the sessions whose workstations these are."""
    found: list[StreamingSession] = []
    for some in asked_at_once(refs):
        never_moved = and_(table.c.id.in_(some), table.c.workstation.is_(None))
        is_there = or_(never_moved, table.c.workstation.in_(some))
        found += sessions.find(transaction, is_there)
    return found


def known_refs(transaction: Connection, refs: set[str]) -> set[str]:
    """Say which of these are workstations of sessions that may have something at the engine."""
    found: set[str] = set()
    for some in asked_at_once(refs):
        is_living = table.c.state != StreamingSessionState.DELETED
        never_moved = and_(table.c.id.in_(some), table.c.workstation.is_(None))
        is_there = or_(never_moved, table.c.workstation.in_(some))
        named = select(func.coalesce(table.c.workstation, table.c.id))
        found.update(transaction.execute(named.where(is_living, is_there)).scalars())
    return found


def named(transaction: Connection, ref: str) -> str:
    """Say which session has a workstation that was moved; what is not one stays as it is."""
    found = _NAMED.first(transaction, looked_for=ref)
    return ref if found is None else str(found[0])


_NAMED = Prepared(select(table.c.id).where(table.c.workstation == bindparam("looked_for")))


def not_ready(transaction: Connection, session_ids: set[str]) -> set[str]:
    """Say which of these sessions are not READY, or not there."""
    statement = select(table.c.id).where(
        table.c.id.in_(sorted(session_ids)), table.c.state == StreamingSessionState.READY
    )
    return session_ids - set(transaction.execute(statement).scalars())


def due_at(transaction: Connection, session_id: str) -> datetime | None:
    """Say when it was to be looked at; in the past if that is being done now."""
    found = _DUE_AT.first(transaction, looked_for=session_id)
    moment: datetime | None = found[0] if found else None
    return moment


_DUE_AT = Prepared(select(table.c.due_at).where(table.c.id == bindparam("looked_for")))


def settled(transaction: Connection) -> list[tuple[str, str, int]]:
    """Read the ids, workstations and attempts of all READY sessions that run and that nobody has
    in hand.
    """
    ref = func.coalesce(table.c.workstation, table.c.id).label("ref")
    statement = select(table.c.id, ref, table.c.attempt).where(
        table.c.state == StreamingSessionState.READY,
        table.c.running_attempt == table.c.attempt,
        table.c.lease_token.is_(None),
    )
    return [(row.id, row.ref, row.attempt) for row in transaction.execute(statement)]


def note_input(transaction: Connection, session_ids: set[str], now: datetime) -> None:
    """Note that somebody works in these, so that what was decided without knowing is dropped."""
    transaction.execute(
        table.update()
        .where(
            table.c.id.in_(sorted(session_ids)),
            table.c.state == StreamingSessionState.READY,
            table.c.idle_stop_in_minutes > 0,
        )
        .values(active_at=now, active_by=Activity.INPUT, revision=table.c.revision + 1)
    )
