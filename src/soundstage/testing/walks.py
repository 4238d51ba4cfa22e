"""Short words for what stories do in a `world`: launch, stop, start, delete, stream."""

from datetime import timedelta
from typing import Any

import anyio

from soundstage.gateway.upstreams import Upstream
from soundstage.testing.world import PERSISTENT, World
from soundstage.wire.ticket import Ticket


class Studio:
    """The world, its studio, and short words for what stories do."""

    def __init__(self, made: World, **rules: Any) -> None:
        self.world = made
        self.id: str = made.studio()["studioId"]
        self.profile_id: str = made.profile(self.id, **(rules or PERSISTENT))["launchProfileId"]

    def launch(self, **members: Any) -> dict[str, Any]:
        return self.world.session(self.id, self.profile_id, **members)

    def call(self, operation: str, session: dict[str, Any], **members: Any) -> dict[str, Any]:
        """Call one of the operations on a session."""
        return self.world.operator.call(
            operation, studioId=self.id, sessionId=session["sessionId"], **members
        )

    def stop(self, session: dict[str, Any], **members: Any) -> dict[str, Any]:
        self.call("StopStreamingSession", session, **members)
        return self.later(session)

    def start(self, session: dict[str, Any], **members: Any) -> dict[str, Any]:
        self.call("StartStreamingSession", session, **members)
        return self.later(session)

    def delete(self, session: dict[str, Any]) -> dict[str, Any]:
        self.call("DeleteStreamingSession", session)
        return self.later(session)

    def later(self, session: dict[str, Any], seconds: float = 30) -> dict[str, Any]:
        self.world.advance(timedelta(seconds=seconds))
        return self.world.see(session)

    def backups(self, *states: str) -> list[dict[str, Any]]:
        """List the backups, oldest first; of these states if any are named."""
        found = self.world.operator.pages("ListStreamingSessionBackups", studioId=self.id)
        return [backup for backup in found if not states or backup["state"] in states]

    def stream(self, session: dict[str, Any], **members: Any) -> dict[str, Any]:
        """Open a stream and wait until it is READY."""
        made = self.call("CreateStreamingSessionStream", session, **members)["stream"]
        self.world.settle()
        return self.see_stream(session, made)

    def see_stream(self, session: dict[str, Any], stream: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.call(
            "GetStreamingSessionStream", session, streamId=stream["streamId"]
        )["stream"]
        return found

    def ticket(self, stream: dict[str, Any]) -> Ticket:
        """Read the ticket in a stream's address, as the gateway does."""
        signed = stream["url"].partition("?ticket=")[2]
        return self.world.service.tickets.read(signed)

    def redeem(self, ticket: Ticket) -> Upstream:
        return anyio.run(self.world.service.upstreams.redeem, ticket)

    def is_cut(self, stream: dict[str, Any]) -> bool:
        """Ask what the gateway asks every second."""
        return bool(anyio.run(self.world.service.upstreams.ended, {stream["streamId"]}))
