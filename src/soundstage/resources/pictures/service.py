"""Gives a small picture of a workstation's desktop; called by its operation."""

from soundstage.engines.interface import EngineError
from soundstage.resources.backups.model import StreamingSessionState
from soundstage.resources.request import Request
from soundstage.resources.sessions import service as sessions
from soundstage.wire.codes import Code
from soundstage.wire.faults import ConflictError


def get(request: Request, studio_id: str, session_id: str) -> bytes:
    """Have a picture taken, or give one of just now. Raises NotFoundError, ConflictError."""
    session = sessions.get(request, studio_id, session_id)
    about = {"resourceId": session_id}
    if session.state is not StreamingSessionState.READY:
        raise ConflictError.of_state(sessions.KIND, session_id, session.state, to="be seen")
    if request.pictures is None:
        raise ConflictError(
            "This installation's engine takes no pictures.", code=Code.NO_PICTURE, context=about
        )
    try:
        return request.pictures.picture(session_id)
    except EngineError as error:
        why = str(error).rstrip(".")
        message = f"There is no picture of the session {session_id} just now: {why}."
        raise ConflictError(message, code=Code.NO_PICTURE, context=about) from None
