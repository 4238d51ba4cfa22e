"""The operations on session shares: shapes, and the rows that join them to the service."""

from datetime import datetime

from soundstage.resources.launch_profiles.model import ShareMinutes, ShareViewers
from soundstage.resources.request import Request
from soundstage.resources.session_shares import service
from soundstage.resources.session_shares.model import SessionShare
from soundstage.resources.shaping import shaped
from soundstage.wire.operation import Grant, Operation, Permission
from soundstage.wire.shapes import ClientToken, Empty, Shape


class StreamingSessionShareShape(Shape, frozen=True, kw_only=True):
    """A link for looking on."""

    created_at: datetime
    created_by: str
    ends_at: datetime
    max_viewers: int
    owned_by: str
    share_id: str
    url: str
    """Opens it, in as many browsers as may look on, until it ends."""
    viewers: int
    """How many look on now."""


class CreateStreamingSessionShareInput(Shape, frozen=True, kw_only=True):
    """Which session, for how long and for how many."""

    session_id: str
    studio_id: str
    client_token: ClientToken | None = None
    length_in_minutes: ShareMinutes | None = None
    """At the most what the launch profile's `sessionShare` says; an hour when it is not given."""
    max_viewers: ShareViewers | None = None
    """Likewise; 3 when it is not given."""


class ListStreamingSessionSharesInput(Shape, frozen=True, kw_only=True):
    """Of which session."""

    session_id: str
    studio_id: str


class DeleteStreamingSessionShareInput(Shape, frozen=True, kw_only=True):
    """Which share."""

    session_id: str
    share_id: str
    studio_id: str
    client_token: ClientToken | None = None


class StreamingSessionShareOutput(Shape, frozen=True, kw_only=True):
    """One share."""

    share: StreamingSessionShareShape


class ListStreamingSessionSharesOutput(Shape, frozen=True, kw_only=True):
    """Those that are open, the oldest first: five at the most."""

    shares: list[StreamingSessionShareShape]
    max_length_in_minutes: int | None = None
    """How long one may last; missing where the session may not be shared."""
    max_viewers: int | None = None
    """How many may look on by one, likewise."""


def create_streaming_session_share(
    request: Request, given: CreateStreamingSessionShareInput
) -> StreamingSessionShareOutput:
    """Make a link by which others look on and do nothing else; an addition to the public API."""
    share = service.create(
        request,
        given.studio_id,
        given.session_id,
        minutes=given.length_in_minutes,
        viewers=given.max_viewers,
    )
    return StreamingSessionShareOutput(share=_show(request, share))


def list_streaming_session_shares(
    request: Request, given: ListStreamingSessionSharesInput
) -> ListStreamingSessionSharesOutput:
    """List the links by which others look on at a session; an addition to the public API."""
    shares, bounds = service.list_open(request, given.studio_id, given.session_id)
    return ListStreamingSessionSharesOutput(
        shares=[_show(request, share) for share in shares],
        max_length_in_minutes=None if bounds is None else bounds.minutes,
        max_viewers=None if bounds is None else bounds.viewers,
    )


def delete_streaming_session_share(
    request: Request, given: DeleteStreamingSessionShareInput
) -> Empty:
    """End a link; who looks on by it is cut within seconds. An addition to the public API."""
    service.delete(request, given.studio_id, given.session_id, given.share_id)
    return Empty()


def _show(request: Request, share: SessionShare) -> StreamingSessionShareShape:
    return shaped(
        StreamingSessionShareShape,
        share,
        share_id=share.id,
        url=service.url_of(request.tickets, request.installation.address, share),
        viewers=share.viewers_now(request.now),
    )


# A screen is private: administrators share their own alone, but may end anybody's.
_OWN = Permission(administrator=Grant.OWNER, user=Grant.OWNER)
_ALL = "/studios/{studioId}/streaming-sessions/{sessionId}/shares"

OPERATIONS = [
    Operation(
        name="CreateStreamingSessionShare",
        method="POST",
        path=_ALL,
        input=CreateStreamingSessionShareInput,
        output=StreamingSessionShareOutput,
        permission=_OWN,
        handler=create_streaming_session_share,
    ),
    Operation(
        name="ListStreamingSessionShares",
        method="GET",
        path=_ALL,
        input=ListStreamingSessionSharesInput,
        output=ListStreamingSessionSharesOutput,
        permission=_OWN,
        handler=list_streaming_session_shares,
    ),
    Operation(
        name="DeleteStreamingSessionShare",
        method="DELETE",
        path=f"{_ALL}/{{shareId}}",
        input=DeleteStreamingSessionShareInput,
        output=Empty,
        permission=Permission(administrator=Grant.ALWAYS, user=Grant.OWNER),
        handler=delete_streaming_session_share,
    ),
]
