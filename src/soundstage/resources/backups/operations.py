"""The operations on backups: shapes, and the rows that join them to the service."""

from datetime import datetime

from soundstage.resources.backups import service
from soundstage.resources.backups.model import (
    StreamingSessionBackup,
    StreamingSessionState,
    StreamingSessionStatusCode,
)
from soundstage.resources.request import Request
from soundstage.resources.shaping import shaped
from soundstage.wire.arn import ArnKind
from soundstage.wire.operation import Grant, Operation, Permission
from soundstage.wire.shapes import Shape, Tags


class StreamingSessionBackupShape(Shape, frozen=True, kw_only=True):
    """A backup on the wire."""

    arn: str
    backup_id: str
    created_at: datetime
    launch_profile_id: str
    owned_by: str
    session_id: str
    state: StreamingSessionState
    status_code: StreamingSessionStatusCode
    status_message: str
    tags: Tags


class GetStreamingSessionBackupInput(Shape, frozen=True, kw_only=True):
    """Which backup."""

    backup_id: str
    studio_id: str


class ListStreamingSessionBackupsInput(Shape, frozen=True, kw_only=True):
    """Whose backups, and where to go on."""

    studio_id: str
    next_token: str | None = None
    owned_by: str | None = None


class StreamingSessionBackupOutput(Shape, frozen=True, kw_only=True):
    """One backup."""

    streaming_session_backup: StreamingSessionBackupShape


class ListStreamingSessionBackupsOutput(Shape, frozen=True, kw_only=True):
    """A page of backups."""

    streaming_session_backups: list[StreamingSessionBackupShape]
    next_token: str | None = None


def get_streaming_session_backup(
    request: Request, given: GetStreamingSessionBackupInput
) -> StreamingSessionBackupOutput:
    """Read a backup."""
    backup = service.get(request, given.studio_id, given.backup_id)
    return StreamingSessionBackupOutput(streaming_session_backup=_show(request, backup))


def list_streaming_session_backups(
    request: Request, given: ListStreamingSessionBackupsInput
) -> ListStreamingSessionBackupsOutput:
    """List the backups of a studio."""
    backups, next_token = service.list_page(
        request, given.studio_id, owned_by=given.owned_by, next_token=given.next_token
    )
    return ListStreamingSessionBackupsOutput(
        streaming_session_backups=[_show(request, backup) for backup in backups],
        next_token=next_token,
    )


def _show(request: Request, backup: StreamingSessionBackup) -> StreamingSessionBackupShape:
    return shaped(
        StreamingSessionBackupShape,
        backup,
        backup_id=backup.id,
        arn=request.installation.arn(ArnKind.STREAMING_SESSION_BACKUP, backup.id),
    )


OPERATIONS = [
    Operation(
        name="GetStreamingSessionBackup",
        method="GET",
        path="/studios/{studioId}/streaming-session-backups/{backupId}",
        input=GetStreamingSessionBackupInput,
        output=StreamingSessionBackupOutput,
        permission=Permission(administrator=Grant.ALWAYS, user=Grant.OWNER),
        handler=get_streaming_session_backup,
    ),
    Operation(
        name="ListStreamingSessionBackups",
        method="GET",
        path="/studios/{studioId}/streaming-session-backups",
        input=ListStreamingSessionBackupsInput,
        output=ListStreamingSessionBackupsOutput,
        permission=Permission(administrator=Grant.ALWAYS, user=Grant.OWN_LIST),
        handler=list_streaming_session_backups,
        paginates="streamingSessionBackups",
    ),
]
