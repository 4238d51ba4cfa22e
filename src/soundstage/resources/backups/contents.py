"""What is in a backup: its folders, and the address of one of its files.

Called by the operations; `Files` is what `wiring` hands to the gateway, which serves the addresses.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from soundstage.engines.interface import (
    BackupEntry,
    BackupFile,
    NoSuchEntryError,
    PermanentError,
    RetryableError,
    SupportsBrowsing,
)
from soundstage.kit import journal
from soundstage.kit.pages import Cursor
from soundstage.resources import listing
from soundstage.resources.backups import service, store
from soundstage.resources.backups.model import StreamingSessionBackup, StreamingSessionState
from soundstage.resources.request import Request
from soundstage.wire.arn import ArnKind
from soundstage.wire.codes import Code
from soundstage.wire.faults import ConflictError, NotFoundError, ThrottledError, ValidationError
from soundstage.wire.ticket import FileTicket

Entry = BackupEntry
PAGE_SIZE = 500
_ADDRESS_HOLDS = timedelta(minutes=2)


class FoundFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a backup, and where it is fetched from for a short while."""

    entry: BackupEntry
    url: str
    expires_at_seconds: int


def list_page(
    request: Request, studio_id: str, backup_id: str, folder: str, next_token: str | None
) -> tuple[list[BackupEntry], str | None]:
    """List one folder of a backup, by names. Raises the faults of the operation."""
    backup, browsing = _readable(request, studio_id, backup_id)
    with _faults(backup):
        entries = browsing.list_backup(backup.ref, backup.id, folder)

    def fetch(cursor: Cursor | None, limit: int) -> list[BackupEntry]:
        after = None if cursor is None else str(cursor[0])
        return [entry for entry in entries if after is None or entry.name > after][:limit]

    return listing.page_of(
        request,
        fetch,
        cursor_of=lambda entry: [entry.name],
        operation="ListStreamingSessionBackupFiles",
        filters={"studioId": studio_id, "backupId": backup_id, "path": folder},
        next_token=next_token,
        size=PAGE_SIZE,
    )


def find_file(request: Request, studio_id: str, backup_id: str, path: str) -> FoundFile:
    """Find one file and sign an address for it. Raises the faults of the operation."""
    backup, browsing = _readable(request, studio_id, backup_id)
    folder, _, name = path.strip("/").rpartition("/")
    with _faults(backup):
        entries = browsing.list_backup(backup.ref, backup.id, folder)
    found = next((entry for entry in entries if entry.name == name), None)
    if found is None:
        raise NotFoundError("file in the backup", backup.id)
    if found.kind != "FILE":
        raise ValidationError(
            f"path: this is a {found.kind.lower()}; only a file can be fetched.",
            code=Code.NO_FILE,
            context={"member": "path"},
        )
    expires = int((request.now + _ADDRESS_HOLDS).timestamp())
    ticket = FileTicket(
        backup_id=backup.id, path=path, subject=request.caller.principal_id, expires=expires
    )
    signed = request.tickets.sign_file(ticket)
    return FoundFile(
        entry=found,
        url=f"{request.installation.address}/backup-files/?ticket={signed}",
        expires_at_seconds=expires,
    )


class Files:
    """Opens what an address names, for the gateway."""

    def __init__(
        self,
        browsing: SupportsBrowsing,
        look_up: Callable[[str], StreamingSessionBackup | None],
        note: Callable[[StreamingSessionBackup, FileTicket, int], None],
    ) -> None:
        self._browsing = browsing
        self._look_up = look_up
        self._note = note

    def open(self, ticket: FileTicket) -> BackupFile | None:
        """Begin to read it; None when the backup or the file is gone. Raises RetryableError."""
        backup = self._look_up(ticket.backup_id)
        if backup is None or backup.state is not StreamingSessionState.READY:
            return None
        try:
            found = self._browsing.open_backup_file(backup.ref, backup.id, ticket.path)
        except PermanentError:
            return None
        self._note(backup, ticket, found.size_bytes)
        return found


def look_up(transaction: Connection, backup_id: str) -> StreamingSessionBackup | None:
    """Read a backup by its id alone; for `Files`."""
    return store.backups.get(transaction, backup_id)


def note_download(
    transaction: Connection,
    backup: StreamingSessionBackup,
    ticket: FileTicket,
    size: int,
    now: datetime,
) -> None:
    """Note that somebody began to take a file out of a backup."""
    journal.append(
        transaction,
        at=now,
        kind="backups.DOWNLOADED",
        subject=f"{ArnKind.STREAMING_SESSION_BACKUP}/{backup.id}",
        actor=ticket.subject,
        studio_id=backup.studio_id,
        owned_by=backup.owned_by,
        detail={"sessionId": backup.session_id, "name": ticket.path, "size": size},
    )


def _readable(
    request: Request, studio_id: str, backup_id: str
) -> tuple[StreamingSessionBackup, SupportsBrowsing]:
    backup = service.get(request, studio_id, backup_id)
    if request.browsing is None:
        raise ValidationError(
            "The engine of this installation can't look into backups.", code=Code.UNREADABLE
        )
    if backup.state is not StreamingSessionState.READY:
        raise ConflictError.of_state(service.KIND, backup.id, backup.state)
    return backup, request.browsing


@contextmanager
def _faults(backup: StreamingSessionBackup) -> Iterator[None]:
    try:
        yield
    except NoSuchEntryError as error:
        raise ValidationError(
            f"path: {error}", code=Code.NO_FILE, context={"member": "path"}
        ) from None
    except RetryableError as error:
        raise ThrottledError(
            f"{error} Try again.",
            code=Code.UNREADABLE,
            headers={"Retry-After": str(round(error.after_seconds))},
        ) from None
    except PermanentError as error:
        raise ConflictError(
            str(error), code=Code.UNREADABLE, context={"resourceId": backup.id}
        ) from None
