"""What is kept of each workstation in its instance's own configuration, as `user.soundstage.*`.

So it lies beside the workstation, is replicated to all members of a cluster, and is what any
service finds again. Written by `instances.py` alone: nothing inside an instance can reach it.
"""

from typing import Any, Literal, TypeVar

import msgspec

from soundstage.engines.incus.names import ref_of
from soundstage.engines.interface import Reason
from soundstage.engines.keeping import KeptMark, KeptOutput, Wish

PREFIX = "user.soundstage."
STREAM_PORT = 8443
FILES_PORT = 8444
_STARTS_KEPT = 5
_T = TypeVar("_T")


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The keeper's word on one attempt; see `desktop/keeper.py`."""

    attempt: int
    phase: Literal["starting", "prepared", "running", "ended"]
    ready: bool = False
    reason: Reason = Reason.INTERNAL
    detail: str = ""
    since: float = 0.0
    outputs: list[KeptOutput] = []
    marks: list[KeptMark] = []


class Marks(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt came to before there was a keeper to say so."""

    attempt: int
    marks: list[KeptMark] = []


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why an attempt came to nothing before there was a keeper to say so."""

    attempt: int
    reason: Reason
    detail: str
    at: float


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """Where an attempt's desktop is reached, and the one certificate that it has."""

    attempt: int
    host: str
    certificate: str
    ports: tuple[int, int] = (STREAM_PORT, FILES_PORT)
    """Of the stream, and of files."""


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """Which host a workstation is on, and by what address of its own there; in a cluster alone."""

    member: str
    address: str
    why: str
    """Why that host: half a sentence for people."""


class Workstation(msgspec.Struct, frozen=True, kw_only=True):
    """An instance and all that is kept in it."""

    ref: str
    power: str
    """Incus's word: Running, Stopped, Error and others."""
    location: str
    """The member of the cluster that it is on; empty where there is none."""
    record: Wish
    generation: int | None = None
    """Of the home that is in place; None when there is none."""
    built: int | None = None
    """The attempt that its system was made anew for."""
    begun: int | None = None
    """The attempt whose desktop was handed its plan."""
    status: Status | None = None
    failure: Failure | None = None
    marks: Marks | None = None
    door: Door | None = None
    seat: Seat | None = None
    scripts: dict[int, list[KeptOutput]] = {}
    """What scripts said, by attempt."""
    lost_at: float | None = None
    """When it was first found gone with nobody's last word."""

    @property
    def attempt(self) -> int:
        return self.record.spec.attempt

    @property
    def member(self) -> str:
        """The host that it is on, or will be; empty where there is no cluster."""
        return self.seat.member if self.seat is not None else ""

    @property
    def is_running(self) -> bool:
        return self.power in {"Running", "Frozen"}

    @property
    def own_status(self) -> Status | None:
        """The keeper's word, if it is about the attempt asked for last."""
        is_own = self.status is not None and self.status.attempt == self.attempt
        return self.status if is_own else None

    @property
    def own_marks(self) -> list[KeptMark]:
        """What the attempt asked for last came to before there was a keeper."""
        is_own = self.marks is not None and self.marks.attempt == self.attempt
        return self.marks.marks if self.marks is not None and is_own else []

    @property
    def own_failure(self) -> Failure | None:
        is_own = self.failure is not None and self.failure.attempt == self.attempt
        return self.failure if is_own else None


def workstation_of(instance: dict[str, Any]) -> Workstation | None:
    """Read what the API says of an instance; None for one that is not ours, and for one whose host
    does not answer: of that no more is known than its name.
    """
    ref = ref_of(instance["name"])
    kept = {
        key.removeprefix(PREFIX): value
        for key, value in (instance["config"] or {}).items()
        if key.startswith(PREFIX)
    }
    record = _read(kept, "record", Wish)
    if ref is None or record is None:
        return None
    return Workstation(
        ref=ref,
        power=instance["status"],
        location=location_of(instance),
        record=record,
        generation=_read(kept, "generation", int),
        built=_read(kept, "built", int),
        begun=_read(kept, "begun", int),
        status=_read(kept, "status", Status),
        failure=_read(kept, "failure", Failure),
        marks=_read(kept, "marks", Marks),
        door=_read(kept, "door", Door),
        seat=_read(kept, "seat", Seat),
        scripts={
            int(key.removeprefix("scripts.")): _read(kept, key, list[KeptOutput]) or []
            for key in kept
            if key.startswith("scripts.")
        },
        lost_at=_read(kept, "lost_at", float),
    )


def location_of(instance: dict[str, Any]) -> str:
    """The host that it is on; empty where there is no cluster."""
    location = str(instance.get("location") or "")
    return "" if location == "none" else location


def kept(**facts: object) -> dict[str, str]:
    """Facts as an instance keeps them; None takes one away."""
    return {
        f"{PREFIX}{name}": "" if fact is None else msgspec.json.encode(fact).decode()
        for name, fact in facts.items()
    }


def outputs_kept(workstation: Workstation, status: Status) -> dict[str, str]:
    """Keep what the scripts of the last starts said."""
    numbers = sorted({*workstation.scripts, status.attempt})
    facts: dict[str, object] = {f"scripts.{number}": None for number in numbers[:-_STARTS_KEPT]}
    return kept(**{**facts, f"scripts.{status.attempt}": status.outputs})


def _read(kept: dict[str, str], name: str, kind: type[_T]) -> _T | None:
    text = kept.get(name)
    return None if not text else msgspec.json.decode(text, type=kind)
