"""Our gateway with one desktop behind it, and noVNC's page beside it, so that both peers share it.

`stream` runs it in a process of its own, `python -m bench.door FOLDER`, where FOLDER has the
desktop's socket; it prints its port. Whoever has `cookie` is let in.
"""

import asyncio
import socket
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import structlog
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from bench.desktop import STREAM_ENVIRONMENT
from soundstage.engines.telling import STREAM_SOCKET
from soundstage.gateway.app import Gateway
from soundstage.gateway.settings import GatewaySettings
from soundstage.gateway.tickets import COOKIE
from soundstage.gateway.upstreams import Transferred, Upstream
from soundstage.kit.places import SocketFolder
from soundstage.wire.ticket import Ticket, Tickets

NOVNC = Path("/usr/share/novnc")
_STREAM = "AAAAAAAAAAAAAAAAAAAAAA"
_SECRET = b"bench bench bench bench bench 32"

OUR_PAGE = f"/streams/{_STREAM}/"
NOVNC_PAGE = f"/novnc/vnc_lite.html?path=streams/{_STREAM}/api/websockets"


def cookie(port: str) -> dict[str, str]:
    """Make the cookie that lets a browser in, as Playwright takes it."""
    ticket = Ticket(stream_id=_STREAM, subject="bench", expires=int(time.time()) + 3600)
    value = Tickets(_SECRET).sign_cookie(ticket)
    return {"name": COOKIE, "value": value, "url": f"http://127.0.0.1:{port}{OUR_PAGE}"}


class OneDesktop:
    """Stands for the control plane: there is one stream, and it never ends."""

    def __init__(self, folder: Path) -> None:
        self._upstream = Upstream(
            stream_id=_STREAM,
            place=SocketFolder(directory=str(folder), uid=folder.stat().st_uid),
            name=STREAM_SOCKET,
        )

    async def redeem(self, ticket: Ticket, address: str = "") -> Upstream:  # noqa: ARG002 - the interface's signature
        """Give the desktop."""
        return self._upstream

    async def find(self, stream_id: str) -> Upstream:  # noqa: ARG002 - as above
        """Give the desktop."""
        return self._upstream

    async def ended(self, stream_ids: set[str]) -> set[str]:  # noqa: ARG002 - as above
        """Say that it goes on."""
        return set()

    async def report_input(self, stream_ids: set[str]) -> None:
        """Nobody wants to know."""

    async def countdown(self, stream_id: str) -> None:
        """Say that nothing comes."""

    async def shares(self, stream_id: str) -> None:
        """Nobody wants to know."""

    async def share(self, stream_id: str, minutes: int, viewers: int) -> None:
        """Nobody wants to know."""

    async def end_share(self, stream_id: str, share_id: str) -> None:
        """Nobody wants to know."""

    async def report_viewers(self, counts: dict[str, int]) -> None:
        """Nobody wants to know."""

    async def report_transfer(self, transferred: Transferred) -> None:
        """Nobody wants to know."""

    async def report_activity(self, stream_ids: set[str]) -> None:
        """Nobody wants to know."""


async def _serve(folder: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = int(listener.getsockname()[1])
    settings = GatewaySettings(
        public_url=f"http://127.0.0.1:{port}", stream_environment=STREAM_ENVIRONMENT
    )
    gateway = Gateway(settings, OneDesktop(folder), Tickets(_SECRET), lambda: datetime.now(UTC))
    novnc = Mount("/novnc", StaticFiles(directory=NOVNC))
    config = uvicorn.Config(
        Starlette(routes=[*gateway.routes(), novnc]),
        log_level="error",
        lifespan="off",
        **gateway.uvicorn_options(),
    )
    watching = asyncio.create_task(gateway.watch())
    print(port, flush=True)
    await uvicorn.Server(config).serve(sockets=[listener])
    watching.cancel()


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(Path(sys.argv[1])))
