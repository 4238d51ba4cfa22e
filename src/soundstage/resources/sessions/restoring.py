"""Whose backups a new session may begin with; asked by the service.

A backup gives a new session its disk and nothing else: launch profile, image and instance type are
those of today and are checked as for any new session.
"""

from soundstage.resources.backups import service as backups
from soundstage.resources.backups.model import StreamingSessionBackup, StreamingSessionState
from soundstage.resources.members import service as members
from soundstage.resources.request import CallerKind, Request
from soundstage.wire.codes import Code
from soundstage.wire.faults import AccessDeniedError, NotFoundError, ValidationError


def source(request: Request, studio_id: str, owner: str, backup_id: str) -> StreamingSessionBackup:
    """Read the backup for a session that will be `owner`'s.

    People begin with their own, administrators with any of their studio. Raises AccessDeniedError,
    NotFoundError, ValidationError.
    """
    try:
        found = backups.find(request.transaction, studio_id, backup_id)
    except NotFoundError:
        if _administers(request, studio_id):
            raise
        found = None
    is_own = found is not None and found.owned_by == owner == request.caller.principal_id
    if not is_own and not _administers(request, studio_id):
        # Nobody learns from the answer whether there is such a backup.
        raise AccessDeniedError(
            f"The backup {backup_id} is not one of your own.", code=Code.NOT_OWN_BACKUP
        )
    if found is None or found.state is not StreamingSessionState.READY:
        state = StreamingSessionState.DELETED if found is None else found.state
        raise ValidationError.of_state(backups.KIND, backup_id, state, member="backupId")
    return found


def _administers(request: Request, studio_id: str) -> bool:
    caller = request.caller
    return caller.kind is CallerKind.OPERATOR or members.is_administrator(
        request.transaction, studio_id, caller.principal_id
    )
