"""What a host is to an operator, and the order to take one out for maintenance."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from soundstage.engines.interface import ObservedHost

DEFAULT_GRACE = timedelta(minutes=30)
LONGEST_GRACE = timedelta(days=30)


class HostState(StrEnum):
    """Whether a host takes workstations."""

    OPEN = "OPEN"
    """It does. There is no row of it."""
    EVACUATING = "EVACUATING"
    """It takes none any more, and those on it end at the moment that was set."""
    EVACUATED = "EVACUATED"
    """Nothing runs on it: it may be switched off."""


class Evacuation(msgspec.Struct, frozen=True, kw_only=True):
    """The order to take a host out, as it is stored; its id is the host's name."""

    id: str
    state: HostState
    state_since: datetime
    at: datetime
    """When the sessions on it begin to be stopped."""
    reason: str
    """Why, in the operator's words; may be empty."""
    remaining: int
    """How many workstations still ran there when it was last looked at."""
    created_at: datetime
    """When it was ordered, or ordered anew: people have from then until `at`."""
    created_by: str

    @property
    def because(self) -> str:
        """Why, as the end of a sentence."""
        return because(self.id, self.reason)


class Stage(StrEnum):
    """What a session needs its host for."""

    COMING = "COMING"
    """It is on its way up."""
    RUNNING = "RUNNING"
    LEAVING = "LEAVING"
    """It is on its way down, its backup included."""
    RESTING = "RESTING"
    """It has its disk there."""


class Occupant(msgspec.Struct, frozen=True, kw_only=True):
    """A session with a workstation on a host, as far as an evacuation must know it."""

    session_id: str
    studio_id: str
    owned_by: str
    state: str
    """As the API has it."""
    stage: Stage
    ref: str
    """What the engine knows its workstation by."""
    is_reachable: bool
    last_active_at: datetime
    """When somebody last worked in it, as far as that is known."""
    is_told: bool
    """Whether it counts down to this evacuation."""
    is_copied: bool
    """Whether a backup of it is being made."""


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """A host, who is on it, and the order to take it out if there is one."""

    observed: ObservedHost
    is_known: bool
    """Whether the engine has it; one that it has no more may still be under an order."""
    evacuation: Evacuation | None
    sessions: list[Occupant]
    warm: int
    """How many prepared workstations are on it."""

    @property
    def state(self) -> HostState:
        return HostState.OPEN if self.evacuation is None else self.evacuation.state


def because(host: str, reason: str) -> str:
    """Say why a workstation ends, as the end of a sentence."""
    why = f" ({reason})" if reason else ""
    return f"the host {host} is taken out for maintenance{why}"
