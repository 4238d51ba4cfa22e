"""How a workstation's scripts, idleness and end are judged."""

import dataclasses
from typing import Annotated

from msgspec import Meta


@dataclasses.dataclass(frozen=True, kw_only=True)
class SessionSettings:
    """How a workstation's scripts, idleness and end are judged."""

    warn_minutes_before_end: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=1440)], ...],
        Meta(
            description="How many minutes before a workstation stops by itself the people in it "
            "are told, in its desktop and on the stream's page. One that is longer than half of "
            "what a rule allows is left out."
        ),
    ] = (15, 5, 1)
    idle_cpu_percent: Annotated[
        int,
        Meta(
            ge=1,
            le=10000,
            description="A workstation whose programs use less than this, of one core and on "
            "average over a minute, counts as idle while nobody uses pointer or keys.",
        ),
    ] = 25
    warm_hours: Annotated[
        int,
        Meta(
            ge=1,
            le=720,
            description="How old a workstation that is kept prepared may get before it is removed "
            "and another is prepared in its place.",
        ),
    ] = 12
    script_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=7200,
            description="How long one initialization script may take before it is killed and the "
            "start of its workstation fails.",
        ),
    ] = 600
