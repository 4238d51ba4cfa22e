"""The gateway's questions, answered."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from soundstage.engines.simulated.misbehaviour import Misbehaviour
from soundstage.gateway.upstreams import (
    Became,
    Refusal,
    Refused,
    ShareRefusedError,
    Shares,
    Transferred,
)
from soundstage.resources.members.service import IDENTITY_STORE_ID
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


def test_a_share_s_ticket_is_good_for_many_and_only_shows(world: World) -> None:
    studio_id = world.studio()["studioId"]
    profile = world.profile(studio_id, **PERSISTENT, sessionShare={"maxViewers": 2})
    session = world.session(studio_id, profile["launchProfileId"])
    upstreams, where = world.service.upstreams, {"studioId": studio_id}
    where["sessionId"] = session["sessionId"]
    stream_id = ticket_for(world, where).stream_id
    assert asyncio.run(upstreams.shares(stream_id)) == Shares(
        shares=[], max_minutes=120, max_viewers=2
    )
    with pytest.raises(ShareRefusedError, match="allows from 1 to 2"):
        asyncio.run(upstreams.share(stream_id, 15, 3))
    made = asyncio.run(upstreams.share(stream_id, 15, 2))
    assert made is not None
    (share,) = made.shares
    ticket = world.service.tickets.read(share.url.partition("?ticket=")[2])
    assert ticket.stream_id == share.id
    for _ in range(3):
        upstream = asyncio.run(upstreams.redeem(ticket, "192.0.2.7"))
        assert (upstream.most_viewers, upstream.files) == (2, None)
    # A share opens no further ones, and nothing else that a stream does.
    assert asyncio.run(upstreams.shares(share.id)) is None
    assert asyncio.run(upstreams.share(share.id, 15, 2)) is None
    assert asyncio.run(upstreams.countdown(share.id)) is None
    asyncio.run(upstreams.report_viewers({share.id: 2}))
    told = asyncio.run(upstreams.shares(stream_id))
    assert told is not None
    assert [each.viewers for each in told.shares] == [2]
    assert asyncio.run(upstreams.ended({share.id, stream_id})) == set()
    for _ in range(2):
        left = asyncio.run(upstreams.end_share(stream_id, share.id))
        assert left is not None
        assert left.shares == []
    assert asyncio.run(upstreams.ended({share.id, stream_id})) == {share.id}
    assert reason(world, ticket) == Refusal.SHARE_ENDED


def test_who_opened_another_s_desktop_lets_nobody_look_on(world: World) -> None:
    studio_id = world.studio()["studioId"]
    profile = world.profile(studio_id, sessionShare={})
    owner = world.principal_id("anna")
    world.operator.call(
        "PutLaunchProfileMembers",
        studioId=studio_id,
        launchProfileId=profile["launchProfileId"],
        identityStoreId=IDENTITY_STORE_ID,
        members=[{"principalId": owner, "persona": "USER"}],
    )
    session = world.session(studio_id, profile["launchProfileId"], ownedBy=owner)
    where = {"studioId": studio_id, "sessionId": session["sessionId"]}
    stream_id = ticket_for(world, where).stream_id
    assert asyncio.run(world.service.upstreams.shares(stream_id)) is None
    assert asyncio.run(world.service.upstreams.share(stream_id, 15, 1)) is None
    assert asyncio.run(world.service.upstreams.end_share(stream_id, "any")) is None


def became(world: World, ticket: Ticket) -> Became:
    with pytest.raises(Refused) as caught:
        asyncio.run(world.service.upstreams.find(ticket.stream_id))
    assert caught.value.reason == Refusal.ENDED
    assert caught.value.became is not None
    return caught.value.became


def test_a_stream_that_ended_says_what_became_of_its_workstation(world: World) -> None:
    studio_id, session = launched(world)
    where = {"studioId": studio_id, "sessionId": session["sessionId"]}
    ticket = ticket_for(world, where)
    asyncio.run(world.service.upstreams.redeem(ticket))
    world.operator.call("StopStreamingSession", **where)
    found = became(world, ticket)
    assert (found.how, found.by, found.told) == ("stopping", "owner", "")
    assert found.path == f"/workstations/{studio_id.replace(':', '%3A')}/{session['sessionId']}"
    world.advance(timedelta(minutes=5))
    assert (became(world, ticket).how, became(world, ticket).by) == ("stopped", "owner")
    world.operator.call("StartStreamingSession", **where)
    assert (became(world, ticket).how, became(world, ticket).by) == ("starting", None)
    world.advance(timedelta(minutes=1))
    assert became(world, ticket).how == "running"

    # What it does by itself comes with why.
    ticket = ticket_for(world, where)
    world.advance(timedelta(hours=12))
    found = became(world, ticket)
    assert (found.how, found.by) == ("stopped", "service")
    assert found.rule == "MAX_SESSION_LENGTH"
    assert "because" in found.told
    world.operator.call("DeleteStreamingSession", **where)
    assert (became(world, ticket).how, became(world, ticket).by) == ("removed", "owner")
    world.advance(timedelta(minutes=5))
    assert (became(world, ticket).how, became(world, ticket).by) == ("removed", None)


def test_somebody_else_s_doing_is_not_called_the_owner_s_or_the_service_s(world: World) -> None:
    studio_id = world.studio()["studioId"]
    profile_id = world.profile(studio_id, **PERSISTENT)["launchProfileId"]
    owner = world.principal_id("anna")
    world.operator.call(
        "PutLaunchProfileMembers",
        studioId=studio_id,
        launchProfileId=profile_id,
        identityStoreId=IDENTITY_STORE_ID,
        members=[{"principalId": owner, "persona": "USER"}],
    )
    session = world.session(studio_id, profile_id, ownedBy=owner)
    where = {"studioId": studio_id, "sessionId": session["sessionId"]}
    ticket = ticket_for(world, where)
    world.operator.call("StopStreamingSession", **where)
    assert became(world, ticket).by == "other"
