"""The operation on pictures: its shapes, and the row that joins them to the service."""

from soundstage.resources.pictures import service
from soundstage.resources.request import Request
from soundstage.wire.operation import Grant, Operation, Permission
from soundstage.wire.shapes import Shape


class GetStreamingSessionPictureInput(Shape, frozen=True, kw_only=True):
    """Which session."""

    session_id: str
    studio_id: str


class GetStreamingSessionPictureOutput(Shape, frozen=True, kw_only=True):
    """How its desktop looks."""

    picture: bytes
    """A small JPEG, some seconds old at the most."""


def get_streaming_session_picture(
    request: Request, given: GetStreamingSessionPictureInput
) -> GetStreamingSessionPictureOutput:
    """Look at a session's desktop from afar; an addition to the public API.

    The desktop belongs to its artist, and so does what is in the picture: whoever shows it should
    believe nothing about it.
    """
    picture = service.get(request, given.studio_id, given.session_id)
    return GetStreamingSessionPictureOutput(picture=picture)


OPERATIONS = [
    Operation(
        name="GetStreamingSessionPicture",
        method="GET",
        path="/studios/{studioId}/streaming-sessions/{sessionId}/picture",
        input=GetStreamingSessionPictureInput,
        output=GetStreamingSessionPictureOutput,
        # A screen is private: administrators see their own alone.
        permission=Permission(administrator=Grant.OWNER, user=Grant.OWNER),
        handler=get_streaming_session_picture,
        asks_engine=True,
    ),
]
