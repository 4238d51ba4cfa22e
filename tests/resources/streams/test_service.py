"""What can be done with streams: open one, open it once, and cut it."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from soundstage.kit import journal
from soundstage.kit.machine import ImpossibleError
from soundstage.resources.members import service as people
from soundstage.resources.sessions import store as sessions
from soundstage.resources.streams import service, store
from soundstage.resources.streams.model import StreamingSessionStreamState
from soundstage.testing.walks import Studio

SECOND = timedelta(seconds=1)


@pytest.fixture
def session(studio: Studio) -> dict[str, Any]:
    return studio.launch()


def change(studio: Studio, stream: dict[str, Any], **changes: Any) -> None:
    with studio.world.service.database.transaction() as transaction:
        store.streams.update(transaction, stream["streamId"], changes)


def test_only_a_ready_session_is_streamed(
    studio: Studio, session: dict[str, Any], refused: Any
) -> None:
    asked = {"studioId": studio.id, "sessionId": session["sessionId"]}
    for state in ("CREATE_IN_PROGRESS", "STOPPED", "STOP_IN_PROGRESS", "DELETED"):
        with studio.world.service.database.transaction() as transaction:
            sessions.sessions.update(transaction, session["sessionId"], {"state": state})
        name, said = refused("CreateStreamingSessionStream", **asked)
        assert name == "ConflictException"
        assert said.endswith(f" is {state}; to stream it, it must be READY.")


def test_the_address_is_shown_while_there_is_something_to_open(
    studio: Studio, session: dict[str, Any]
) -> None:
    stream = studio.call("CreateStreamingSessionStream", session)["stream"]
    address = f"http://localhost:8080/streams/{stream['streamId']}/?ticket="
    assert stream["url"].startswith(address)
    ticket = studio.ticket(stream)
    assert (ticket.stream_id, ticket.subject) == (stream["streamId"], session["ownedBy"])
    expires_at = studio.world.clock() + timedelta(seconds=120)
    assert ticket.expires == int(expires_at.timestamp())

    def is_shown(**changes: Any) -> bool:
        with studio.world.service.database.transaction() as transaction:
            before = store.streams.get(transaction, stream["streamId"])
            store.streams.update(transaction, stream["streamId"], changes)
        assert before is not None
        shown = "url" in studio.see_stream(session, stream)
        change(studio, stream, **{name: getattr(before, name) for name in changes})
        return shown

    now = studio.world.clock()
    assert is_shown(expires_at=now + SECOND)
    assert not is_shown(expires_at=now)
    assert not is_shown(redeemed_at=now)
    for state in set(StreamingSessionStreamState) - {StreamingSessionStreamState.READY}:
        assert not is_shown(state=state)
    # Nobody is shown less by these looks: it is still there to be opened.
    assert studio.see_stream(session, stream) == stream


def test_a_stream_is_its_session_s(studio: Studio, session: dict[str, Any], refused: Any) -> None:
    other, stream = studio.launch(), studio.stream(session)
    for session_id, stream_id in [
        (other["sessionId"], stream["streamId"]),
        (session["sessionId"], "none"),
    ]:
        asked = {"studioId": studio.id, "sessionId": session_id, "streamId": stream_id}
        assert refused("GetStreamingSessionStream", **asked) == (
            "ResourceNotFoundException",
            f"There is no stream {stream_id}.",
        )


def redeem(transaction: Connection, studio: Studio, stream: dict[str, Any]) -> service.Redeemed:
    return service.redeem(transaction, stream["streamId"], studio.world.clock())


def test_a_ticket_opens_a_stream_once_and_that_is_noted(
    studio: Studio, session: dict[str, Any]
) -> None:
    stream = studio.stream(session)
    with studio.world.service.database.transaction() as transaction:
        first, second = (redeem(transaction, studio, stream) for _ in range(2))
        subject = f"streaming-session/{session['sessionId']}"
        opened = [
            entry
            for entry in journal.read(transaction, subject=subject)
            if entry.kind == "streams.OPENED"
        ]
    assert first.stream is not None
    assert first.stream.id == stream["streamId"]
    assert second == service.Redeemed(is_used=True)
    (entry,) = opened
    assert (entry.actor, entry.detail) == (session["ownedBy"], {"streamId": stream["streamId"]})


def test_files_are_noted_with_their_names_and_sizes(
    studio: Studio, session: dict[str, Any]
) -> None:
    stream, now = studio.stream(session), studio.world.clock()
    with studio.world.service.database.transaction() as transaction:
        for stream_id in (stream["streamId"], "none"):
            for is_upload in (True, False):
                service.note_transfer(
                    transaction,
                    stream_id,
                    is_upload=is_upload,
                    name="a/plate.exr",
                    size=7,
                    now=now,
                )
        subject = f"streaming-session/{session['sessionId']}"
        noted = [
            each for each in journal.read(transaction, subject=subject) if each.detail.get("name")
        ]
    assert [each.kind for each in noted] == ["streams.UPLOADED", "streams.DOWNLOADED"]
    assert {each.actor for each in noted} == {session["ownedBy"]}
    assert noted[0].detail == {"streamId": stream["streamId"], "name": "a/plate.exr", "size": 7}


def test_which_files_may_pass_is_the_session_s_to_say(
    studio: Studio, session: dict[str, Any]
) -> None:
    stream = studio.stream(session)
    with studio.world.service.database.transaction() as transaction:
        found = service.find_open(transaction, stream["streamId"])
        assert found is not None
        assert service.transfer_rules(transaction, found) == (None, None)
        sessions.sessions.update(transaction, session["sessionId"], {"upload_to": "/mnt/in"})
        assert service.transfer_rules(transaction, found) == ("/mnt/in", None)


def test_nothing_is_opened_when_the_session_or_the_stream_has_ended(
    studio: Studio, session: dict[str, Any]
) -> None:
    stream = studio.stream(session)
    ended = service.Redeemed(is_ended=True)
    with studio.world.service.database.transaction() as transaction:
        assert service.redeem(transaction, "none", studio.world.clock()) == ended
        sessions.sessions.update(transaction, session["sessionId"], {"state": "STOP_IN_PROGRESS"})
        assert redeem(transaction, studio, stream) == ended
        sessions.sessions.update(transaction, session["sessionId"], {"state": "READY"})
        store.streams.update(transaction, stream["streamId"], {"state": "DELETED"})
        assert redeem(transaction, studio, stream) == ended
        store.streams.update(transaction, stream["streamId"], {"state": "READY"})
        # None of these tries used the ticket up.
        assert redeem(transaction, studio, stream).stream is not None


def test_those_to_be_cut_are_the_ended_the_unknown_and_the_stopping(
    studio: Studio, session: dict[str, Any]
) -> None:
    stopping = studio.launch()
    living, over, opening = (studio.stream(session)["streamId"] for _ in range(3))
    cut = studio.stream(stopping)["streamId"]
    with studio.world.service.database.transaction() as transaction:
        store.streams.update(transaction, over, {"state": "DELETE_IN_PROGRESS"})
        store.streams.update(transaction, opening, {"state": "CREATE_IN_PROGRESS"})
        asked = {living, over, opening, cut, "unknown"}
        assert service.ended(transaction, asked) == {over, "unknown"}
        sessions.sessions.update(transaction, stopping["sessionId"], {"state": "STOP_IN_PROGRESS"})
        assert service.ended(transaction, asked) == {over, "unknown", cut}
        assert service.ended(transaction, set()) == set()


def test_whoever_is_taken_out_of_the_profile_may_not_stay(studio: Studio) -> None:
    world = studio.world
    assert world.client("ann")
    ann_id = world.principal_id("ann")
    profile = {"studioId": studio.id, "launchProfileId": studio.profile_id}
    world.operator.call(
        "PutLaunchProfileMembers",
        **profile,
        identityStoreId="d-1",
        members=[{"principalId": ann_id, "persona": "USER"}],
    )
    session = studio.launch(ownedBy=ann_id)
    stream = studio.stream(session)

    def may_stay() -> bool:
        with world.service.database.transaction(write=False) as transaction:
            found = store.streams.get(transaction, stream["streamId"])
            assert found is not None
            return service.may_stay_open(transaction, found)

    assert may_stay()
    world.operator.call("DeleteLaunchProfileMember", **profile, principalId=ann_id)
    assert not may_stay()
    with world.service.database.transaction() as transaction:
        people.put_administrator(transaction, studio.id, ann_id)
    assert may_stay()
    for is_active in (False, True):
        with world.service.database.transaction() as transaction:
            ann = people.find_person(transaction, "ann")
            now = world.clock()
            people.set_person_active(transaction, ann, now, is_active=is_active, actor="operator")
        assert may_stay() is is_active
    with world.service.database.transaction() as transaction:
        sessions.sessions.update(transaction, session["sessionId"], {"state": "STOPPED"})
    assert not may_stay()


TRANSITIONS = [
    ("CREATE_IN_PROGRESS", "answered", "READY", "STREAM_READY"),
    ("CREATE_IN_PROGRESS", "failed", "CREATE_FAILED", "NETWORK_CONNECTION_ERROR"),
    ("CREATE_IN_PROGRESS", "end", "DELETE_IN_PROGRESS", "STREAM_DELETE_IN_PROGRESS"),
    ("READY", "expired", "DELETED", "STREAM_DELETED"),
    ("DELETE_IN_PROGRESS", "failed", "DELETE_FAILED", "INTERNAL_ERROR"),
]


def test_a_transition_is_noted_and_has_its_code(studio: Studio, session: dict[str, Any]) -> None:
    stream = studio.stream(session)
    moment = studio.world.clock() + SECOND
    for state, event, after, code in TRANSITIONS:
        change(studio, stream, state=state)
        with studio.world.service.database.transaction() as transaction:
            stored = store.streams.get(transaction, stream["streamId"])
            assert stored is not None
            service.move(transaction, stored, event, now=moment, message="Why.")
            moved = store.streams.get(transaction, stream["streamId"])
            noted = journal.read(transaction)[-1]
        assert moved is not None
        assert (moved.state, moved.status_code) == (after, code)
        assert (moved.state_since, moved.status_message) == (moment, "Why.")
        assert (noted.kind, noted.detail["statusMessage"]) == (f"streams.{after}", "Why.")


def test_no_state_changes_against_the_table(studio: Studio, session: dict[str, Any]) -> None:
    stream = studio.stream(session)
    for event in ("answered", "failed", "gone"):
        with studio.world.service.database.transaction() as transaction:
            stored = store.streams.get(transaction, stream["streamId"])
            assert stored is not None
            with pytest.raises(ImpossibleError):
                service.move(transaction, stored, event, now=stored.created_at, message="")
    assert studio.see_stream(session, stream) == stream


def test_a_stream_is_ready_at_once_only_where_the_desktop_was_seen_to_answer(
    studio: Studio, session: dict[str, Any]
) -> None:
    for attempt, running_attempt, expected in [
        (1, 1, ("READY", "STREAM_READY", True)),
        (2, 1, ("CREATE_IN_PROGRESS", "STREAM_CREATE_IN_PROGRESS", False)),
        (1, None, ("CREATE_IN_PROGRESS", "STREAM_CREATE_IN_PROGRESS", False)),
    ]:
        attempts = {"attempt": attempt, "running_attempt": running_attempt}
        with studio.world.service.database.transaction() as transaction:
            sessions.sessions.update(transaction, session["sessionId"], attempts)
        made = studio.call("CreateStreamingSessionStream", session)["stream"]
        assert (made["state"], made["statusCode"], "url" in made) == expected
