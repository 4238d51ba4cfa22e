"""A backup that somebody asks for, of a session that rests or runs."""

from soundstage.resources.backups import service as backups
from soundstage.resources.backups.model import StreamingSessionBackup, StreamingSessionState
from soundstage.resources.request import Request
from soundstage.resources.sessions import service
from soundstage.wire.codes import Code
from soundstage.wire.faults import ConflictError, ValidationError

_S = StreamingSessionState
_POSSIBLE = (_S.READY, _S.STOPPED, _S.START_FAILED, _S.STOP_FAILED)


def create(request: Request, studio_id: str, session_id: str) -> StreamingSessionBackup:
    """Begin a backup of a session's disk as it is now; rotation counts it like any other.

    Raises NotFoundError, ValidationError, ConflictError.
    """
    session = service.get(request, studio_id, session_id)
    if not request.installation.supports_backups:
        raise ValidationError(
            "The engine of this installation makes no backups.", code=Code.NO_BACKUPS_HERE
        )
    if session.max_backups_to_retain == 0:
        raise ValidationError(
            f"The launch profile {session.launch_profile_id} keeps no backups: its "
            "sessionBackup.maxBackupsToRetain was 0 when this session was made.",
            code=Code.NO_BACKUPS_KEPT,
        )
    named = {"resourceId": session.id}
    if session.state not in _POSSIBLE:
        raise ConflictError.of_state(
            service.KIND, session.id, session.state, to="back it up", possible=_POSSIBLE
        )
    if session.is_volume_deleted and session.state is not _S.READY:
        raise ConflictError(
            f"The session {session.id} has no disk now.", code=Code.NO_DISK, context=named
        )
    if backups.is_one_begun(request.transaction, session.id):
        raise ConflictError(
            f"Another backup of the session {session.id} is being made.",
            code=Code.BACKUP_BEGUN,
            context=named,
        )
    return backups.begin(
        request.transaction,
        studio_id=studio_id,
        session_id=session.id,
        stop_number=None,
        keep_newest=session.max_backups_to_retain,
        launch_profile_id=session.launch_profile_id,
        owned_by=session.owned_by,
        tags=session.tags,
        now=request.now,
        workstation=session.workstation,
    )
