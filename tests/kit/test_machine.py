"""A table of transitions answers what is possible, and refuses to be ambiguous."""

from datetime import timedelta
from enum import StrEnum

import pytest

from soundstage.kit.machine import ImpossibleError, Machine, create_update_delete


class Lamp(StrEnum):
    ON = "ON"
    OFF = "OFF"
    BROKEN = "BROKEN"


LAMP = Machine(
    "lamp",
    [
        ([Lamp.OFF], "press", Lamp.ON),
        ([Lamp.ON], "press", Lamp.OFF),
        ([Lamp.ON, Lamp.OFF], "drop", Lamp.BROKEN),
    ],
    {Lamp.ON: timedelta(hours=1)},
    initial=Lamp.OFF,
)


def test_an_event_leads_where_the_table_says() -> None:
    assert LAMP.target(Lamp.OFF, "press") is Lamp.ON
    assert LAMP.target(Lamp.ON, "press") is Lamp.OFF
    assert LAMP.sources("drop") == [Lamp.ON, Lamp.OFF]
    assert LAMP.allows(Lamp.ON, "drop")
    assert LAMP.sources("sing") == []


@pytest.mark.parametrize(("state", "event"), [(Lamp.BROKEN, "press"), (Lamp.ON, "sing")])
def test_what_is_not_in_the_table_is_impossible(state: Lamp, event: str) -> None:
    assert not LAMP.allows(state, event)
    with pytest.raises(ImpossibleError, match=f"lamp: no '{event}' in {state}"):
        LAMP.target(state, event)


def test_one_event_has_one_target_in_a_state() -> None:
    with pytest.raises(ValueError, match="two targets"):
        Machine(
            "lamp",
            [([Lamp.ON], "press", Lamp.OFF), ([Lamp.ON], "press", Lamp.BROKEN)],
            {},
            initial=Lamp.ON,
        )


def test_the_drawing_shows_every_row_the_beginning_and_the_end() -> None:
    assert LAMP.draw() == (
        "stateDiagram-v2\n"
        "    [*] --> OFF\n"
        "    OFF --> ON: press\n"
        "    ON --> OFF: press\n"
        "    ON --> BROKEN: drop\n"
        "    OFF --> BROKEN: drop\n"
        "    BROKEN --> [*]\n"
    )


class Eight(StrEnum):
    CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
    READY = "READY"
    UPDATE_IN_PROGRESS = "UPDATE_IN_PROGRESS"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"
    DELETED = "DELETED"
    DELETE_FAILED = "DELETE_FAILED"
    CREATE_FAILED = "CREATE_FAILED"
    UPDATE_FAILED = "UPDATE_FAILED"


def test_the_machine_of_most_nouns() -> None:
    machine = create_update_delete("thing", Eight)
    assert machine.initial is Eight.CREATE_IN_PROGRESS
    assert {row.source for row in machine.transitions} == set(Eight) - {Eight.DELETED}
    assert set(machine.limits) == {state for state in Eight if state.endswith("IN_PROGRESS")}
    # A failure must be seen before the stock waiters give up.
    assert all(limit < timedelta(seconds=120) for limit in machine.limits.values())
    assert not machine.allows(Eight.CREATE_FAILED, "update")
