"""Wakes on hints or when rows are due, claims them, and has workers take each one step on.

What is claimed is loaded in one transaction. Each row is then acted on in a thread that knows no
database, and what was decided is written by one thread, in as few transactions as it takes.

`wiring` starts one in the service's process. Any number of processes may run one over the same
database: the leases keep them off each other's rows. It holds nothing in memory that matters.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from soundstage.kit import lease, tracing
from soundstage.kit.clock import Clock
from soundstage.kit.convergence import Step, Watching, Worker
from soundstage.kit.database import Begin, Database
from soundstage.kit.hints import Hint
from soundstage.kit.inorder import InOrder
from soundstage.kit.lease import Lease
from soundstage.reconciler.health import HealthBoard

_LOOK_EVERY = 1.0
"""Most seconds between two looks."""
_SHORTEST_PAUSE = 0.02
"""Least seconds between two looks that no hint asked for."""
_GATHER_SECONDS = 0.005
"""How long a look waits for more hints after the first: many at once are one piece of work."""
_SHORTEST_BETWEEN = 0.025
"""Least seconds between the beginnings of two looks, however much is hinted at: but not while more
is due than there are threads.
"""
_SET_BACK = timedelta(seconds=10)
"""Steps back that are smaller than this are waited out."""
_RETRY_AFTER = timedelta(seconds=5)
"""When a row is looked at again after an unexpected error."""
_THREADS = 16
_WATCH_THREADS = 4

_log = structlog.get_logger("soundstage.reconciler")


class Loop:
    """One reconciler."""

    def __init__(
        self, database: Database, workers: Sequence[Worker[Any, Any]], clock: Clock
    ) -> None:
        self.health = HealthBoard()
        self._database = database
        self._workers = list(workers)
        self._watching = [(worker, worker) for worker in workers if isinstance(worker, Watching)]
        self._by_name = {worker.name: worker for worker in workers}
        self._clock = clock
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="reconcile")
        self._decided: InOrder[Step] = InOrder(self._write, "decisions")
        self._in_hand: dict[Lease, Step] = {}
        """What was claimed and not given back yet."""
        self._ended_by: BaseException | None = None
        """What ended a step as the end of the process would."""
        self._watchers = ThreadPoolExecutor(_WATCH_THREADS, thread_name_prefix="watch")
        self._rounds: dict[str, list[Future[None]]] = {}
        self._watch_at: dict[str, datetime] = {}
        self._looked_at: datetime | None = None
        self._is_behind = False
        """Reports whether more may be due than was claimed."""
        self._moments: dict[Worker[Any, Any], datetime] = {}
        """When each worker's next row is due, for those that have one, by the last look."""
        self._lock = threading.Lock()
        self._is_idle = threading.Condition(self._lock)
        self._woken = threading.Event()
        self._hints: set[Hint] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reconciler", daemon=True)
        database.listen(self.hear)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Take no new rows, let those in hand finish, and end."""
        self._stopping.set()
        self._woken.set()
        self._thread.join()
        self._threads.shutdown(wait=True)
        self._decided.close()
        self._watchers.shutdown(wait=True)

    def look(self) -> int:
        """Claim what is due and hand it to threads; how many rows were claimed."""
        now = self._clock()
        self._notice_a_clock_set_back(now)
        self._watch(now)
        claimed = self._claim(now)
        for step in self._load(claimed):
            self._threads.submit(self._act, step)
        self.health.looked(now, len(self._in_hand))
        return len(claimed)

    def _claim(self, now: datetime) -> list[Step]:
        """Wake what was hinted at and claim what is due, in one transaction."""
        self._is_behind = False
        with self._lock:
            hinted, self._hints = self._hints, set()
        try:
            # A look that finds nothing must not take the write lock.
            if not hinted and not self._is_due(now):
                return []
            with self._database.transaction(note=True) as transaction:
                self._deliver(transaction, hinted, now)
                claimed = self._claim_due(transaction, now)
        except BaseException:
            with self._lock:
                self._hints |= hinted
            raise
        with self._lock:
            self._in_hand |= {step.lease: step for step in claimed}
        return claimed

    def _is_due(self, now: datetime) -> bool:
        with self._database.transaction(write=False) as transaction:
            self._moments = self._read_moments(transaction)
        return any(moment <= now for moment in self._moments.values())

    def _claim_due(self, transaction: Connection, now: datetime) -> list[Step]:
        claimed: list[Step] = []
        free = _THREADS - len(self._in_hand)
        for worker, moment in self._read_moments(transaction).items():
            # Never all that is free, so that slow steps of one noun leave room for the others.
            limit = (free - len(claimed) + 1) // 2
            if moment > now:
                continue
            if limit <= 0:
                self._is_behind = True
                break
            until = now + lease.LEASE_FOR
            leases = lease.claim(transaction, worker.table, now=now, until=until, limit=limit)
            claimed += [Step(worker=worker, lease=held) for held in leases]
            self._is_behind = self._is_behind or len(leases) == limit
        self._moments = self._read_moments(transaction)
        return claimed

    def _load(self, claimed: Sequence[Step]) -> list[Step]:
        """Read what is needed to decide about each; what can't be read is given back."""
        loaded: list[Step] = []
        if claimed:
            with self._database.transaction(write=False) as transaction:
                for step in claimed:
                    try:
                        loaded.append(step.load(transaction, self._clock()))
                    except Exception:  # noqa: BLE001 - one row must not keep the others waiting
                        self._fail(step)
        return loaded

    def settle(self) -> None:
        """Work until nothing is due any more; for tests, in the calling thread's time."""
        while self.look() or self._is_woken():
            self._wait_for_threads()

    def next_moment(self) -> datetime | None:
        """Say when there is something to do next, if nothing changes."""
        with self._database.transaction(write=False) as transaction:
            moments = self._read_moments(transaction)
        return min([*moments.values(), *self._watch_at.values()], default=None)

    def _run(self) -> None:
        renew_at = self._clock() + lease.LEASE_FOR / 3
        while not self._stopping.is_set():
            looked_at = time.monotonic()
            try:
                self.look()
                if self._clock() >= renew_at:
                    self._renew()
                    renew_at = self._clock() + lease.LEASE_FOR / 3
                pause = self._pause()
            except Exception:  # noqa: BLE001 - one row must not end the loop
                # The database may be away for a while; the loop must outlive that.
                self.health.failed()
                _log.exception("the reconciler could not look")
                self._stopping.wait(_LOOK_EVERY)
                continue
            if self._woken.wait(pause):
                until_next = looked_at + _SHORTEST_BETWEEN - time.monotonic()
                is_early = until_next > _GATHER_SECONDS and not self._is_behind
                self._stopping.wait(until_next if is_early else _GATHER_SECONDS)
            self._woken.clear()

    def _pause(self) -> float:
        """Say how long to sleep: until the next row is due, within bounds."""
        now = self._clock()
        moments = [*self._moments.values(), *self._watch_at.values()]
        seconds = [(moment - now).total_seconds() for moment in moments]
        return min(max(min(seconds, default=_LOOK_EVERY), _SHORTEST_PAUSE), _LOOK_EVERY)

    def _read_moments(self, transaction: Connection) -> dict[Worker[Any, Any], datetime]:
        tables = [worker.table for worker in self._workers]
        moments = lease.next_due_at(transaction, *tables)
        found = zip(self._workers, moments, strict=True)
        return {worker: moment for worker, moment in found if moment is not None}

    def _notice_a_clock_set_back(self, now: datetime) -> None:
        before, self._looked_at = self._looked_at, now
        if before is not None and before - now > _SET_BACK:
            _log.warning("the clock was set back", seconds=(before - now).total_seconds())
            self.look_again()

    def look_again(self) -> None:
        """Make every row due that would be later; also for a service that starts, because nobody
        knows what its clock did meanwhile.
        """
        for worker in self._workers:
            with self._database.transaction(note=True) as transaction:
                lease.look_again(transaction, worker.table, self._clock())

    def _watch(self, now: datetime) -> None:
        """Begin another round of looks after what is not due, where the last one has ended."""
        for worker, watching in self._watching:
            at = self._watch_at.get(worker.name, now)
            # A clock that was set back must not end the watch.
            is_due = now >= at or at - now > watching.watch_every
            is_going_on = any(not future.done() for future in self._rounds.get(worker.name, []))
            if not is_due or is_going_on:
                continue
            self._watch_at[worker.name] = now + watching.watch_every
            with self._database.transaction(write=False) as transaction:
                items = watching.watched(transaction)
            shares = [items[start::_WATCH_THREADS] for start in range(_WATCH_THREADS)]
            self._rounds[worker.name] = [
                self._watchers.submit(self._look_after, worker.name, watching, share)
                for share in shares
                if share
            ]

    def _look_after(self, name: str, worker: Watching, items: list[Any]) -> None:
        for item in items:
            try:
                changed = worker.has_changed(item)
            except Exception:  # noqa: BLE001 - one row must not end the watch
                self.health.failed()
                _log.exception("a look failed", worker=name)
                continue
            if changed is not None:
                self.hear([(name, changed)])

    def _is_woken(self) -> bool:
        """Wait for the round of looks that goes on; reports whether it found anything."""
        for future in [future for round_ in self._rounds.values() for future in round_]:
            future.result()
        with self._lock:
            return bool(self._hints)

    def _act(self, step: Step) -> None:
        try:
            decided = self._acted(step)
        except Exception:  # noqa: BLE001 - one row must not end the loop
            self._fail(step)
        except BaseException as error:  # noqa: BLE001 - it is raised again, for who waits
            self._end(error, [step])
        else:
            self._decided.put(decided)

    def _acted(self, step: Step) -> Step:
        if step.loaded is None:
            return step
        with tracing.tracer().step(step.worker.name, step.lease.id):
            return step.act(self._clock())

    def _write(self, decided: Iterator[Step]) -> None:
        """Write what was decided, and then what is only noted."""
        waiting = list(decided)
        for is_note in (False, True):
            steps = [step for step in waiting if step.is_decision is not is_note]
            try:
                with self._database.together(note=is_note) as begin:
                    failed = [step for step in steps if not self._is_written(begin, step)]
            except Exception:  # noqa: BLE001 - the database may be away for a while
                failed = steps
                self.health.failed()
                _log.exception("what was decided could not be committed")
            except BaseException as error:  # noqa: BLE001 - it is raised again, for who waits
                self._end(error, steps)
                continue
            for step in failed:
                self._give_back(step)
            self._put_down(steps)

    def _is_written(self, begin: Begin, step: Step) -> bool:
        try:
            with begin(write=True) as transaction:
                step.write(transaction, self._clock())
        except Exception:  # noqa: BLE001 - one row must not keep the others waiting
            self._tell(step)
            return False
        return True

    def _end(self, error: BaseException, steps: Sequence[Step]) -> None:
        """Let go of rows without giving them back, as when the process ends."""
        self._ended_by = error
        self._put_down(steps)

    def _fail(self, step: Step) -> None:
        self._tell(step)
        self._give_back(step)
        self._put_down([step])

    def _tell(self, step: Step) -> None:
        """Tell of the exception that is being handled."""
        self.health.failed()
        _log.exception("a step failed", worker=step.worker.name, row=step.lease.id)

    def _give_back(self, step: Step) -> None:
        try:
            with self._database.transaction(note=True) as transaction:
                again_at = self._clock() + _RETRY_AFTER
                lease.release(transaction, step.worker.table, step.lease, due_at=again_at)
        except Exception:  # noqa: BLE001 - one row must not end the loop
            # Its lease runs out by itself.
            _log.exception("a row could not be given back", row=step.lease.id)

    def _put_down(self, steps: Sequence[Step]) -> None:
        with self._lock:
            for step in steps:
                del self._in_hand[step.lease]
            if not self._in_hand:
                self._is_idle.notify_all()
        if steps:
            self._woken.set()

    def _renew(self) -> None:
        until = self._clock() + lease.LEASE_FOR
        with self._lock:
            steps = list(self._in_hand.values())
        for step in steps:
            with self._database.transaction(note=True) as transaction:
                lease.renew(transaction, step.worker.table, step.lease, until)

    def hear(self, hinted: list[Hint]) -> None:
        """Wake the workers of what changed; hints of commits and notices of engines come here."""
        with self._lock:
            self._hints.update(hinted)
        self._woken.set()

    def _deliver(self, transaction: Connection, hinted: set[Hint], now: datetime) -> None:
        for name, changed in sorted(hinted):
            if name in self._by_name:
                self._by_name[name].wake(transaction, changed, now)

    def _wait_for_threads(self) -> None:
        with self._is_idle:
            self._is_idle.wait_for(lambda: not self._in_hand)
        ended_by, self._ended_by = self._ended_by, None
        if ended_by is not None:
            raise ended_by
