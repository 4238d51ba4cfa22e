"""The operations on streaming sessions: shapes, and the rows that join them to the service."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from soundstage.resources.backups.model import (
    StreamingSessionState,
    StreamingSessionStatusCode,
)
from soundstage.resources.backups.operations import StreamingSessionBackupOutput
from soundstage.resources.backups.operations import show as show_backup
from soundstage.resources.components.model import StudioComponentInitializationScriptRunContext
from soundstage.resources.launch_profiles.model import (
    AutomaticTerminationMode,
    SessionBackupMode,
    SessionPersistenceMode,
    StreamingInstanceType,
    VolumeConfiguration,
)
from soundstage.resources.request import Request
from soundstage.resources.sessions import (
    activity,
    backing_up,
    script_outputs,
    service,
    starts,
)
from soundstage.resources.sessions.countdown import ActionKind, next_action
from soundstage.resources.sessions.model import (
    Activity,
    Rule,
    StreamingSession,
    VolumeRetentionMode,
)
from soundstage.resources.sessions.outlook import Outlook
from soundstage.resources.sessions.steps import UNDONE, StartStep, taken
from soundstage.resources.shaping import shaped
from soundstage.wire.arn import ArnKind
from soundstage.wire.operation import Grant, Operation, Permission
from soundstage.wire.shapes import ClientToken, ResourceId, Shape, Tags


class StreamingSessionNextAction(Shape, frozen=True, kw_only=True):
    """What will happen to a session if nobody does anything; an addition to the public API."""

    action: ActionKind
    allowed_in_minutes: int
    """How long the rule allows; it was counted from a moment that lay so far before `at`."""
    at: datetime
    message: str
    rule: Rule
    last_activity: Activity | None = None
    """What the session was last used by, where the rule is about that."""
    host_name: str | None = None
    """Which host is taken out, where the rule is about that."""
    host_reason: str | None = None
    """Why, in the operator's words."""


class StreamingSessionStartStep(Shape, frozen=True, kw_only=True):
    """What a session's last start came to, measured where it was done; an addition to the public
    API.
    """

    step: StartStep
    began_at: datetime
    seconds: float | None = None
    """How long it took; absent while the start is at it."""
    studio_component_name: str | None = None
    """Of a script, the component that it belongs to."""
    number: int | None = None
    """Of a script, which it is; the first is 1."""
    of: int | None = None
    """Of a script, how many there are."""
    usual_seconds: float | None = None
    """Of the step that a start is at, how long it took the last times; absent where fewer than
    three were measured.
    """


class StreamingSessionStepAhead(Shape, frozen=True, kw_only=True):
    """A step that a start is still to come to, as the last starts of its launch profile had it; an
    addition to the public API.
    """

    step: StartStep
    studio_component_name: str | None = None
    """Of a script, the component that it belongs to."""
    number: int | None = None
    of: int | None = None
    usual_seconds: float | None = None
    """How long it took the last times; absent where fewer than three were measured."""


class StreamingSessionShape(Shape, frozen=True, kw_only=True):
    """A session on the wire."""

    arn: str
    automatic_termination_mode: AutomaticTerminationMode
    backup_mode: SessionBackupMode
    created_at: datetime
    created_by: str
    ec2_instance_type: str
    launch_profile_id: str
    max_backups_to_retain: int
    owned_by: str
    session_id: str
    session_persistence_mode: SessionPersistenceMode
    state: StreamingSessionState
    status_code: StreamingSessionStatusCode
    status_message: str
    streaming_image_id: ResourceId
    tags: Tags
    updated_at: datetime
    updated_by: str
    started_at: datetime | None = None
    started_by: str | None = None
    started_from_backup_id: str | None = None
    stop_at: datetime | None = None
    stopped_at: datetime | None = None
    stopped_by: str | None = None
    stopped_by_rule: Rule | None = None
    """An addition to the public API: by which rule it stopped by itself."""
    terminate_at: datetime | None = None
    volume_configuration: VolumeConfiguration | None = None
    volume_retention_mode: VolumeRetentionMode | None = None
    next_action: StreamingSessionNextAction | None = None
    start_steps: list[StreamingSessionStartStep] | None = None
    """An addition to the public API: the steps of its last start, in order; in a list only where
    it goes on or failed.
    """
    start_steps_ahead: list[StreamingSessionStepAhead] | None = None
    """An addition to the public API, in answers of Get and List: what a start that goes on is
    still to come to.
    """
    start_remaining_seconds: float | None = None
    """An addition to the public API, likewise: how long that takes if it goes as the last times;
    absent while not all of it is known.
    """
    unreachable_since: datetime | None = None
    """An addition to the public API: when its host was first found not to answer, as long as
    that is so.
    """
    healed_at: datetime | None = None
    """An addition to the public API: when it was last found gone and started again by itself,
    since somebody started it.
    """


class CreateStreamingSessionInput(Shape, frozen=True, kw_only=True):
    """What to launch, and for whom."""

    launch_profile_id: str
    studio_id: str
    client_token: ClientToken | None = None
    ec2_instance_type: StreamingInstanceType | None = None
    owned_by: str | None = None
    streaming_image_id: ResourceId | None = None
    tags: Tags | None = None
    backup_id: str | None = None
    """An addition to the public API: the backup that its disk is made of."""


class GetStreamingSessionInput(Shape, frozen=True, kw_only=True):
    """Which session."""

    session_id: str
    studio_id: str


class ListStreamingSessionsInput(Shape, frozen=True, kw_only=True):
    """Which sessions, and where to go on."""

    studio_id: str
    created_by: str | None = None
    next_token: str | None = None
    owned_by: str | None = None
    session_ids: str | None = None
    """One id, or several with commas between."""


class StartStreamingSessionInput(Shape, frozen=True, kw_only=True):
    """Which session, and on which disk."""

    session_id: str
    studio_id: str
    backup_id: str | None = None
    client_token: ClientToken | None = None


class StopStreamingSessionInput(Shape, frozen=True, kw_only=True):
    """Which session, and what becomes of its disk."""

    session_id: str
    studio_id: str
    client_token: ClientToken | None = None
    volume_retention_mode: VolumeRetentionMode | None = None


class DeleteStreamingSessionInput(Shape, frozen=True, kw_only=True):
    """Which session."""

    session_id: str
    studio_id: str
    client_token: ClientToken | None = None


class ExtendStreamingSessionInput(Shape, frozen=True, kw_only=True):
    """Which session, and by how much; as far as may be if that is not said."""

    session_id: str
    studio_id: str
    client_token: ClientToken | None = None
    minutes: Annotated[int, Meta(ge=1, le=43200)] | None = None


class CreateStreamingSessionBackupInput(Shape, frozen=True, kw_only=True):
    """Which session; an addition to the public API."""

    session_id: str
    studio_id: str
    client_token: ClientToken | None = None


class StreamingSessionOutput(Shape, frozen=True, kw_only=True):
    """One session."""

    session: StreamingSessionShape


class ListStreamingSessionsOutput(Shape, frozen=True, kw_only=True):
    """A page of sessions."""

    sessions: list[StreamingSessionShape]
    next_token: str | None = None


class StreamingSessionScriptOutput(Shape, frozen=True, kw_only=True):
    """How one initialization script ended, and what it said."""

    attempt: int
    """Counts the session's starts, those after a crash too."""
    studio_component_name: str
    run_context: StudioComponentInitializationScriptRunContext
    began_at: datetime
    ended_at: datetime
    output: str
    """Its first 16 and its last 48 KiB, with the values of its parameters masked."""
    exit_code: int | None = None
    """Absent when it was ended because it took too long."""


class ListStreamingSessionScriptOutputsInput(Shape, frozen=True, kw_only=True):
    """Which session, and where to go on."""

    session_id: str
    studio_id: str
    next_token: str | None = None


class ListStreamingSessionScriptOutputsOutput(Shape, frozen=True, kw_only=True):
    """A page of them, the newest start first."""

    script_outputs: list[StreamingSessionScriptOutput]
    next_token: str | None = None


def list_streaming_session_script_outputs(
    request: Request, given: ListStreamingSessionScriptOutputsInput
) -> ListStreamingSessionScriptOutputsOutput:
    """List what the initialization scripts of the last five starts said."""
    kept, next_token = script_outputs.list_page(
        request, given.studio_id, given.session_id, given.next_token
    )
    runs = StudioComponentInitializationScriptRunContext
    return ListStreamingSessionScriptOutputsOutput(
        script_outputs=[
            StreamingSessionScriptOutput(
                attempt=each.attempt,
                studio_component_name=each.component,
                run_context=runs.SYSTEM_INITIALIZATION
                if each.as_root
                else runs.USER_INITIALIZATION,
                began_at=each.began_at,
                ended_at=each.ended_at,
                output=each.output,
                exit_code=each.exit_code,
            )
            for each in kept
        ],
        next_token=next_token,
    )


def create_streaming_session(
    request: Request, given: CreateStreamingSessionInput
) -> StreamingSessionOutput:
    """Begin to launch a workstation."""
    session = service.create(
        request,
        studio_id=given.studio_id,
        launch_profile_id=given.launch_profile_id,
        ec2_instance_type=given.ec2_instance_type,
        streaming_image_id=given.streaming_image_id or None,
        owned_by=given.owned_by,
        tags=given.tags or {},
        backup_id=given.backup_id or None,
    )
    return _answer(request, session)


def get_streaming_session(
    request: Request, given: GetStreamingSessionInput
) -> StreamingSessionOutput:
    """Read a session."""
    session = service.get(request, given.studio_id, given.session_id)
    coming = starts.outlooks(request.transaction, [session], request.now)
    return StreamingSessionOutput(session=_show(request, session, coming.get(session.id)))


def list_streaming_sessions(
    request: Request, given: ListStreamingSessionsInput
) -> ListStreamingSessionsOutput:
    """List the sessions of a studio."""
    sessions, next_token = service.list_page(
        request,
        given.studio_id,
        created_by=given.created_by,
        owned_by=given.owned_by,
        session_ids=[part for part in (given.session_ids or "").split(",") if part],
        next_token=given.next_token,
    )
    coming = starts.outlooks(request.transaction, sessions, request.now)
    return ListStreamingSessionsOutput(
        sessions=[
            _show(request, each, coming.get(each.id), has_steps=each.state in UNDONE)
            for each in sessions
        ],
        next_token=next_token,
    )


def start_streaming_session(
    request: Request, given: StartStreamingSessionInput
) -> StreamingSessionOutput:
    """Begin to start a stopped session."""
    session = service.start(request, given.studio_id, given.session_id, given.backup_id)
    return _answer(request, session)


def stop_streaming_session(
    request: Request, given: StopStreamingSessionInput
) -> StreamingSessionOutput:
    """Begin to stop a session."""
    session = service.stop(request, given.studio_id, given.session_id, given.volume_retention_mode)
    return _answer(request, session)


def delete_streaming_session(
    request: Request, given: DeleteStreamingSessionInput
) -> StreamingSessionOutput:
    """Begin to end a session."""
    return _answer(request, service.delete(request, given.studio_id, given.session_id))


def extend_streaming_session(
    request: Request, given: ExtendStreamingSessionInput
) -> StreamingSessionOutput:
    """Put a session's end off; an addition to the public API."""
    session = activity.extend(request, given.studio_id, given.session_id, given.minutes)
    return _answer(request, session)


def create_streaming_session_backup(
    request: Request, given: CreateStreamingSessionBackupInput
) -> StreamingSessionBackupOutput:
    """Begin a backup of a session that rests or runs."""
    backup = backing_up.create(request, given.studio_id, given.session_id)
    return StreamingSessionBackupOutput(streaming_session_backup=show_backup(request, backup))


def _answer(request: Request, session: StreamingSession) -> StreamingSessionOutput:
    return StreamingSessionOutput(session=_show(request, session))


def _show(
    request: Request,
    session: StreamingSession,
    coming: Outlook | None = None,
    *,
    has_steps: bool = True,
) -> StreamingSessionShape:
    return shaped(
        StreamingSessionShape,
        session,
        session_id=session.id,
        arn=request.installation.arn(ArnKind.STREAMING_SESSION, session.id),
        next_action=_next_action(session),
        start_steps=(_start_steps(session, coming) or None) if has_steps else None,
        start_steps_ahead=None if coming is None else _steps_ahead(coming) or None,
        start_remaining_seconds=None if coming is None else coming.remaining_seconds,
        healed_at=session.heals[-1] if session.heals else None,
    )


def _start_steps(
    session: StreamingSession, coming: Outlook | None
) -> list[StreamingSessionStartStep]:
    usual = None if coming is None else coming.usual_seconds
    return [
        StreamingSessionStartStep(
            step=each.step,
            began_at=each.began_at,
            seconds=each.seconds,
            studio_component_name=each.component or None,
            number=each.number or None,
            of=each.of or None,
            usual_seconds=usual if each.seconds is None else None,
        )
        for each in taken(session)
    ]


def _steps_ahead(coming: Outlook) -> list[StreamingSessionStepAhead]:
    return [
        StreamingSessionStepAhead(
            step=each.step,
            studio_component_name=each.component or None,
            number=each.number or None,
            of=each.of or None,
            usual_seconds=each.usual_seconds,
        )
        for each in coming.ahead
    ]


def _next_action(session: StreamingSession) -> StreamingSessionNextAction | None:
    coming = next_action(session)
    if coming is None:
        return None
    return StreamingSessionNextAction(
        action=coming.action,
        allowed_in_minutes=int(coming.allowed.total_seconds() // 60),
        at=coming.at,
        message=coming.message,
        rule=coming.rule,
        last_activity=coming.active_by,
        host_name=coming.host or None,
        host_reason=coming.host_reason or None,
    )


_OWNERS = Permission(administrator=Grant.ALWAYS, user=Grant.OWNER)
_ONE = "/studios/{studioId}/streaming-sessions/{sessionId}"

OPERATIONS = [
    Operation(
        name="CreateStreamingSessionBackup",
        method="POST",
        path=f"{_ONE}/backups",
        input=CreateStreamingSessionBackupInput,
        output=StreamingSessionBackupOutput,
        permission=_OWNERS,
        handler=create_streaming_session_backup,
    ),
    Operation(
        name="CreateStreamingSession",
        method="POST",
        path="/studios/{studioId}/streaming-sessions",
        input=CreateStreamingSessionInput,
        output=StreamingSessionOutput,
        permission=Permission(administrator=Grant.ALWAYS, user=Grant.MEMBER),
        handler=create_streaming_session,
    ),
    Operation(
        name="GetStreamingSession",
        method="GET",
        path=_ONE,
        input=GetStreamingSessionInput,
        output=StreamingSessionOutput,
        permission=_OWNERS,
        handler=get_streaming_session,
    ),
    Operation(
        name="ListStreamingSessions",
        method="GET",
        path="/studios/{studioId}/streaming-sessions",
        input=ListStreamingSessionsInput,
        output=ListStreamingSessionsOutput,
        permission=Permission(administrator=Grant.ALWAYS, user=Grant.OWN_LIST),
        handler=list_streaming_sessions,
        paginates="sessions",
    ),
    Operation(
        name="StartStreamingSession",
        method="POST",
        path=f"{_ONE}/start",
        input=StartStreamingSessionInput,
        output=StreamingSessionOutput,
        permission=_OWNERS,
        handler=start_streaming_session,
    ),
    Operation(
        name="StopStreamingSession",
        method="POST",
        path=f"{_ONE}/stop",
        input=StopStreamingSessionInput,
        output=StreamingSessionOutput,
        permission=_OWNERS,
        handler=stop_streaming_session,
    ),
    Operation(
        name="DeleteStreamingSession",
        method="DELETE",
        path=_ONE,
        input=DeleteStreamingSessionInput,
        output=StreamingSessionOutput,
        permission=_OWNERS,
        handler=delete_streaming_session,
    ),
    Operation(
        name="ListStreamingSessionScriptOutputs",
        method="GET",
        path=f"{_ONE}/script-outputs",
        input=ListStreamingSessionScriptOutputsInput,
        output=ListStreamingSessionScriptOutputsOutput,
        permission=Permission(administrator=Grant.ALWAYS, user=Grant.NEVER),
        handler=list_streaming_session_script_outputs,
        asks_engine=True,
        paginates="scriptOutputs",
    ),
    Operation(
        name="ExtendStreamingSession",
        method="POST",
        path=f"{_ONE}/extend",
        input=ExtendStreamingSessionInput,
        output=StreamingSessionOutput,
        permission=_OWNERS,
        handler=extend_streaming_session,
    ),
]
