"""What of a start is to come, from how the last ones went."""

from datetime import timedelta
from typing import Any

import pytest
from tests.resources.sessions.test_lifecycle import NOW
from tests.resources.sessions.test_steps import DISK, LOOK, MACHINE, SHARES, TOOLS, mark, starting

from soundstage.engines.interface import Mark, Stage
from soundstage.resources.sessions.model import Course
from soundstage.resources.sessions.outlook import Coming, Outlook, Past, PastStep, outlook
from soundstage.resources.sessions.steps import Origin, StartStep

USUAL = {"CAPACITY": 0.1, "TURN": 5.0, "DISK": 2.0, "MACHINE": 1.0, "SHARES": 0.5, "DESKTOP": 3.0}
SCRIPTS = {"SCRIPT Tools": 4.0, "SCRIPT Look": 6.0}


def past(times: dict[str, float], origin: Origin = Origin.VOLUME) -> Past:
    steps = [
        PastStep(StartStep(name.split()[0]), seconds, "".join(name.split()[1:]))
        for name, seconds in times.items()
    ]
    return Past(origin, steps)


def coming(
    *marks: Mark, own: list[Past], others: list[Past] | None = None, at: float = 10
) -> Outlook:
    session = starting(course=Course(begun_at=NOW, marks=list(marks)))
    return outlook(session, own, others or [], NOW + timedelta(seconds=at))


def named(found: Outlook) -> list[tuple[str, float | None]]:
    return [(each.step.value, each.usual_seconds) for each in found.ahead]


def test_what_is_left_takes_as_long_as_the_last_times() -> None:
    own = [past({**USUAL, "DESKTOP": seconds}) for seconds in (2.0, 9.0, 3.0)]
    found = coming(DISK, MACHINE, own=own, at=3.25)
    assert named(found) == [("SHARES", 0.5), ("DESKTOP", 3.0)]
    assert found.usual_seconds == 1.0
    # Of the machine's second a quarter is over.
    assert found.remaining_seconds == 0.75 + 0.5 + 3.0
    assert coming(DISK, MACHINE, own=own, at=99).remaining_seconds == 3.5


def test_whether_others_go_first_is_not_foreseen() -> None:
    found = coming(own=[past(USUAL)] * 3, at=0)
    assert named(found)[0] == ("DISK", 2.0)
    turn = coming(mark(Stage.TURN, 1), own=[past(USUAL)] * 3)
    assert turn.usual_seconds == 5.0


@pytest.mark.parametrize("times", [0, 1, 2])
def test_too_few_measured_give_no_time(times: int) -> None:
    found = coming(DISK, own=[past(USUAL)] * times, at=2)
    assert (found.usual_seconds, found.remaining_seconds) == (None, None)
    assert named(found) == [(name, None) for name in ("MACHINE", "SHARES", "DESKTOP") if times]


def test_a_step_that_few_of_them_had_leaves_the_rest_unknown() -> None:
    own = [past({"DISK": 1.0}), past({"DISK": 1.0}), past({"DISK": 1.0, "DESKTOP": 4.0})]
    found = coming(DISK, own=own, at=2)
    assert (found.usual_seconds, found.remaining_seconds) == (1.0, None)
    assert named(found) == [("DESKTOP", None)]


def test_what_did_not_come_in_its_turn_comes_no_more() -> None:
    found = coming(MACHINE, own=[past(USUAL)] * 3)
    assert [name for name, _ in named(found)] == ["SHARES", "DESKTOP"]


def test_starts_of_another_kind_tell_nothing() -> None:
    found = coming(DISK, own=[past(USUAL, Origin.BACKUP)] * 3)
    assert found == Outlook(ahead=[], usual_seconds=None, remaining_seconds=None)


def test_the_studio_tells_the_steps_of_a_profile_s_first_start_but_not_its_scripts() -> None:
    others = [past({**USUAL, **SCRIPTS}), past({"DISK": 9.0}, Origin.IMAGE)]
    found = coming(own=[], others=others)
    assert named(found) == [("DISK", None), ("MACHINE", None), ("DESKTOP", None)]
    assert found.remaining_seconds is None


def test_scripts_are_told_by_their_components() -> None:
    own = [past({"DISK": 1.0, **SCRIPTS, "DESKTOP": 3.0})] * 3
    found = coming(DISK, MACHINE, SHARES, TOOLS, own=own)
    assert found.ahead[0] == Coming(
        step=StartStep.SCRIPT, component="Look", number=2, of=2, usual_seconds=6.0
    )
    assert found.usual_seconds == 4.0
    assert named(coming(TOOLS, LOOK, own=own)) == [("DESKTOP", 3.0)]


def test_a_component_with_two_scripts_has_two_steps() -> None:
    script = PastStep(StartStep.SCRIPT, 2.0, "Tools")
    twice = Past(Origin.VOLUME, [script, PastStep(StartStep.SCRIPT, 8.0, "Tools")])
    facts: dict[str, Any] = {"component": "Tools", "of": 2}
    found = coming(mark(Stage.SCRIPT, 9, number=1, **facts), own=[twice] * 3)
    assert (found.usual_seconds, named(found)) == (2.0, [("SCRIPT", 8.0)])
    found = coming(
        mark(Stage.SCRIPT, 3, number=1, **facts),
        mark(Stage.SCRIPT, 9, number=2, **facts),
        own=[twice] * 3,
    )
    assert (found.usual_seconds, found.ahead) == (8.0, [])


def test_an_old_list_of_scripts_is_forgotten_once_there_are_others() -> None:
    own = [past({"DISK": 1.0, "SCRIPT Old": 4.0, **SCRIPTS, "DESKTOP": 3.0})] * 3
    assert named(coming(DISK, TOOLS, own=own)) == [("DESKTOP", 3.0)]
