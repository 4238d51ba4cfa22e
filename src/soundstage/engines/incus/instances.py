"""The instances that are ours, and the one place that changes them.

The engine and `starting.py` call it. Incus keeps a copy of an instance's facts on the instance's
own disk, and writes it wherever that disk should be: a change that comes while the disk is being
made or removed leaves a folder in its place that Incus can neither use nor remove. So each instance
is changed by one at a time, and never while Incus is at work on its disk, whoever asked for that.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import structlog

from soundstage.engines.incus.client import Client
from soundstage.engines.incus.lost import Lost
from soundstage.engines.incus.names import instance_of, ref_of
from soundstage.engines.incus.place import target
from soundstage.engines.incus.reach import PATIENCE, Reach
from soundstage.engines.incus.records import PREFIX, Workstation, location_of, workstation_of
from soundstage.engines.interface import PermanentError, RetryableError

# What Incus calls the operations that make or remove an instance's disk.
_DISK_WORK = ("creating", "rebuilding", "deleting", "copying", "migrating", "renaming")
_TURN_SECONDS = 0.5
_IMAGE_SECONDS = 600.0
"""The first instance of an image waits until that is unpacked."""

_log = structlog.get_logger(__name__)


class Workstations:
    """All instances of one installation."""

    def __init__(self, client: Client, lost: Lost, *, reach: Reach | None = None) -> None:
        self._client = client
        self._lost = lost
        self._reach = reach or Reach(client)
        self._lines: dict[str, list[object]] = {}
        """Who has the turn to change one, and who waits behind."""
        self._given_back = threading.Condition()
        # Asked for, and not to be seen at Incus before it has begun in earnest.
        self._coming: dict[str, Workstation] = {}

    # -- reading -------------------------------------------------------------------------------

    def read(self, ref: str) -> Workstation | None:
        """What is there. Raises OutOfReachError when its host does not answer."""
        self._reach.expect(ref)
        try:
            found = self._client.find(_path(ref), within=PATIENCE)
        except RetryableError:
            self._reach.doubt(ref)
            raise
        if found is None:
            self._reach.missed(ref)
            return self._coming.get(ref)
        self._reach.found(ref, location_of(found))
        return workstation_of(found)

    def all(self) -> list[Workstation]:
        found = self._client.get("/instances", {"recursion": "1"})
        seen = {made.ref: made for each in found if (made := workstation_of(each)) is not None}
        for each in seen.values():
            self._reach.found(each.ref, each.location)
        return [*({**self._coming, **seen}).values()]

    def out_of_reach(self) -> dict[str, set[str]]:
        """Name those whose hosts do not answer, by host: no more is known of them."""
        found: dict[str, set[str]] = {}
        for each in self._client.get("/instances", {"recursion": "1"}):
            ref = ref_of(each["name"])
            if ref is not None and each["status"] == "Error":
                found.setdefault(location_of(each), set()).add(ref)
        return found

    # -- changing ------------------------------------------------------------------------------

    def note(
        self, ref: str, facts: dict[str, str], devices: Mapping[str, dict[str, str]] | None = None
    ) -> None:
        """Write facts down, and give it these devices in place of those of the same names, at once
        or not at all. Raises NotFoundError when the instance is gone.
        """
        body = {"config": facts, **({"devices": devices} if devices else {})}
        with self._turn(ref):
            self._client.do("PATCH", _path(ref), body)

    def change(self, ref: str, edit: Callable[[dict[str, Any]], None]) -> None:
        """Edit what it is. Raises NotFoundError when the instance is gone."""
        with self._turn(ref):
            self._client.change(_path(ref), edit)

    def begin(self, ref: str, body: dict[str, Any]) -> str:
        """Have one made; the operation that goes on, which is to be waited for."""
        coming = workstation_of({**body, "status": "Stopped"})
        if coming is None:
            raise ValueError(f"{body['name']} holds no facts of a workstation")
        self._coming[ref] = coming
        try:
            return self._client.begin("POST", "/instances", body, target(coming.member))
        except BaseException:
            del self._coming[ref]
            raise

    def wait(self, ref: str, operation: str) -> None:
        """Wait until one is made. Raises what that failed with."""
        try:
            self._client.wait(operation, _IMAGE_SECONDS)
        finally:
            self._coming.pop(ref, None)

    def rebuild(self, ref: str, body: Callable[[dict[str, str]], dict[str, Any]]) -> None:
        """Make its system anew from the image. `body` draws one like it, with the facts given,
        for when its disk is spoilt.
        """
        path = _path(ref)
        with self._turn(ref):
            before = self._client.get(path)
            facts = _facts(before)
            drawn = body(facts)
            try:
                rebuilt = {"source": drawn["source"]}
                self._client.do("POST", f"{path}/rebuild", rebuilt, seconds=_IMAGE_SECONDS)
            except PermanentError as error:
                _log.warning("incus.rebuild_failed", ref=ref, error=str(error))
                self._lost.remove(path)
                query = target(location_of(before))
                self._client.do("POST", "/instances", drawn, seconds=_IMAGE_SECONDS, query=query)

    def remove(self, ref: str) -> None:
        """Remove one that does not run; silent when there is none."""
        self.settle(ref)
        with self._turn(ref):
            self._lost.remove(_path(ref))

    def settle(self, ref: str) -> None:
        """Wait until Incus is done with what it does to the disk."""
        while operation := self._disk_work(ref):
            try:
                self._client.wait(operation, _IMAGE_SECONDS)
            except PermanentError as error:
                # Whoever began it is told; here it only matters that it is over.
                _log.info("incus.disk_work_failed", ref=ref, error=str(error))

    @contextmanager
    def _turn(self, ref: str) -> Iterator[None]:
        mine = object()
        with self._given_back:
            # Whoever comes first has it first: one that changes again and again would otherwise
            # have it again before those who wait are awake.
            line = self._lines.setdefault(ref, [])
            line.append(mine)
            if not self._given_back.wait_for(lambda: line[0] is mine, _TURN_SECONDS):
                self._leave(ref, mine)
                raise RetryableError("its system is being made", after_seconds=0.2)
        try:
            if ref in self._coming or self._disk_work(ref):
                raise RetryableError("Incus is at work on its disk", after_seconds=0.5)
            yield
        finally:
            with self._given_back:
                self._leave(ref, mine)

    def _leave(self, ref: str, mine: object) -> None:
        self._lines[ref].remove(mine)
        if not self._lines[ref]:
            del self._lines[ref]
        self._given_back.notify_all()

    def _disk_work(self, ref: str) -> str:
        """The operation that makes or removes its disk now; empty where there is none."""
        name = instance_of(ref)
        for each in self._client.get("/operations", {"recursion": "1"}).get("running") or []:
            paths = (each.get("resources") or {}).get("instances") or []
            is_ours = name in {path.partition("?")[0].rpartition("/")[2] for path in paths}
            if is_ours and each["description"].lower().startswith(_DISK_WORK):
                return str(each["id"])
        return ""


def _path(ref: str) -> str:
    return f"/instances/{instance_of(ref)}"


def _facts(instance: dict[str, Any]) -> dict[str, str]:
    return {key: value for key, value in instance["config"].items() if key.startswith(PREFIX)}
