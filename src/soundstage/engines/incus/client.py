"""Incus's REST API as the engine uses it: things are made so, and made so again.

The engine and its parts call it. Every call may be repeated: what is there already is not made
twice, what is gone is not missed, and what somebody else changed meanwhile is read again.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from typing import Any

import msgspec

from soundstage.engines.incus.addresses import Addresses
from soundstage.engines.incus.connection import (
    NO_QUERY,
    Answer,
    ChangedError,
    ExistsError,
    NotFoundError,
    Query,
    Target,
    error_of,
)
from soundstage.engines.incus.events import Events, Lifecycle
from soundstage.engines.interface import EngineError, RetryableError
from soundstage.kit.jobs import Jobs

_OPERATION_SECONDS = 60.0
_TRIES = 4
_SUCCESS = 200
_CANCELLED = 401


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """A command that came to its end inside an instance."""

    code: int
    output: bytes
    errors: bytes


class Client:
    """One Incus, one project of it."""

    def __init__(self, target: Target, project: str) -> None:
        self.project = project
        self._addresses = Addresses(target, project)
        self._events = Events(self._addresses.listen)
        self._removals = Jobs(threads=1)

    def close(self) -> None:
        self._events.close()
        self._addresses.close()

    @property
    def address(self) -> str:
        """Of the member that is asked now."""
        return self._addresses.address

    def listen(self, listener: Callable[[Lifecycle], None]) -> None:
        """Have the listener called, from a thread of our own, when something happens there."""
        self._events.listen(listener)

    # -- things --------------------------------------------------------------------------------

    def get(self, path: str, query: Query = NO_QUERY, *, within: float | None = None) -> Any:
        """Read something, within so many seconds. Raises NotFoundError."""
        return self._addresses.ask("GET", path, query=query, within=within).metadata

    def find(
        self, path: str, query: Query = NO_QUERY, *, within: float | None = None
    ) -> Any | None:
        """Read something that may not be there."""
        try:
            return self.get(path, query=query, within=within)
        except NotFoundError:
            return None

    def ensure(self, path: str, body: Any, query: Query = NO_QUERY) -> bool:
        """Make something, unless there is one of that name; reports whether it was made."""
        try:
            self.do("POST", path, body, query=query)
        except ExistsError:
            return False
        return True

    def ensure_absent(self, path: str, query: Query = NO_QUERY) -> None:
        """Remove something and wait until it is gone; silent when it is already."""
        with suppress(NotFoundError):
            self.do("DELETE", path, query=query)

    def change(
        self, path: str, edit: Callable[[dict[str, Any]], None], query: Query = NO_QUERY
    ) -> None:
        """Read something, edit it and write it, again from the start if somebody was quicker.

        Nothing is written where the edit changes nothing. Raises NotFoundError.
        """
        for _ in range(_TRIES):
            found = self._addresses.ask("GET", path, query=query)
            before = msgspec.json.encode(found.metadata)
            edit(found.metadata)
            if msgspec.json.encode(found.metadata) == before:
                return
            headers = {"If-Match": found.etag}
            with suppress(ChangedError):
                answer = self._addresses.ask(
                    "PUT", path, found.metadata, headers=headers, query=query
                )
                self._finish(answer)
                return
        raise ChangedError(f"{path} is being changed by somebody else", after_seconds=0.5)

    # -- operations ----------------------------------------------------------------------------

    def begin(self, method: str, path: str, body: Any = None, query: Query = NO_QUERY) -> str:
        """Ask for what may take long; the id of what goes on, empty when it is done already."""
        return self._addresses.ask(method, path, body, query=query).operation

    def do(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        seconds: float = _OPERATION_SECONDS,
        content: Iterable[bytes] | None = None,
        headers: dict[str, str] | None = None,
        query: Query = NO_QUERY,
    ) -> Any:
        """Ask for something and wait until it is done. Raises what it failed with."""
        answer = self._addresses.ask(
            method, path, body, content=content, headers=headers, query=query
        )
        return self._finish(answer, seconds)

    def wait(self, operation: str, seconds: float = _OPERATION_SECONDS) -> Any:
        """Wait for something begun; what it made known. Raises what it failed with."""

        def look() -> dict[str, Any]:
            found: dict[str, Any] = self.get(f"/operations/{operation}")
            return found

        try:
            ended = self._events.wait(operation, look, seconds)
        except NotFoundError:
            # Incus forgets an operation seconds after its end, and at once when it dies.
            raise RetryableError("it is not known how an operation of Incus ended") from None
        if ended["status_code"] == _SUCCESS:
            return ended.get("metadata") or {}
        text = str(ended.get("err") or ended.get("status"))
        if ended["status_code"] == _CANCELLED:
            raise RetryableError(f"an operation of Incus was called off: {text}")
        raise _failure(text)

    def _finish(self, answer: Answer, seconds: float = _OPERATION_SECONDS) -> Any:
        if not answer.operation:
            return answer.metadata
        return self.wait(answer.operation, seconds)

    # -- files and commands --------------------------------------------------------------------

    def read_file(self, instance: str, path: str) -> bytes:
        """Read a file of an instance. Raises NotFoundError."""
        content, _ = self._addresses.fetch(f"/instances/{instance}/files", {"path": path})
        return content

    def write_file(
        self, instance: str, path: str, content: bytes, *, mode: int = 0o644, kind: str = "file"
    ) -> None:
        """Write a file of root's into an instance, over what is there; with `kind` a `directory`
        or a `symlink`, whose content is where it points. Raises NotFoundError when the folder or
        the instance is not there.
        """
        headers = {
            "X-Incus-uid": "0",
            "X-Incus-gid": "0",
            "X-Incus-mode": f"{mode:04o}",
            "X-Incus-type": kind,
            "X-Incus-write": "overwrite",
        }
        self._addresses.ask(
            "POST",
            f"/instances/{instance}/files",
            content=content,
            headers=headers,
            query={"path": path},
        )

    def run(self, instance: str, *command: str, seconds: float = 30.0) -> Ran:
        """Run a command as root of an instance and wait for its end. What it says is written down
        by Incus, and removed soon after it was read: no secret belongs into it.
        """
        body = {"command": list(command), "record-output": True, "interactive": False}
        told = self.do("POST", f"/instances/{instance}/exec", body, seconds=seconds)
        kept = told.get("output") or {}
        said = [self._take(kept.get(number)) for number in ("1", "2")]
        return Ran(code=int(told["return"]), output=said[0], errors=said[1])

    def _take(self, address: str | None) -> bytes:
        """Read what a command said, and have Incus forget it as soon as nobody waits any more."""
        if address is None:
            return b""
        path = address.removeprefix("/1.0")
        try:
            content, _ = self._addresses.fetch(path)
        except NotFoundError:
            return b""
        self._removals.begin(path, lambda _: self._forget(path))
        return content

    def _forget(self, path: str) -> None:
        # What stays goes with its instance.
        with suppress(EngineError):
            self.ensure_absent(path)

    # -- what is large -------------------------------------------------------------------------

    def download(self, path: str) -> AbstractContextManager[Iterator[bytes]]:
        """Read something large, piece by piece."""
        return self._addresses.download(path)

    def upload(
        self,
        path: str,
        content: Iterable[bytes],
        headers: dict[str, str],
        *,
        seconds: float,
        query: Query = NO_QUERY,
    ) -> None:
        """Send something large and wait until Incus has made of it what it should."""
        headers = {"Content-Type": "application/octet-stream", **headers}
        self.do("POST", path, content=content, headers=headers, seconds=seconds, query=query)


def _failure(text: str) -> Exception:
    """An operation has no code for why it failed."""
    return error_of(400, text)
