"""Lets SQLite's writers in one after the other, in the order they came, and commits them together.

SQLite has one writer at a time. Left to itself it makes the others sleep and try again, in no
order, and every commit waits for the disk alone. Here a writer waits for its turn in a queue. When
it is done and another waits, the next one goes on in the same transaction of the database, behind a
savepoint of its own; the last of a group commits for all. Nobody goes on before that commit is on
the disk, and a block that raises takes back only what it did itself.

Who has several blocks at hand does them all in one turn: to hand a turn to another thread takes
longer than most blocks.

Whoever keeps a person waiting goes first: those who only note something (see `kit.database`) are
let in when nobody else is there, and now and then in between, so that they do come in. The two
kinds never share a commit, since a note does not wait for the disk.

`kit.database` uses it for writers of its own process. Another process, such as the command line,
is waited for in SQLite's way.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

_MOST_TOGETHER = 16
"""How many blocks share a commit, so that the first does not wait for ever."""
_FIRST_IN_A_ROW = 4
"""How many go before one that only notes."""


class NotCommittedError(Exception):
    """The commit that a block shared with others failed; nothing of it was stored."""


class Group:
    """One transaction of the database, and the blocks that share it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.transaction = connection.begin()
        self.blocks = 0
        self.failure: BaseException | None = None
        self._ended = threading.Event()

    @contextmanager
    def block(self) -> Iterator[Connection]:
        """Take back what the block did, and only that, when it raises. Raises NotCommittedError
        after what broke the transaction.
        """
        if self.failure is not None:
            raise NotCommittedError("The database could not commit.") from self.failure
        self._execute("SAVEPOINT turn")
        try:
            yield self.connection
        except BaseException:
            self._or_break("ROLLBACK TO turn")
            self._or_break("RELEASE turn")
            raise
        finally:
            self.blocks += 1
        self._or_break("RELEASE turn")

    def end(self) -> None:
        """Commit, unless something broke the transaction, and tell all who wait for it."""
        try:
            if self.failure is None:
                self.transaction.commit()
        except BaseException as error:  # noqa: BLE001 - it is raised again, for each block
            self.failure = error
        finally:
            if self.failure is not None:
                # Nobody knows what this connection has open; closing it takes everything back.
                self.connection.invalidate()
            self.connection.close()
            self._ended.set()

    def wait(self) -> None:
        """Return when it is on the disk. Raises NotCommittedError."""
        self._ended.wait()
        if self.failure is not None:
            raise NotCommittedError("The database could not commit.") from self.failure

    def _or_break(self, command: str) -> None:
        # After some errors, of a full disk for one, SQLite has taken back the whole transaction by
        # itself, also what the blocks before did; then there is no such savepoint any more.
        try:
            self._execute(command)
        except Exception as error:  # noqa: BLE001 - all who share the transaction are told
            self.failure = self.failure or error

    def _execute(self, command: str) -> None:
        self.connection.connection.cursor().execute(command).close()


class Turns:
    """The queue of those who write."""

    def __init__(self, connect: Callable[[bool], Connection]) -> None:
        self._connect = connect
        """Called with whether only notes will be written."""
        self._lock = threading.Lock()
        self._first: deque[threading.Lock] = deque()
        self._notes: deque[threading.Lock] = deque()
        self._in_a_row = 0
        self._is_taken = False
        self._group: Group | None = None
        """The transaction that is open between two turns; only who has the turn looks at it."""

    @contextmanager
    def turn(self, *, note: bool = False) -> Iterator[Connection]:
        """Give a connection that is in a transaction; what was done is stored when this returns."""
        with self.turn_of_several(note=note) as group, group.block() as connection:
            yield connection

    @contextmanager
    def turn_of_several(self, *, note: bool = False) -> Iterator[Group]:
        """Give a turn for any number of blocks; what they did is stored when this returns."""
        self._enter(self._notes if note else self._first)
        try:
            group = self._group = self._group or self._begin(note=note)
        except BaseException:
            self._leave()
            raise
        try:
            yield group
        finally:
            if not self._is_followed(group, note=note):
                self._group = None
                group.end()
            self._leave()
        group.wait()

    def _begin(self, *, note: bool) -> Group:
        connection = self._connect(note)
        try:
            return Group(connection)
        except BaseException:
            connection.close()
            raise

    def _is_followed(self, group: Group, *, note: bool) -> bool:
        """Reports whether one of the same kind comes next, and may share this commit."""
        if group.failure is not None or group.blocks >= _MOST_TOGETHER:
            return False
        with self._lock:
            return self._next() is (self._notes if note else self._first)

    def _next(self) -> deque[threading.Lock] | None:
        """Say which of the two queues has the next turn; it stays so until somebody leaves, except
        that one who comes to an empty first queue may go before a note.
        """
        if self._first and (self._in_a_row < _FIRST_IN_A_ROW or not self._notes):
            return self._first
        return self._notes or None

    def _enter(self, queue: deque[threading.Lock]) -> None:
        with self._lock:
            if not self._is_taken:
                self._is_taken = True
                return
            called = threading.Lock()
            called.acquire()
            queue.append(called)
        called.acquire()

    def _leave(self) -> None:
        with self._lock:
            queue = self._next()
            if queue is None:
                self._is_taken = False
                return
            self._in_a_row = self._in_a_row + 1 if queue is self._first else 0
            queue.popleft().release()
