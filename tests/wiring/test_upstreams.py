"""The gateway's questions, answered."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from soundstage.engines.simulated import Misbehaviour
from soundstage.gateway.upstreams import Refusal, Refused, Transferred
from soundstage.testing.world import PERSISTENT, World
from soundstage.wire.ticket import Ticket


def launched(world: World) -> tuple[str, dict[str, Any]]:
    studio_id = world.studio()["studioId"]
    profile = world.profile(studio_id, **PERSISTENT)
    return studio_id, world.session(studio_id, profile["launchProfileId"])


def ticket_for(world: World, where: dict[str, str]) -> Ticket:
    stream = world.operator.call("CreateStreamingSessionStream", **where)["stream"]
    world.advance(timedelta(seconds=5))
    return Ticket(stream_id=stream["streamId"], subject="anna", expires=0)


def reason(world: World, ticket: Ticket) -> str:
    with pytest.raises(Refused) as caught:
        asyncio.run(world.service.upstreams.redeem(ticket))
    return caught.value.reason


def test_a_stream_s_ticket_is_good_once_and_while_its_session_runs(world: World) -> None:
    studio_id, session = launched(world)
    where = {"studioId": studio_id, "sessionId": session["sessionId"]}
    upstreams = world.service.upstreams
    ticket = ticket_for(world, where)
    upstream = asyncio.run(upstreams.redeem(ticket))
    assert upstream.stream_id == ticket.stream_id
    assert reason(world, ticket) == Refusal.USED
    assert asyncio.run(upstreams.find(ticket.stream_id)) == upstream
    assert asyncio.run(upstreams.ended({ticket.stream_id, "unknown"})) == {"unknown"}
    assert upstream.files is None
    asyncio.run(
        upstreams.report_transfer(
            Transferred(stream_id=ticket.stream_id, is_upload=True, name="a", size=1)
        )
    )
    asyncio.run(upstreams.report_activity({ticket.stream_id}))
    asyncio.run(upstreams.report_input({ticket.stream_id, "unknown"}))
    assert asyncio.run(upstreams.countdown("unknown")) is None
    coming = asyncio.run(upstreams.countdown(ticket.stream_id))
    assert coming is not None
    assert (coming.action, coming.warn_before) == ("STOP", [900, 300, 60])
    assert (coming.rule, coming.allowed_seconds) == ("MAX_SESSION_LENGTH", 690 * 60)
    assert (coming.idle_since, coming.idle_by) == (None, None)
    world.operator.call("StopStreamingSession", **where)
    assert asyncio.run(upstreams.ended({ticket.stream_id})) == {ticket.stream_id}
    assert reason(world, ticket) == Refusal.ENDED
    assert reason(world, Ticket(stream_id="none", subject="", expires=0)) == Refusal.ENDED


def test_a_ticket_is_not_used_up_while_the_desktop_does_not_answer(world: World) -> None:
    studio_id, session = launched(world)
    where = {"studioId": studio_id, "sessionId": session["sessionId"]}
    ticket = ticket_for(world, where)
    world.engine.misbehave(Misbehaviour.RETRYABLE, ref=session["sessionId"])
    assert reason(world, ticket) == Refusal.UNAVAILABLE
    world.engine.crash(session["sessionId"])
    assert reason(world, ticket) == Refusal.UNAVAILABLE
    world.advance(timedelta(seconds=60))
    assert asyncio.run(world.service.upstreams.redeem(ticket)).stream_id == ticket.stream_id
