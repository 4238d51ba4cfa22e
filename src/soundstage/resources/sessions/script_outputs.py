"""What the initialization scripts of a session said; called by its operation.

The engine keeps it, for the last five starts. It is for administrators: scripts may have shown what
their people should not see, although the values of their parameters are masked.
"""

from soundstage.engines.interface import ScriptOutput
from soundstage.kit.pages import Cursor
from soundstage.resources import listing
from soundstage.resources.request import Request
from soundstage.resources.sessions import service

_PAGE = 20
"""Each may be 64 KiB."""


def list_page(
    request: Request, studio_id: str, session_id: str, next_token: str | None
) -> tuple[list[ScriptOutput], str | None]:
    """List them, the newest start first, each start in the order in which they ran.

    Raises NotFoundError.
    """
    session = service.get(request, studio_id, session_id)
    kept = request.scripts.script_output(session.ref) if request.scripts is not None else []
    numbered = sorted(enumerate(kept), key=lambda each: (-each[1].attempt, each[0]))
    keyed = [([-each.attempt, number], each) for number, each in numbered]

    def fetch(cursor: Cursor | None, limit: int) -> list[tuple[list[int], ScriptOutput]]:
        after = [int(part) for part in cursor or []]
        return [(key, each) for key, each in keyed if key > after or not after][:limit]

    page, token = listing.page_of(
        request,
        fetch,
        cursor_of=lambda item: list(item[0]),
        operation="ListStreamingSessionScriptOutputs",
        filters={"studioId": studio_id, "sessionId": session_id},
        next_token=next_token,
        size=_PAGE,
    )
    return [each for _, each in page], token
