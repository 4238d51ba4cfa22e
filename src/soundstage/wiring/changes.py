"""Watches, once for all pages that are open, whether what their people see has changed.

It looks when a transaction of this process woke somebody, and every second for what others did: a
few statements for everybody who has a page open, and none when nobody has. `service` keeps it
running.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
import structlog
from sqlalchemy import Connection

from soundstage.kit import journal
from soundstage.kit.clock import Clock
from soundstage.kit.database import Database
from soundstage.kit.hints import Hint
from soundstage.portal.door import Login
from soundstage.portal.events import GoneError
from soundstage.resources.logins import service as logins
from soundstage.resources.logins.model import USUAL, Limits
from soundstage.resources.sessions.looks import looks_of

_LOOK_SECONDS = 1.0
_GATHER_SECONDS = 0.1
"""Changes come in crowds: a look soon after the first sees the others as well."""
_SEEN = {"sessions", "backups", "streams", "launch_profiles", "images", "components"}
_MOST_A_LOGIN = 8
_MOST = 512

_log = structlog.get_logger("soundstage.portal")


class Page:
    """One open page; see `portal.events.Follower`."""

    def __init__(self, login: Login, *, of_all: bool) -> None:
        self.login = login
        self.of_all = of_all
        self._look: str | None = None
        self._is_over = False
        self._is_let_go = False
        self._told = asyncio.Event()

    async def change(self, seen: str) -> str | None:
        """Wait for another look than `seen`. Raises GoneError."""
        while not self._is_over:
            if self._is_let_go:
                raise GoneError
            if self._look is not None and self._look != seen:
                return self._look
            self._told.clear()
            await self._told.wait()
        return None

    def tell(self, look: str) -> None:
        """Hear what there is to be seen now."""
        if look != self._look:
            self._look = look
            self._told.set()

    def end(self) -> None:
        """Hear that the login has ended."""
        self._is_over = True
        self._told.set()

    def let_go(self) -> None:
        """Hear that the service ends; the browser asks the next one."""
        self._is_let_go = True
        self._told.set()


class Changes:
    """See `portal.events.Changes`."""

    def __init__(self, database: Database, clock: Clock, limits: Limits = USUAL) -> None:
        self._database = database
        self._clock = clock
        self._limits = limits
        self._pages: set[Page] = set()
        self._wake: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        database.listen(self._hear)

    def look(self, login: Login, *, of_all: bool = False) -> str:
        """Give what stands for all that a person sees now."""
        with self._database.transaction(write=False) as transaction:
            if of_all:
                return _look_of_all(transaction)
            return looks_of(transaction, [login.principal_id])[login.principal_id]

    @asynccontextmanager
    async def follow(self, login: Login, *, of_all: bool = False) -> AsyncIterator[Page | None]:
        """Keep a page up to date while the block lasts."""
        of_login = Counter(page.login.id for page in self._pages)[login.id]
        if len(self._pages) >= _MOST or of_login >= _MOST_A_LOGIN:
            yield None
            return
        page = Page(login, of_all=of_all)
        self._pages.add(page)
        if self._wake is not None:
            self._wake.set()
        try:
            yield page
        finally:
            self._pages.discard(page)

    async def watch(self) -> None:
        """Look for changes, until cancelled."""
        self._loop, self._wake = asyncio.get_running_loop(), asyncio.Event()
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_SECONDS if self._pages else None):
                        await self._wake.wait()
                self._wake.clear()
                await self.look_now()
                await asyncio.sleep(_GATHER_SECONDS)
        finally:
            self._loop = None
            self.let_go()

    def let_go(self) -> None:
        """Let all pages go, because the service ends; called in the event loop."""
        for page in self._pages:
            page.let_go()

    async def look_now(self) -> None:
        """Look once, for all pages."""
        pages = list(self._pages)
        if not pages:
            return
        try:
            looks, of_all, living = await anyio.to_thread.run_sync(self._read, pages)
        except Exception:  # noqa: BLE001 - it is logged, and the next look may go well
            _log.exception("changes can't be seen")
            return
        for page in pages:
            if page.login.id in living:
                page.tell(of_all if page.of_all else looks[page.login.principal_id])
            else:
                page.end()

    def _read(self, pages: list[Page]) -> tuple[dict[str, str], str, set[str]]:
        owners = {page.login.principal_id for page in pages if not page.of_all}
        with self._database.transaction(write=False) as transaction:
            living = logins.living(
                transaction,
                {page.login.id for page in pages},
                self._clock(),
                limits=self._limits,
            )
            of_all = _look_of_all(transaction) if any(page.of_all for page in pages) else ""
            return looks_of(transaction, owners) if owners else {}, of_all, living

    def _hear(self, hints: list[Hint]) -> None:
        """Hear, in whatever thread it was, that something was committed."""
        loop, wake = self._loop, self._wake
        if loop is None or wake is None or not self._pages:
            return
        if any(worker in _SEEN for worker, _ in hints):
            # The loop may be closed by now, and then nobody is to be told.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(wake.set)


def _look_of_all(transaction: Connection) -> str:
    """Whatever happens is written down, so the last entry stands for everything."""
    return f"all-{journal.latest(transaction)}"
