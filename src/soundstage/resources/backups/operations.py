"""The operations on backups: shapes, and the rows that join them to the service."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from msgspec import Meta

from soundstage.resources.backups import contents, service
from soundstage.resources.backups.model import (
    StreamingSessionBackup,
    StreamingSessionState,
    StreamingSessionStatusCode,
)
from soundstage.resources.request import Request
from soundstage.resources.shaping import shaped
from soundstage.wire.arn import ArnKind
from soundstage.wire.operation import Grant, Operation, Permission
from soundstage.wire.shapes import SENSITIVE, Shape, Tags

BackupPath = Annotated[str, Meta(min_length=1, max_length=4096, extra=SENSITIVE)]


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
    size_in_bytes: int | None = None
    """An addition to the public API: what is in it, once it is READY."""


class GetStreamingSessionBackupInput(Shape, frozen=True, kw_only=True):
    """Which backup."""

    backup_id: str
    studio_id: str


class ListStreamingSessionBackupsInput(Shape, frozen=True, kw_only=True):
    """Whose backups, and where to go on."""

    studio_id: str
    next_token: str | None = None
    owned_by: str | None = None


class StreamingSessionBackupFile(Shape, frozen=True, kw_only=True):
    """A name in a folder of a backup; an addition to the public API."""

    modified_at: datetime
    path: str
    """Below the home, with slashes between names."""
    size_in_bytes: int
    type: Literal["FILE", "FOLDER", "LINK", "OTHER"]


class ListStreamingSessionBackupFilesInput(Shape, frozen=True, kw_only=True):
    """Which folder, and where to go on; the home itself if no path is given."""

    backup_id: str
    studio_id: str
    next_token: str | None = None
    path: BackupPath | None = None


class GetStreamingSessionBackupFileInput(Shape, frozen=True, kw_only=True):
    """Which file."""

    backup_id: str
    path: BackupPath
    studio_id: str


class ListStreamingSessionBackupFilesOutput(Shape, frozen=True, kw_only=True):
    """A page of names."""

    files: list[StreamingSessionBackupFile]
    next_token: str | None = None


class GetStreamingSessionBackupFileOutput(Shape, frozen=True, kw_only=True):
    """A file, and the address that it is fetched from until it expires."""

    expires_at: datetime
    file: StreamingSessionBackupFile
    url: Annotated[str, Meta(extra=SENSITIVE)]


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
    return StreamingSessionBackupOutput(streaming_session_backup=show(request, backup))


def list_streaming_session_backups(
    request: Request, given: ListStreamingSessionBackupsInput
) -> ListStreamingSessionBackupsOutput:
    """List the backups of a studio."""
    backups, next_token = service.list_page(
        request, given.studio_id, owned_by=given.owned_by, next_token=given.next_token
    )
    return ListStreamingSessionBackupsOutput(
        streaming_session_backups=[show(request, backup) for backup in backups],
        next_token=next_token,
    )


def list_streaming_session_backup_files(
    request: Request, given: ListStreamingSessionBackupFilesInput
) -> ListStreamingSessionBackupFilesOutput:
    """List a folder of a backup; an addition to the public API."""
    folder = (given.path or "").strip("/")
    entries, next_token = contents.list_page(
        request, given.studio_id, given.backup_id, folder, given.next_token
    )
    shown = [_show_file(entry, f"{folder}/{entry.name}".lstrip("/")) for entry in entries]
    return ListStreamingSessionBackupFilesOutput(files=shown, next_token=next_token)


def get_streaming_session_backup_file(
    request: Request, given: GetStreamingSessionBackupFileInput
) -> GetStreamingSessionBackupFileOutput:
    """Give the address of one file of a backup; an addition to the public API."""
    found = contents.find_file(request, given.studio_id, given.backup_id, given.path)
    return GetStreamingSessionBackupFileOutput(
        file=_show_file(found.entry, given.path.strip("/")),
        url=found.url,
        expires_at=datetime.fromtimestamp(found.expires_at_seconds, UTC),
    )


def _show_file(entry: contents.Entry, path: str) -> StreamingSessionBackupFile:
    return StreamingSessionBackupFile(
        path=path, type=entry.kind, size_in_bytes=entry.size_bytes, modified_at=entry.modified_at
    )


def show(request: Request, backup: StreamingSessionBackup) -> StreamingSessionBackupShape:
    """Put a backup into its shape, also for nouns above."""
    return shaped(
        StreamingSessionBackupShape,
        backup,
        backup_id=backup.id,
        size_in_bytes=backup.size_bytes,
        arn=request.installation.arn(ArnKind.STREAMING_SESSION_BACKUP, backup.id),
    )


_OWNERS = Permission(administrator=Grant.ALWAYS, user=Grant.OWNER)
_ONE = "/studios/{studioId}/streaming-session-backups/{backupId}"

OPERATIONS = [
    Operation(
        name="GetStreamingSessionBackupFile",
        method="GET",
        path=f"{_ONE}/file",
        input=GetStreamingSessionBackupFileInput,
        output=GetStreamingSessionBackupFileOutput,
        permission=_OWNERS,
        handler=get_streaming_session_backup_file,
        asks_engine=True,
    ),
    Operation(
        name="ListStreamingSessionBackupFiles",
        method="GET",
        path=f"{_ONE}/files",
        input=ListStreamingSessionBackupFilesInput,
        output=ListStreamingSessionBackupFilesOutput,
        permission=_OWNERS,
        handler=list_streaming_session_backup_files,
        asks_engine=True,
        paginates="files",
    ),
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
