"""The operations on streams: shapes, and the rows that join them to the service."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from soundstage.resources.request import Request
from soundstage.resources.shaping import shaped
from soundstage.resources.streams import service
from soundstage.resources.streams.model import (
    StreamingSessionStream,
    StreamingSessionStreamState,
    StreamingSessionStreamStatusCode,
)
from soundstage.wire.faults import ValidationError
from soundstage.wire.operation import Grant, Operation, Permission
from soundstage.wire.shapes import ClientToken, Shape


class StreamingSessionStreamShape(Shape, frozen=True, kw_only=True):
    """A stream on the wire."""

    created_at: datetime
    created_by: str
    expires_at: datetime
    owned_by: str
    state: StreamingSessionStreamState
    status_code: StreamingSessionStreamStatusCode
    stream_id: str
    url: str | None = None


class CreateStreamingSessionStreamInput(Shape, frozen=True, kw_only=True):
    """Which session, and for how many seconds the address may be opened."""

    session_id: str
    studio_id: str
    client_token: ClientToken | None = None
    expiration_in_seconds: Annotated[int, Meta(ge=0, le=3600)] | None = None
    """60 to 3600; clients from before 2022 send 0 for "not said"."""


class GetStreamingSessionStreamInput(Shape, frozen=True, kw_only=True):
    """Which stream."""

    session_id: str
    stream_id: str
    studio_id: str


class StreamingSessionStreamOutput(Shape, frozen=True, kw_only=True):
    """One stream."""

    stream: StreamingSessionStreamShape


def create_streaming_session_stream(
    request: Request, given: CreateStreamingSessionStreamInput
) -> StreamingSessionStreamOutput:
    """Begin to open a stream."""
    seconds = given.expiration_in_seconds
    if seconds and seconds < 60:
        raise ValidationError(
            f"expirationInSeconds: {seconds} is less than the 60 seconds that it must be."
        )
    stream = service.create(
        request,
        studio_id=given.studio_id,
        session_id=given.session_id,
        expiration_seconds=seconds,
    )
    return StreamingSessionStreamOutput(stream=_show(request, stream))


def get_streaming_session_stream(
    request: Request, given: GetStreamingSessionStreamInput
) -> StreamingSessionStreamOutput:
    """Read a stream."""
    stream = service.get(request, given.studio_id, given.session_id, given.stream_id)
    return StreamingSessionStreamOutput(stream=_show(request, stream))


def _show(request: Request, stream: StreamingSessionStream) -> StreamingSessionStreamShape:
    return shaped(
        StreamingSessionStreamShape,
        stream,
        stream_id=stream.id,
        url=service.url_of(request, stream),
    )


_OWNERS = Permission(administrator=Grant.ALWAYS, user=Grant.OWNER)
_ALL = "/studios/{studioId}/streaming-sessions/{sessionId}/streams"

OPERATIONS = [
    Operation(
        name="CreateStreamingSessionStream",
        method="POST",
        path=_ALL,
        input=CreateStreamingSessionStreamInput,
        output=StreamingSessionStreamOutput,
        permission=_OWNERS,
        handler=create_streaming_session_stream,
    ),
    Operation(
        name="GetStreamingSessionStream",
        method="GET",
        path=f"{_ALL}/{{streamId}}",
        input=GetStreamingSessionStreamInput,
        output=StreamingSessionStreamOutput,
        permission=_OWNERS,
        handler=get_streaming_session_stream,
    ),
]
