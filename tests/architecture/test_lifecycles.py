"""Every transition table is whole: no state is left out, and none is a trap."""

import importlib
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import pytest

import soundstage.resources
from soundstage.kit.machine import Machine
from soundstage.resources.backups.model import StreamingSessionState
from soundstage.resources.components.model import StudioComponentState
from soundstage.resources.hosts.model import HostState
from soundstage.resources.images.model import StreamingImageState
from soundstage.resources.launch_profiles.model import LaunchProfileState
from soundstage.resources.streams.model import StreamingSessionStreamState
from soundstage.resources.studios.model import StudioState
from soundstage.resources.warm_workstations.model import WarmWorkstationState

S = StreamingSessionState
STATES: dict[str, set[StrEnum]] = {
    "studios": set(StudioState),
    "components": set(StudioComponentState),
    "images": set(StreamingImageState),
    "launch_profiles": set(LaunchProfileState),
    "sessions": set(S),
    "streams": set(StreamingSessionStreamState),
    "warm_workstations": set(WarmWorkstationState),
    "hosts": set(HostState),
    # A backup shares the states of sessions, and is never started or stopped.
    "backups": {
        state for state in S if not any(word in state for word in ("STOP", "START", "UPDATE"))
    },
}
MACHINES: dict[str, Machine[StrEnum]] = {
    noun: importlib.import_module(f"soundstage.resources.{noun}.lifecycle").MACHINE
    for noun in STATES
}
nouns = pytest.mark.parametrize("noun", sorted(STATES))


def test_no_table_is_forgotten() -> None:
    folder = Path(soundstage.resources.__path__[0])
    assert {path.parent.name for path in folder.glob("*/lifecycle.py")} == set(STATES)


@nouns
def test_every_state_of_the_api_appears(noun: str) -> None:
    machine = MACHINES[noun]
    seen = {state for row in machine.transitions for state in (row.source, row.target)}
    assert seen == STATES[noun]


@nouns
def test_every_passing_state_can_succeed_and_fail_and_has_a_limit(noun: str) -> None:
    machine = MACHINES[noun]
    passing = {state for state in STATES[noun] if state.endswith("_IN_PROGRESS")}
    assert set(machine.limits) == passing
    assert all(limit > timedelta(0) for limit in machine.limits.values())
    for state in passing:
        targets = {row.target for row in machine.transitions if row.source == state}
        kind = state.removesuffix("_IN_PROGRESS")
        assert f"{kind}_FAILED" in targets, state
        assert any(target in {"READY", "STOPPED", "DELETED"} for target in targets), state


@nouns
def test_the_end_can_be_reached_from_everywhere_and_is_the_end(noun: str) -> None:
    machine = MACHINES[noun]
    # A host has no row while it is OPEN: that is its beginning and its end.
    ending: set[str] = {"OPEN"} if noun == "hosts" else {"DELETED"}
    while True:
        more = {row.source for row in machine.transitions if row.target in ending} - ending
        if not more:
            break
        ending |= more
    # A stream that failed is read for a day and goes with its row.
    kept = {"CREATE_FAILED", "DELETE_FAILED"} if noun == "streams" else set()
    assert ending == STATES[noun] - kept
    assert not [row for row in machine.transitions if row.source == "DELETED"]


@nouns
def test_every_state_can_be_reached_from_the_beginning(noun: str) -> None:
    machine = MACHINES[noun]
    reached = {machine.initial}
    while True:
        more = {row.target for row in machine.transitions if row.source in reached} - reached
        if not more:
            break
        reached |= more
    assert reached == STATES[noun]


def test_sessions_move_as_the_design_says() -> None:
    """Told once more by hand, so that a slip in the table shows."""
    machine = MACHINES["sessions"]
    failed = {S.CREATE_FAILED, S.START_FAILED, S.STOP_FAILED, S.DELETE_FAILED}
    assert set(machine.sources("stop")) == {S.READY, S.STOP_FAILED}
    assert set(machine.sources("start")) == {S.STOPPED, S.START_FAILED}
    assert set(machine.sources("delete")) == {S.READY, S.STOPPED, S.CREATE_IN_PROGRESS, *failed}
