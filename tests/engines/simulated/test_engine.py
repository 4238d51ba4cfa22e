"""The simulated engine keeps what it is shown, and refuses as it is told to."""

import pytest
from tests.engines.simulated.conftest import OTHER, REF, Studio

from soundstage.engines.interface import Message, PermanentError, Phase, Reason, RetryableError
from soundstage.engines.simulated.misbehaviour import Misbehaviour


def test_out_of_capacity_for_the_next_two(studio: Studio) -> None:
    studio.engine.misbehave(Misbehaviour.OUT_OF_CAPACITY, times=2)
    for _ in range(2):
        with pytest.raises(PermanentError) as raised:
            studio.start()
        assert raised.value.reason is Reason.CAPACITY
    studio.start()
    assert studio.phase() is Phase.STARTING


def test_raises_as_often_as_told_for_whom_it_was_told(studio: Studio) -> None:
    studio.engine.misbehave(Misbehaviour.RETRYABLE, ref=REF, times=2)
    studio.start(ref=OTHER)
    for _ in range(2):
        with pytest.raises(RetryableError):
            studio.engine.observe(REF)
    assert studio.phase() is Phase.ABSENT


def test_messages_and_use_are_of_one_attempt(studio: Studio) -> None:
    message = Message(key="a", title="Soon", text="It stops.")
    studio.start()
    with pytest.raises(RetryableError):
        studio.engine.show_message(REF, message)
    studio.wait(2)
    for _ in range(2):
        studio.engine.show_message(REF, message)
    studio.engine.work(REF, 3.0)
    assert studio.engine.shown(REF) == [message]
    assert studio.engine.observe_use(REF).cpu_seconds == 3.0
    studio.engine.crash(REF)
    with pytest.raises(RetryableError):
        studio.engine.observe_use(REF)
    studio.start(2)
    studio.wait(2)
    assert studio.engine.shown(REF) == []
    assert studio.engine.observe_use(REF).cpu_seconds == 0.0
    assert studio.engine.shown(OTHER) == []
