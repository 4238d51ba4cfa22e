"""Transition tables: kept as data, checked once, drawn for the documentation.

Each noun's `lifecycle.py` makes one `Machine`; services and reconcilers ask it whether an event is
possible in a state. The diagrams in `docs/reference` are drawn by `draw` (architecture test).
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

State = TypeVar("State", bound=StrEnum)

READABLE_FOR = timedelta(hours=24)
"""How long what has come to its end can still be read before it is purged."""


class ImpossibleError(Exception):
    """The event has no transition from this state."""


class Transition(msgspec.Struct, Generic[State], frozen=True):
    """One row of a table."""

    source: State
    event: str
    target: State


class Machine(Generic[State]):
    """The transitions of one noun, and how long each passing state may last."""

    def __init__(
        self,
        name: str,
        transitions: Sequence[tuple[Sequence[State], str, State]],
        limits: Mapping[State, timedelta],
        *,
        initial: State,
    ) -> None:
        self.name = name
        self.initial = initial
        self.limits = dict(limits)
        self.transitions = [
            Transition(source, event, target)
            for sources, event, target in transitions
            for source in sources
        ]
        self._targets = {(row.source, row.event): row.target for row in self.transitions}
        if len(self._targets) != len(self.transitions):
            raise ValueError(f"{name}: an event has two targets in one state")

    def allows(self, state: State, event: str) -> bool:
        """Reports whether the event is possible in the state."""
        return (state, event) in self._targets

    def target(self, state: State, event: str) -> State:
        """Say where an event leads. Raises ImpossibleError."""
        try:
            return self._targets[state, event]
        except KeyError:
            raise ImpossibleError(f"{self.name}: no '{event}' in {state}") from None

    def sources(self, event: str) -> list[State]:
        """List the states in which an event is possible."""
        return [row.source for row in self.transitions if row.event == event]

    def draw(self) -> str:
        """Write the table as a Mermaid state diagram."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial}"]
        lines += [f"    {row.source} --> {row.target}: {row.event}" for row in self.transitions]
        left = {row.source for row in self.transitions}
        ends = {row.target for row in self.transitions} - left
        lines += [f"    {end} --> [*]" for end in sorted(ends)]
        return "\n".join(lines) + "\n"


def create_update_delete(name: str, states: type[State]) -> Machine[State]:
    """Make the machine of a resource that is only created, changed and deleted (eight states)."""
    state = states.__members__
    settled = [state["READY"], state["UPDATE_FAILED"], state["DELETE_FAILED"]]
    limit = timedelta(seconds=100)
    return Machine(
        name,
        [
            ([state["CREATE_IN_PROGRESS"]], "created", state["READY"]),
            ([state["CREATE_IN_PROGRESS"]], "failed", state["CREATE_FAILED"]),
            (settled, "update", state["UPDATE_IN_PROGRESS"]),
            ([state["UPDATE_IN_PROGRESS"]], "updated", state["READY"]),
            ([state["UPDATE_IN_PROGRESS"]], "failed", state["UPDATE_FAILED"]),
            ([*settled, state["CREATE_FAILED"]], "delete", state["DELETE_IN_PROGRESS"]),
            ([state["DELETE_IN_PROGRESS"]], "gone", state["DELETED"]),
            ([state["DELETE_IN_PROGRESS"]], "failed", state["DELETE_FAILED"]),
        ],
        # The stock waiters give up after 120 s; a failure must be visible before.
        {value: limit for key, value in state.items() if key.endswith("IN_PROGRESS")},
        initial=state["CREATE_IN_PROGRESS"],
    )
