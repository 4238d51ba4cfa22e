"""Without traces nothing is kept, and a process has one tracer."""

from collections.abc import Iterator

import pytest

from soundstage.kit import tracing
from soundstage.kit.tracing import Quiet


@pytest.fixture(autouse=True)
def quiet_afterwards() -> Iterator[None]:
    yield
    tracing.use(Quiet())


def test_it_keeps_nothing_unless_told_to() -> None:
    tracer = tracing.tracer()
    assert isinstance(tracer, Quiet)
    tracer.caused("row", "request")
    for span in (tracer.request("r"), tracer.step("sessions", "s"), tracer.action("observe", "s")):
        with span as tell, span as again:
            tell("name", 1)
            again("name", "value")


def test_what_is_raised_in_a_quiet_span_is_raised() -> None:
    with pytest.raises(KeyError), tracing.tracer().request("r"):
        raise KeyError


def test_a_process_has_the_one_that_it_was_given() -> None:
    mine = Quiet()
    tracing.use(mine)
    assert tracing.tracer() is mine
