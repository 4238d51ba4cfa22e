"""What follows from an attempt, and which events are wanted."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from soundstage.resources.webhooks.model import (
    Attempt,
    Delivery,
    DeliveryState,
    Next,
    after,
    next_attempt_at,
    wants,
)

NOW = datetime(2030, 1, 1, tzinfo=UTC)
DELIVERY = Delivery(
    id="d",
    webhook_id="w",
    sequence=1,
    state=DeliveryState.PENDING,
    attempts=0,
    status_message="",
    created_at=NOW,
    updated_at=NOW,
)


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_a_good_answer_is_the_end(status: int) -> None:
    assert after(DELIVERY, Attempt(status=status), NOW) == Next(is_delivered=True)


@pytest.mark.parametrize("status", [199, 302, 404, 500])
def test_any_other_is_tried_again_and_told(status: int) -> None:
    found = after(DELIVERY, Attempt(status=status), NOW)
    assert found == Next(
        attempts=1, message=f"It answered {status}.", again_at=NOW + timedelta(seconds=5)
    )


def test_pauses_grow_until_it_is_dead() -> None:
    delivery, pauses = DELIVERY, []
    while True:
        found = after(delivery, Attempt(error="Nobody there."), NOW)
        delivery = replace(delivery, attempts=found.attempts)
        if found.state is DeliveryState.DEAD:
            break
        assert found.again_at is not None
        pauses.append(found.again_at - NOW)
    assert pauses == sorted(pauses)
    assert timedelta(hours=18) < sum(pauses, timedelta()) < timedelta(days=1)
    assert (found.attempts, found.message, found.again_at) == (9, "Nobody there.", None)


def test_the_next_attempt_is_known_while_there_is_one() -> None:
    assert next_attempt_at(DELIVERY) is None
    tried = replace(DELIVERY, attempts=3)
    assert next_attempt_at(tried) == NOW + timedelta(minutes=2)
    assert next_attempt_at(replace(tried, state=DeliveryState.DEAD)) is None


def test_who_is_gone_wants_nothing_more() -> None:
    assert after(DELIVERY, Attempt(status=410), NOW).is_gone


@pytest.mark.parametrize(
    ("types", "is_wanted"),
    [
        ([], True),
        (["sessions.READY"], True),
        (["sessions.*"], True),
        (["streams.*", "sessions.READY"], True),
        (["sessions.STOPPED"], False),
        (["session.*"], False),
    ],
)
def test_which_events_are_wanted(types: list[str], is_wanted: bool) -> None:
    assert wants(types, "sessions.READY") is is_wanted
