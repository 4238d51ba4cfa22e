"""What every engine that runs real desktops keeps of a workstation, in whatever place it keeps it.

The records of the sandbox and of Incus are made of these. Scripts, mounts and variables of a spec
are not kept: they hold secrets, and come again with each call that starts the workstation.
"""

from datetime import UTC, datetime
from typing import Literal

import msgspec

from soundstage.engines.admission import Promise
from soundstage.engines.interface import Mark, ScriptOutput, Spec, Stage


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for last."""

    spec: Spec
    wanted: Literal["running", "stopped", "absent"]
    asked_at: float
    promise: Promise | None = None
    """What it was admitted with; None when that was given back."""


class KeptOutput(msgspec.Struct, frozen=True, kw_only=True):
    """A `ScriptOutput` as it is written down. `desktop/said.py` does that, which knows no types: so
    its times are plain seconds. Its attempt is told by the place where it is kept.
    """

    component: str
    as_root: bool
    exit_code: int | None
    began_at: float
    ended_at: float
    output: str

    def of(self, attempt: int) -> ScriptOutput:
        return ScriptOutput(
            attempt=attempt,
            component=self.component,
            as_root=self.as_root,
            exit_code=self.exit_code,
            began_at=datetime.fromtimestamp(self.began_at, UTC),
            ended_at=datetime.fromtimestamp(self.ended_at, UTC),
            output=self.output,
        )


class KeptMark(msgspec.Struct, frozen=True, kw_only=True):
    """A `Mark` as it is written down, in plain seconds for the same reason."""

    stage: Stage
    at: float
    component: str = ""
    number: int = 0
    of: int = 0

    def mark(self) -> Mark:
        return Mark(
            stage=self.stage,
            at=datetime.fromtimestamp(self.at, UTC),
            component=self.component,
            number=self.number,
            of=self.of,
        )


def without_secrets(spec: Spec) -> Spec:
    """The part of it that may be written down, without what was true at that moment only."""
    return msgspec.structs.replace(spec, scripts=[], mounts=[], environment={}, avoid=[])
