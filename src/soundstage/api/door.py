"""What the API needs from the rest of the service; `wiring` implements both interfaces.

The API knows the operation table and these two, so it never learns which database, engine or store
there is.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

import msgspec
from sqlalchemy import Connection

from soundstage.api.throttling import Limits
from soundstage.resources.request import Caller, Request


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits that hold before a request is looked into."""

    body_bytes: int = 1024 * 1024
    """Largest body."""
    body_seconds: float = 30
    """Longest wait for a body to arrive."""
    path_bytes: int = 4096
    """Longest path, still encoded."""
    query_bytes: int = 16 * 1024
    """Longest query, still encoded."""
    header_bytes: int = 32 * 1024
    """All headers together."""
    header_count: int = 100
    """Most headers."""
    workers: int = 16
    """Requests worked on at the same time; more wait their turn."""
    allowed_skew_seconds: int = 15 * 60
    """How far a client's clock may be off, both ways."""
    throttling: Limits = Limits()
    """How often somebody may call."""


class Begin(Protocol):
    """Opens a transaction; see `Door.transaction`."""

    def __call__(self, *, write: bool) -> AbstractContextManager[Connection]:
        """Open it."""
        ...


class Facts(Protocol):
    """Answers to permission questions, asked within one request's transaction."""

    def is_administrator(self, studio_id: str, principal_id: str) -> bool:
        """Reports whether the person administers this studio; False when there is none."""
        ...

    def administers_any(self, principal_id: str) -> bool:
        """Reports whether the person administers a studio, whichever it is."""
        ...

    def owner_of_session(self, studio_id: str, session_id: str) -> str | None:
        """Name a session's owner; None when the studio has no such session."""
        ...

    def owner_of_backup(self, studio_id: str, backup_id: str) -> str | None:
        """Name a backup's owner; None when the studio has no such backup."""
        ...

    def is_member(self, studio_id: str, launch_profile_id: str, principal_id: str) -> bool:
        """Reports whether the person is a member of the studio's profile."""
        ...

    def require_existing(self, labels: Mapping[str, str]) -> None:
        """Raise NotFoundError when something that the path names does not exist.

        Called after the permission check and before the input is checked. The labels are those of
        the operation's path: `studioId`, `sessionId`, … Naming only the studio is enough: handlers
        raise NotFoundError themselves, only later than a wrong input is told.
        """
        ...


class Door(Protocol):
    """How the API reaches the service. All methods may block."""

    @property
    def reads_at_once(self) -> bool:
        """Reports whether reading waits for nothing: no network, and nobody who writes.

        Then requests that only read the database are answered on the event loop, which is quicker
        than to have a thread woken, and those that change something in one thread, since there is
        one writer. All others, and all where that is not so, are answered in threads.
        """
        ...

    def now(self) -> datetime:
        """Tell the time."""
        ...

    def secret_of(self, access_key_id: str) -> tuple[str, Caller] | None:
        """Find an active access key's secret and whose it is. May be cached for some seconds."""
        ...

    def transaction(self, *, write: bool) -> AbstractContextManager[Connection]:
        """Open a transaction that commits when its block ends and rolls back when it raises."""
        ...

    def together(self) -> AbstractContextManager[Begin]:
        """Give another `transaction`, for one thread: what is done in its blocks is committed at
        once, when this block ends.
        """
        ...

    def request(
        self, transaction: Connection, caller: Caller, now: datetime, *, asks_engine: bool
    ) -> Request:
        """Put together what a handler is given: the engine only if its operation asks it."""
        ...

    def know_hosts(self) -> bool:
        """Ask the engine which hosts there are, outside of all transactions; reports whether it
        names others than before.
        """
        ...

    def facts(self, transaction: Connection) -> Facts:
        """Answer permission questions within this transaction."""
        ...
