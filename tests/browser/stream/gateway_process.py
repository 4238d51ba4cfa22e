"""A gateway in a process of its own, which a test can kill and start again.

Run as `python gateway_process.py FOLDER PORT`. The folder holds `control.json`, the test's stand-in
for the control plane: where the stream's desktop is and whether the stream has ended. It is read
anew at each question, so that the test changes it while the gateway runs.
"""

import asyncio
import json
import logging
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import structlog
import uvicorn
from starlette.applications import Starlette

from soundstage.gateway.app import Gateway
from soundstage.gateway.settings import GatewaySettings
from soundstage.gateway.upstreams import Countdown, Refusal, Refused, Shares, Transferred, Upstream
from soundstage.wire.ticket import Ticket, Tickets

SECRET = b"a secret for tests, thirty-two b."
SHARE = "S" * 22


class FileUpstreams:
    """Answers from `control.json`; used tickets are kept beside it."""

    def __init__(self, folder: Path, address: str) -> None:
        self._address = address
        self._control = folder / "control.json"
        self._used = folder / "used"

    async def redeem(self, ticket: Ticket, address: str = "") -> Upstream:
        del address
        upstream = await self.find(ticket.stream_id)
        if upstream.most_viewers is not None:
            return upstream
        try:
            self._used.touch(exist_ok=False)
        except FileExistsError:
            raise Refused(Refusal.USED) from None
        return upstream

    async def find(self, stream_id: str) -> Upstream:
        facts = json.loads(self._control.read_text())
        if stream_id in facts["ended"]:
            raise Refused(Refusal.SHARE_ENDED if stream_id == SHARE else Refusal.ENDED)
        if stream_id not in facts["streams"]:
            raise Refused(Refusal.FOREIGN)
        return msgspec.convert({"stream_id": stream_id, **facts["streams"][stream_id]}, Upstream)

    async def ended(self, stream_ids: set[str]) -> set[str]:
        return stream_ids & set(json.loads(self._control.read_text())["ended"])

    async def report_input(self, stream_ids: set[str]) -> None:
        (self._control.parent / "input").write_text(" ".join(sorted(stream_ids)))

    async def countdown(self, stream_id: str) -> Countdown | None:
        facts = json.loads(self._control.read_text())
        coming = facts.get("coming", {}).get(stream_id)
        return None if coming is None else msgspec.convert(coming, Countdown)

    async def shares(self, stream_id: str) -> Shares | None:
        found = json.loads(self._control.read_text()).get("shares", {}).get(stream_id)
        return None if found is None else msgspec.convert(found, Shares)

    async def share(self, stream_id: str, minutes: int, viewers: int) -> Shares | None:
        made = {"id": SHARE, "secondsLeft": 60.0 * minutes, "maxViewers": viewers, "viewers": 0}
        ticket = Ticket(stream_id=SHARE, subject="artist", expires=int(time.time()) + 60 * minutes)
        url = f"{self._address}/streams/{SHARE}/?ticket={Tickets(SECRET).sign(ticket)}"
        facts = json.loads(self._control.read_text())
        facts["shares"][stream_id]["shares"] = [{**made, "url": url}]
        facts["streams"][SHARE] = {**facts["streams"][stream_id], "most_viewers": viewers}
        self._tell(facts)
        return await self.shares(stream_id)

    async def end_share(self, stream_id: str, share_id: str) -> Shares | None:
        facts = json.loads(self._control.read_text())
        facts["shares"][stream_id]["shares"] = []
        facts["ended"].append(share_id)
        self._tell(facts)
        return await self.shares(stream_id)

    async def report_viewers(self, counts: dict[str, int]) -> None:
        facts = json.loads(self._control.read_text())
        for shares in facts["shares"].values():
            for share in shares["shares"]:
                share["viewers"] = counts.get(share["id"], share["viewers"])
        self._tell(facts)

    def _tell(self, facts: dict[str, Any]) -> None:
        draft = self._control.with_suffix(".new")
        draft.write_text(json.dumps(facts))
        draft.rename(self._control)

    async def report_transfer(self, transferred: Transferred) -> None:
        with (self._control.parent / "transfers").open("ab") as kept:
            kept.write(msgspec.json.encode(transferred) + b"\n")

    async def report_activity(self, stream_ids: set[str]) -> None:
        (self._control.parent / "activity").write_text(" ".join(sorted(stream_ids)))


async def serve(folder: Path, port: int) -> None:
    facts = json.loads((folder / "control.json").read_text())
    settings = GatewaySettings(
        public_url=f"http://127.0.0.1:{port}",
        stream_environment=Path(facts["environment"]),
        activity_seconds=1.0,
    )
    gateway = Gateway(
        settings,
        FileUpstreams(folder, settings.public_url),
        Tickets(SECRET),
        lambda: datetime.now(UTC),
    )
    config = uvicorn.Config(
        Starlette(routes=gateway.routes()),
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        lifespan="off",
        **gateway.uvicorn_options(),
    )
    watching = asyncio.create_task(gateway.watch())
    await uvicorn.Server(config).serve()
    watching.cancel()


if __name__ == "__main__":
    logging.basicConfig(level=logging.DEBUG)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory())
    with asyncio.Runner(loop_factory=__import__("uvloop").new_event_loop) as runner:
        runner.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
