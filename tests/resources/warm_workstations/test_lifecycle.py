"""What is to be done with a place in a pool, row by row."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from soundstage.engines.interface import Capacity, Observed, Phase, Reason, Room
from soundstage.resources.launch_profiles.model import StreamingClipboardMode
from soundstage.resources.warm_workstations.lifecycle import (
    CHECK_EVERY,
    MACHINE,
    PREPARES_WITHIN,
    YIELDS_FOR,
    Act,
    Situation,
    blind_step,
    lost_step,
    next_step,
    promised_to,
    refused_step,
    would_help,
)
from soundstage.resources.warm_workstations.model import (
    LONGEST_REST,
    Draft,
    WarmWorkstation,
    WarmWorkstationState,
)

S, P = WarmWorkstationState, Phase
NOW = datetime(2030, 1, 1, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LATE = 2 * PREPARES_WITHIN
DRAFT = Draft(
    ec2_image_id="ami-host",
    ec2_instance_type="g4dn.xlarge",
    clipboard_mode=StreamingClipboardMode.ENABLED,
    volume_configuration=None,
    upload_to=None,
    download_from=None,
    studio_component_ids=[],
    fingerprint="as it is",
)
OTHER = msgspec.structs.replace(DRAFT, fingerprint="as it was")
WANTED = Situation(is_wanted=True, draft=DRAFT, oldest=timedelta(hours=1))
UNWANTED = msgspec.structs.replace(WANTED, is_wanted=False)
NO_IMAGE = msgspec.structs.replace(WANTED, draft=None)
CHANGED = msgspec.structs.replace(WANTED, draft=OTHER)


def a_place(state: WarmWorkstationState, age: timedelta = SECOND, **facts: Any) -> WarmWorkstation:
    is_there = state is not S.EMPTY
    place = WarmWorkstation(
        id="p" * 22,
        studio_id="studio",
        launch_profile_id="l" * 22,
        number=0,
        state=state,
        state_since=NOW - age,
        status_message="",
        created_at=NOW,
        updated_at=NOW,
        workstation_id="w" * 22 if is_there else None,
        draft=DRAFT if is_there else None,
    )
    return msgspec.structs.replace(place, **facts)


def seen(phase: Phase, attempt: int | None = 1, **facts: Any) -> Observed:
    return Observed(phase=phase, attempt=attempt, **facts)


@pytest.mark.parametrize(
    ("place", "observed", "situation", "act", "event"),
    [
        (a_place(S.EMPTY), seen(P.ABSENT), WANTED, Act.NOTHING, "begin"),
        (a_place(S.EMPTY), seen(P.ABSENT), UNWANTED, Act.NOTHING, "not wanted"),
        (a_place(S.EMPTY), seen(P.ABSENT), NO_IMAGE, Act.NOTHING, None),
        (a_place(S.EMPTY, rests_until=NOW + SECOND), seen(P.ABSENT), WANTED, Act.NOTHING, None),
        (a_place(S.EMPTY, rests_until=NOW), seen(P.ABSENT), WANTED, Act.NOTHING, "begin"),
        # The clock was set back by a year.
        (
            a_place(S.EMPTY, rests_until=NOW + timedelta(days=365)),
            seen(P.ABSENT),
            WANTED,
            Act.NOTHING,
            "begin",
        ),
        (a_place(S.PREPARING), seen(P.ABSENT, None), WANTED, Act.PREPARE, None),
        (a_place(S.PREPARING), seen(P.STARTING), WANTED, Act.PREPARE, None),
        (a_place(S.PREPARING), seen(P.PREPARED), WANTED, Act.NOTHING, "prepared"),
        (a_place(S.PREPARING), seen(P.FAILED), WANTED, Act.NOTHING, "failed"),
        (a_place(S.PREPARING), seen(P.STOPPED), WANTED, Act.NOTHING, "failed"),
        (
            a_place(S.PREPARING, 2 * PREPARES_WITHIN),
            seen(P.STARTING),
            WANTED,
            Act.NOTHING,
            "failed",
        ),
        (a_place(S.PREPARING), seen(P.STARTING), CHANGED, Act.NOTHING, "leave"),
        (a_place(S.PREPARING), seen(P.STARTING), UNWANTED, Act.NOTHING, "leave"),
        (a_place(S.READY), seen(P.PREPARED), WANTED, Act.NOTHING, None),
        (a_place(S.READY), seen(P.STOPPED), WANTED, Act.NOTHING, "failed"),
        (a_place(S.READY), seen(P.ABSENT, None), WANTED, Act.NOTHING, "failed"),
        (a_place(S.READY), seen(P.PREPARED), CHANGED, Act.NOTHING, "leave"),
        (a_place(S.READY), seen(P.PREPARED), NO_IMAGE, Act.NOTHING, "leave"),
        (a_place(S.READY), seen(P.PREPARED), UNWANTED, Act.NOTHING, "leave"),
        (a_place(S.READY, timedelta(hours=1)), seen(P.PREPARED), WANTED, Act.NOTHING, "leave"),
        (a_place(S.LEAVING), seen(P.PREPARED), WANTED, Act.REMOVE, None),
        (a_place(S.LEAVING), seen(P.STOPPING), UNWANTED, Act.REMOVE, None),
        (a_place(S.LEAVING), seen(P.ABSENT, None), WANTED, Act.NOTHING, "gone"),
    ],
)
def test_the_table(
    place: WarmWorkstation, observed: Observed, situation: Situation, act: Act, event: str | None
) -> None:
    step = next_step(place, observed, NOW, situation)
    assert (step.act, step.event) == (act, event)
    assert step.again_at >= NOW


def test_nothing_is_asked_of_the_engine_while_it_can_be_taken() -> None:
    for phase in P:
        for situation in (WANTED, UNWANTED, NO_IMAGE, CHANGED):
            assert next_step(a_place(S.READY), seen(phase), NOW, situation).act is Act.NOTHING


def test_it_is_looked_at_when_it_is_to_go() -> None:
    young = next_step(a_place(S.READY), seen(P.PREPARED), NOW, WANTED)
    assert young.again_at == NOW + CHECK_EVERY
    old = a_place(S.READY, timedelta(minutes=59, seconds=50))
    assert next_step(old, seen(P.PREPARED), NOW, WANTED).again_at == NOW + 10 * SECOND


def test_failures_are_tried_ever_later_and_no_room_is_none() -> None:
    rests = [
        next_step(a_place(S.PREPARING, failures=number), seen(P.FAILED), NOW, WANTED).rests_for
        for number in (0, 1, 2, 20)
    ]
    assert rests == [15 * SECOND, 30 * SECOND, 60 * SECOND, LONGEST_REST]
    full = refused_step(a_place(S.PREPARING), Reason.CAPACITY, "no room", NOW)
    assert (full.event, full.is_failure, full.rests_for) == ("failed", False, YIELDS_FOR)
    same = seen(P.FAILED, reason=Reason.CAPACITY, detail="no room")
    assert next_step(a_place(S.PREPARING), same, NOW, WANTED) == full
    broken = refused_step(a_place(S.PREPARING), Reason.IMAGE, "no image", NOW)
    assert (broken.event, broken.is_failure, broken.message) == ("failed", True, "no image")


def test_an_engine_that_does_not_answer_costs_time_alone() -> None:
    for state in S:
        step = blind_step(a_place(state), why="busy", again_at=NOW + SECOND, now=NOW)
        assert (step.event, step.again_at) == (None, NOW + SECOND)
    late = a_place(S.PREPARING, 2 * PREPARES_WITHIN)
    assert blind_step(late, why="busy", again_at=NOW + SECOND, now=NOW).event == "failed"


def test_one_whose_host_is_lost_makes_room_for_another_at_once() -> None:
    step = lost_step("The host n2 does not answer.", NOW)
    assert (step.act, step.event, step.again_at) == (Act.NOTHING, "lost", NOW)
    for state in (S.PREPARING, S.READY, S.LEAVING):
        assert MACHINE.target(state, step.event or "") is S.EMPTY


def capacity(number: int) -> Capacity:
    return Capacity(cpus=4.0 * number, memory_bytes=16 * number, gpus=0)


def room(places: int, *refs: str) -> Room:
    return Room(
        size=capacity(places),
        to_promise=capacity(places),
        promised=capacity(len(refs)),
        workstations=dict.fromkeys(refs, capacity(1)),
        types={"small": capacity(1), "large": capacity(3)},
        details={},
        free_memory_bytes=0,
        free_disk_bytes=0,
    )


def test_none_is_given_up_for_what_would_not_fit_all_the_same() -> None:
    full = room(3, "a", "b", "c")
    assert promised_to(full, {"a", "b", "elsewhere"}) == capacity(2)
    assert would_help(full, {"a"}, "small")
    assert not would_help(full, {"a", "b"}, "large")
    assert would_help(full, {"a", "b", "c"}, "large")
    assert not would_help(full, set(), "small")
    # Where nobody knows, it is tried.
    assert would_help(None, {"a"}, "small")
    assert would_help(full, {"a"}, "unheard of")
