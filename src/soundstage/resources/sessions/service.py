"""What can be done with sessions; called by their operations, by their worker, and by streams."""

from datetime import datetime
from typing import Any, Protocol

import msgspec
from sqlalchemy import Connection

from soundstage.kit import hints, journal, lease
from soundstage.resources import listing, quotas, settling
from soundstage.resources.backups import service as backups
from soundstage.resources.backups.model import (
    StreamingSessionBackup,
    StreamingSessionState,
    StreamingSessionStatusCode,
)
from soundstage.resources.hosts import service as hosts
from soundstage.resources.hosts.model import Evacuation
from soundstage.resources.launch_profiles import service as launch_profiles
from soundstage.resources.launch_profiles.model import (
    StreamingInstanceType,
)
from soundstage.resources.quotas import Quota
from soundstage.resources.request import SERVICE_PRINCIPAL, Request
from soundstage.resources.sessions import left, ordering, restoring, steps, store
from soundstage.resources.sessions.lifecycle import MACHINE
from soundstage.resources.sessions.model import (
    Course,
    Rule,
    StreamingSession,
    Vacating,
    VolumeRetentionMode,
)
from soundstage.resources.studios import service as studios
from soundstage.resources.studios.model import Studio
from soundstage.resources.tags import model as tag_rules
from soundstage.resources.tags.service import Tagged
from soundstage.resources.warm_workstations import service as warm
from soundstage.wire.arn import ArnKind
from soundstage.wire.codes import Code
from soundstage.wire.faults import (
    AccessDeniedError,
    ConflictError,
    NotFoundError,
    ValidationError,
)

TAGGED = Tagged(store.sessions)
"""For the operations on tags."""
Changes = dict[str, Any]
KIND = "streaming session"
"""What faults call one."""
_S = StreamingSessionState
_C = StreamingSessionStatusCode


def create(
    request: Request,
    *,
    studio_id: str,
    launch_profile_id: str,
    ec2_instance_type: StreamingInstanceType | None,
    streaming_image_id: str | None,
    owned_by: str | None,
    tags: dict[str, str],
    backup_id: str | None = None,
) -> StreamingSession:
    """Begin to launch a workstation by a launch profile; what is not said is its first choice."""
    transaction, now = request.transaction, request.now
    studio = studios.find_usable(transaction, studio_id)
    profile = ordering.profile(transaction, studio_id, launch_profile_id)
    instance_type = ordering.instance_type(profile, ec2_instance_type)
    image = ordering.image(transaction, profile, streaming_image_id)
    tags = tag_rules.check(tags)
    owner = owned_by or request.caller.principal_id
    _require_room(request, studio, owner)
    source = None if backup_id is None else restoring.source(request, studio_id, owner, backup_id)
    taken = None
    if source is None:
        taken = warm.take(transaction, profile, image, instance_type, now)
    session = ordering.session(
        ordering.Order(
            profile=profile,
            image=image,
            instance_type=instance_type,
            owner=owner,
            tags=tags,
            source=source,
            taken=taken,
        ),
        by=request.caller.principal_id,
        now=now,
    )
    store.sessions.insert(transaction, session, due_at=now)
    change = {
        "state": session.state,
        "statusCode": session.status_code,
        "wasPrepared": session.was_prepared or None,
    }
    note(
        transaction,
        session,
        session.state,
        actor=session.created_by,
        now=now,
        message=session.status_message,
        change=change,
    )
    return session


def get(request: Request, studio_id: str, session_id: str) -> StreamingSession:
    """Read one session of a studio. Raises NotFoundError."""
    studios.find(request.transaction, studio_id)
    return find(request.transaction, studio_id, session_id)


def find(transaction: Connection, studio_id: str, session_id: str) -> StreamingSession:
    """Read one session, for nouns above. Raises NotFoundError."""
    session = store.sessions.get(transaction, session_id)
    if session is None or session.studio_id != studio_id:
        raise NotFoundError(KIND, session_id)
    return session


def list_page(
    request: Request,
    studio_id: str,
    *,
    created_by: str | None,
    owned_by: str | None,
    session_ids: list[str],
    next_token: str | None,
) -> tuple[list[StreamingSession], str | None]:
    """List a studio's sessions: by who made them, whose they are, or by their ids."""
    studios.find(request.transaction, studio_id)
    asked: dict[str, Any] = {
        "operation": "ListStreamingSessions",
        "filters": {
            "studioId": studio_id,
            "createdBy": created_by,
            "ownedBy": owned_by,
            "sessionIds": session_ids,
        },
        "next_token": next_token,
    }
    wanted = {"studio_id": studio_id, "created_by": created_by, "owned_by": owned_by}
    wanted = {name: value for name, value in wanted.items() if value is not None}
    if session_ids:
        # Asked for by these alone: a database that is told more looks through the whole studio.
        found = [
            session
            for session in store.among(request.transaction, session_ids)
            if all(getattr(session, name) == value for name, value in wanted.items())
        ]
        return listing.page_among(request, found, **asked)
    return listing.page(request, store.sessions, equal=wanted, **asked)


def stop(
    request: Request, studio_id: str, session_id: str, retention: VolumeRetentionMode | None
) -> StreamingSession:
    """Begin to stop a session, with a backup where its rules ask for one."""
    session = get(request, studio_id, session_id)
    if not session.may_be_stopped:
        raise ValidationError(
            "This session can't be stopped, only deleted: its launch profile "
            f"{session.launch_profile_id} has sessionPersistenceMode "
            f"{session.session_persistence_mode} and maxStoppedSessionLengthInMinutes "
            f"{session.max_stopped_session_length_in_minutes}.",
            code=Code.ONLY_DELETED,
        )
    if retention is VolumeRetentionMode.DELETE and not session.makes_backups:
        raise ValidationError(
            "volumeRetentionMode: DELETE would lose the session's disk, because its launch "
            "profile makes no backups. Use RETAIN, or delete the session."
        )
    settling.require(MACHINE, session, "stop")
    begin_stop(
        request.transaction,
        session,
        now=request.now,
        by=request.caller.principal_id,
        message="The workstation is being stopped.",
        retention=retention or VolumeRetentionMode.RETAIN,
    )
    return get(request, studio_id, session_id)


def start(
    request: Request, studio_id: str, session_id: str, backup_id: str | None
) -> StreamingSession:
    """Begin to start a stopped session, on its own disk or on one made of a backup."""
    transaction, now = request.transaction, request.now
    session = get(request, studio_id, session_id)
    require_membership(request, session)
    wanted = _checked_backup(request, session, backup_id)
    settling.require(MACHINE, session, "start")
    evacuation = hosts.evacuation_of(transaction, session.host)
    if evacuation is not None:
        _start_elsewhere(request, session, wanted, backup_id, evacuation)
        return get(request, studio_id, session_id)
    attempt = session.attempt + 1
    changes: Changes = {
        "attempt": attempt,
        "heals": [],
        "started_at": now,
        "started_by": request.caller.principal_id,
        "started_from_backup_id": backup_id,
        "terminate_at": None,
        "stop_at": None,
        "vacating": None,
    }
    if wanted is not None:
        # An attempt's number is never used twice, so it names the new generation.
        changes |= {
            "volume_generation": attempt,
            "volume_backup_id": wanted.id,
            "volume_backup_of": None if wanted.ref == session.ref else wanted.ref,
            "previous_volume_generation": session.volume_generation,
        }
    move(
        transaction,
        session,
        "start",
        now=now,
        actor=request.caller.principal_id,
        code=_C.STREAMING_SESSION_START_IN_PROGRESS,
        message="The workstation is being started.",
        changes=changes,
    )
    return get(request, studio_id, session_id)


def _start_elsewhere(
    request: Request,
    session: StreamingSession,
    wanted: StreamingSessionBackup | None,
    backup_id: str | None,
    evacuation: Evacuation,
) -> None:
    """Begin to start a session whose host is taken out on another one, from the newest backup if
    none was named. Raises ConflictError where there is none.
    """
    transaction, now = request.transaction, request.now
    has_disk = not session.is_volume_deleted
    source = wanted or backups.newest_ready(transaction, session.id, session.ref)
    if source is None and has_disk:
        raise ConflictError(
            f"The session {session.id} has its disk on the host {evacuation.id}, which is taken "
            "out for maintenance, and no backup that it could be started from elsewhere. Start it "
            "when the host is back.",
            code=Code.HOST_OUT,
            context={"resourceId": session.id, "host": evacuation.id},
        )
    of_stop = backups.of_stop(transaction, session.id, session.stop_number)
    is_whole = source is not None and of_stop is not None and source.id == of_stop.id
    made = "" if source is None else f" from its backup of {source.created_at:%Y-%m-%d %H:%M} UTC"
    caller = request.caller.principal_id
    move(
        transaction,
        session,
        "start",
        now=now,
        actor=caller,
        code=_C.STREAMING_SESSION_START_IN_PROGRESS,
        message=f"The workstation is being started on another host{made}, because "
        f"{evacuation.because}.",
        changes={
            **left.leave(transaction, session, source, now, is_whole=is_whole or not has_disk),
            "started_by": caller,
            "started_from_backup_id": backup_id,
        },
    )


def delete(request: Request, studio_id: str, session_id: str) -> StreamingSession:
    """Begin to end a session and to remove its disk; its backups are kept for a while."""
    session = get(request, studio_id, session_id)
    settling.require(MACHINE, session, "delete")
    begin_delete(
        request.transaction,
        session,
        now=request.now,
        by=request.caller.principal_id,
        message="The workstation is being removed.",
    )
    return get(request, studio_id, session_id)


def may_be_worked_in(transaction: Connection, session: StreamingSession) -> bool:
    """Reports whether the session's owner may use its launch profile now."""
    return launch_profiles.may_use(
        transaction, session.studio_id, session.launch_profile_id, session.owned_by
    )


def require_membership(request: Request, session: StreamingSession) -> None:
    """Raise AccessDeniedError when the owner was taken out of the launch profile."""
    if not may_be_worked_in(request.transaction, session):
        raise AccessDeniedError(
            f"{session.owned_by} is not a member of the launch profile "
            f"{session.launch_profile_id} any more.",
            code=Code.NOT_A_MEMBER,
        )


def begin_stop(
    transaction: Connection,
    session: StreamingSession,
    *,
    now: datetime,
    by: str,
    message: str,
    because: str | None = None,
    rule: Rule | None = None,
    retention: VolumeRetentionMode = VolumeRetentionMode.RETAIN,
    vacating: Vacating | None = None,
) -> None:
    """Enter STOP_IN_PROGRESS; `because` of a rule, or with `vacating` because its host is taken
    out. `rule` is either as a word.
    """
    move(
        transaction,
        session,
        "stop",
        now=now,
        actor=by,
        code=_C.STREAMING_SESSION_STOP_IN_PROGRESS,
        message=message,
        changes={
            "stopped_at": now,
            "stopped_by": by,
            "stopped_because": because,
            "stopped_by_rule": rule,
            "stop_at": None,
            "terminate_at": None,
            "volume_retention_mode": retention,
            "stop_number": session.stop_number + 1,
            "vacating": vacating,
        },
    )


def begin_delete(
    transaction: Connection, session: StreamingSession, *, now: datetime, by: str, message: str
) -> None:
    """Enter DELETE_IN_PROGRESS."""
    move(
        transaction,
        session,
        "delete",
        now=now,
        actor=by,
        code=_C.STREAMING_SESSION_DELETE_IN_PROGRESS,
        message=message,
        changes={"stop_at": None, "terminate_at": None},
    )


def move(
    transaction: Connection,
    session: StreamingSession,
    event: str,
    *,
    now: datetime,
    actor: str,
    code: StreamingSessionStatusCode,
    message: str,
    changes: Changes,
    due_at: datetime | None = None,
) -> None:
    """Make a transition: the one door through which a session's state changes."""
    state = MACHINE.target(session.state, event)
    course = _course(session, state, changes, now)
    store.sessions.update(
        transaction,
        session.id,
        {
            "state": state,
            "state_since": now,
            "status_code": code,
            "status_message": message,
            "updated_at": now,
            "updated_by": actor,
            **lease.touch(store.table, due_at or now),
            **changes,
            "course": course,
        },
    )
    is_start_over = session.state in steps.STARTS and state not in steps.STARTS
    told = steps.told(msgspec.structs.replace(session, course=course)) if is_start_over else None
    origin = steps.origin(session)
    change = {
        "oldState": session.state,
        "state": state,
        "statusCode": code,
        # How long it was in the old state.
        "afterSeconds": round((now - session.state_since).total_seconds(), 3),
        **({"startSteps": told, "startedFrom": origin} if told else {}),
    }
    note(transaction, session, state, actor=actor, now=now, message=message, change=change)


def _course(
    session: StreamingSession, state: StreamingSessionState, changes: Changes, now: datetime
) -> Course | None:
    """A start that begins has a new one, and no other transition leaves it open."""
    if state in steps.STARTS:
        return Course(begun_at=now)
    known: Course | None = changes.get("course", session.course)
    if known is None or known.ended_at is not None:
        return known
    return steps.ended(known, now)


def note(
    transaction: Connection,
    session: StreamingSession,
    what: str,
    *,
    actor: str,
    now: datetime,
    message: str,
    change: Changes | None = None,
) -> None:
    """Note what happened to a session, and wake who waits for it."""
    journal.append(
        transaction,
        at=now,
        kind=f"sessions.{what}",
        subject=f"{ArnKind.STREAMING_SESSION}/{session.id}",
        actor=actor,
        studio_id=session.studio_id,
        owned_by=session.owned_by,
        detail={**(change or {}), "statusMessage": message},
    )
    if actor != SERVICE_PRINCIPAL:
        # Their worker says itself when it will look again at what it changed.
        hints.hint(transaction, "sessions", session.id)
    hints.hint(transaction, "streams", session.id)


class OfSession(Protocol):
    """What is made for a session, such as a stream: it is its owner's, and told with it."""

    @property
    def session_id(self) -> str:
        """The session."""

    @property
    def studio_id(self) -> str:
        """The session's studio."""

    @property
    def owned_by(self) -> str:
        """The session's owner."""


def note_of(
    transaction: Connection,
    made: OfSession,
    kind: str,
    detail: Changes,
    *,
    now: datetime,
    actor: str,
    source_address: str | None = None,
) -> None:
    """Note what happened to something of a session, under the session's name."""
    journal.append(
        transaction,
        at=now,
        kind=kind,
        subject=f"{ArnKind.STREAMING_SESSION}/{made.session_id}",
        actor=actor,
        studio_id=made.studio_id,
        owned_by=made.owned_by,
        source_address=source_address,
        detail=detail,
    )


def look_up(transaction: Connection, session_id: str) -> StreamingSession | None:
    """Read one session by its id alone; for streams."""
    return store.sessions.get(transaction, session_id)


def not_ready(transaction: Connection, session_ids: set[str]) -> set[str]:
    """Say which of these sessions are not READY, or not there; for streams."""
    return store.not_ready(transaction, session_ids)


def has_any_of_profile(transaction: Connection, profile_id: str) -> bool:
    """Reports whether a launch profile has sessions that are not DELETED."""
    columns = store.table.c
    is_there = (columns.launch_profile_id == profile_id, columns.state != _S.DELETED)
    return store.sessions.count(transaction, *is_there) > 0


def counts(transaction: Connection) -> dict[str, int]:
    """Count all sessions by state; for metrics. Those of a state without any are 0."""
    found = store.sessions.count_by(transaction, "state")
    return {str(state): found.get(state, 0) for state in _S}


def known_refs(transaction: Connection, refs: set[str]) -> set[str]:
    """Say which of these are workstations that sessions have, or left on another host; for the
    sweep.
    """
    return store.known_refs(transaction, refs) | left.known_refs(transaction, refs)


def count(transaction: Connection, studio_id: str) -> int:
    """Count what the studio's quota counts."""
    return store.count_living(transaction, studio_id, "")[0]


def _require_room(request: Request, studio: Studio, owner: str) -> None:
    """Raise QuotaExceededError unless the owner and the studio may have one more session."""
    limits = studios.quotas_of(studio, request.installation.quotas)
    all_of_studio, of_owner = store.count_living(request.transaction, studio.id, owner)
    quotas.require(
        limits,
        Quota.SESSIONS_PER_USER,
        used=of_owner,
        studio_id=studio.id,
        user=owner,
    )
    quotas.require(limits, Quota.SESSIONS, used=all_of_studio, studio_id=studio.id)


def _checked_backup(
    request: Request, session: StreamingSession, backup_id: str | None
) -> StreamingSessionBackup | None:
    """Say which backup the start must restore: the one asked for, or the newest if there is no
    disk any more. None: start on the disk as it is.
    """
    if backup_id is not None:
        backup = backups.find(request.transaction, session.studio_id, backup_id)
        if backup.session_id != session.id:
            raise ValidationError(
                f"backupId: the backup {backup_id} is of another session than {session.id}.",
                code=Code.NOT_OWN_BACKUP,
            )
        if backup.state is not _S.READY:
            raise ValidationError.of_state(backups.KIND, backup_id, backup.state, member="backupId")
        return backup
    if not session.is_volume_deleted:
        return None
    return backups.newest_ready(request.transaction, session.id, session.ref)
