"""Whether and how a running workstation can be held still, for a copy of its disk.

`engine` makes one. What freezes is a program of its own (`freezer`), which lets go when this
process dies; what a killed one left frozen is thawed by `settle`, called at every look.
"""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from soundstage.engines.interface import Capability
from soundstage.engines.repository.programs import ProgramError, last_words
from soundstage.engines.sandbox.holding import freezer
from soundstage.engines.sandbox.host import cgroups
from soundstage.engines.sandbox.host.cgroups import Hierarchy
from soundstage.kit.jobs import TooSlowError

_PROGRAM = Path(freezer.__file__)
_ENDS_WITHIN = 10.0

_log = structlog.get_logger(__name__)


class Stillness:
    """Holds workstations of one installation still."""

    def __init__(
        self, groups: Hierarchy, directory: Callable[[str], Path], interpreter: str
    ) -> None:
        self._groups = groups
        self._directory = directory
        self._interpreter = interpreter

    def why_not(self, ref: str) -> str:
        """Say why this workstation can't be held still; empty when it can."""
        group = self._groups.freezing(ref)
        if group is None:
            return self._groups.missing.get("freezer", "there is no control group to do it")
        try:
            if not cgroups.is_populated(group):
                return "it was started before that was possible here"
        except OSError as error:
            return f"its control group can't be read: {error.strerror}"
        return ""

    def capability(self) -> Capability:
        reason = "" if self._groups.freezing("any") else self._groups.missing.get("freezer", "")
        detail = (
            f"a running workstation can't be held still: {reason}; stop it for a backup"
            if reason or not self._groups.parents
            else f"held still by control groups {self._groups.version} while the last is copied"
        )
        is_there = self._groups.freezing("any") is not None
        return Capability(name="backup-while-running", available=is_there, detail=detail)

    @contextmanager
    def held(self, ref: str, seconds: float) -> Iterator[None]:
        """Hold a workstation still within the block.

        Raises ProgramError when it can't be, and TooSlowError after the block when it was let go
        of before its end: what was read then is not of one moment.
        """
        group = self._groups.freezing(ref)
        reason = self.why_not(ref)
        if group is None or reason:
            raise ProgramError(f"the workstation can't be held still: {reason}")
        words = (str(self._lock(ref)), str(seconds), str(self._groups.version), str(group))
        # In a session of its own, so that what ends the service's group does not end it.
        holder = subprocess.Popen(
            [self._interpreter, "-I", "-S", str(_PROGRAM), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        began = time.monotonic()
        try:
            if holder.stdout is None or holder.stdout.readline() != b"frozen\n":
                _, said = holder.communicate(timeout=_ENDS_WITHIN)
                raise ProgramError(f"the workstation can't be held still: {last_words(said)}")
            began = time.monotonic()
            yield
        finally:
            holder.communicate(timeout=_ENDS_WITHIN)
            self.settle(ref)
            milliseconds = round((time.monotonic() - began) * 1000)
            _log.info("held_still", ref=ref, milliseconds=milliseconds, code=holder.returncode)
        if holder.returncode != 0:
            raise TooSlowError

    def is_held(self, ref: str) -> bool:
        return freezer.is_held(str(self._lock(ref)))

    def settle(self, ref: str) -> None:
        """Thaw a workstation that a killed holder left frozen."""
        group = self._groups.freezing(ref)
        if group is None:
            return
        kind = str(self._groups.version)
        if freezer.thaw_forgotten(str(group), kind, str(self._lock(ref))):
            _log.warning("a frozen workstation was let go of", ref=ref)

    def _lock(self, ref: str) -> Path:
        return self._directory(ref) / "still.lock"
