"""Work in the background of an engine: keyed, at most one per key, in threads that never end.

`backups` and `volumes` begin what takes long here and return. A job is lost when the process dies;
that is fine, because whoever begins one leaves a marker on disk that tells what was under way.
"""

import queue
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import msgspec
import structlog

_log = structlog.get_logger(__name__)

_SHORTEST_PAUSE = 0.5
_LONGEST_PAUSE = 60.0


class CancelledError(Exception):
    """Whoever began this work no longer wants it."""


class TooSlowError(Exception):
    """A program was not done within its time, and was ended."""


class Cancellation:
    """Asks a job to end, and ends the program it waits for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._cancelled = False

    def cancel(self) -> None:
        """End the program that runs now, and let no other begin."""
        with self._lock:
            self._cancelled = True
            child = self._child
        if child is not None:
            child.kill()

    def check(self) -> None:
        """Raise CancelledError once `cancel` was called."""
        with self._lock:
            if self._cancelled:
                raise CancelledError

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
        pass_fds: Sequence[int] = (),
        stdin: IO[bytes] | None = None,
        stdout: IO[bytes] | None = None,
        limit_seconds: float | None = None,
        watch: Callable[[], None] | None = None,
        watch_seconds: float = 30.0,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a program to its end, unless cancelled; `stdout` and `stdin` may be files.

        Raises TooSlowError at the limit, and whatever `watch` raises, which is asked again and
        again meanwhile; the program is ended first.
        """
        with self._lock:
            if self._cancelled:
                raise CancelledError
            child = subprocess.Popen(
                [str(part) for part in argv],
                cwd=cwd,
                env=env,
                pass_fds=pass_fds,
                stdin=stdin or subprocess.DEVNULL,
                stdout=stdout or subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            self._child = child
        try:
            out, err = _communicate(child, limit_seconds, watch, watch_seconds)
        finally:
            with self._lock:
                self._child = None
        self.check()
        return subprocess.CompletedProcess(argv, child.returncode, out or b"", err or b"")


def _communicate(
    child: subprocess.Popen[bytes],
    limit_seconds: float | None,
    watch: Callable[[], None] | None,
    watch_seconds: float,
) -> tuple[bytes, bytes]:
    ends_at = None if limit_seconds is None else time.monotonic() + limit_seconds
    try:
        while True:
            pause = watch_seconds if watch is not None else None
            if ends_at is not None:
                left = max(0.0, ends_at - time.monotonic())
                pause = left if pause is None else min(pause, left)
            try:
                return child.communicate(timeout=pause)
            except subprocess.TimeoutExpired:
                if ends_at is not None and time.monotonic() >= ends_at:
                    raise TooSlowError from None
                if watch is not None:
                    watch()
    except BaseException:
        child.kill()
        child.communicate()
        raise


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """How a job failed, and how long nobody should begin it again."""

    why: str
    times: int
    """In a row."""
    until: float
    """When the pause is over, by the monotonic clock."""


def pause_after(times: int, *, at_most: float = _LONGEST_PAUSE) -> float:
    """Seconds to wait after so many failures in a row: twice as long each time, up to a limit."""
    return float(min(at_most, _SHORTEST_PAUSE * 2 ** min(times - 1, 16)))


class _Job:
    def __init__(self, key: str, work: Callable[[Cancellation], None]) -> None:
        self.key = key
        self.work = work
        self.cancellation = Cancellation()
        self.is_wanted_again = False


class Jobs:
    """A pool of at most `threads` threads.

    They are begun when needed and live as long as the process: the kernel ends a program that asked
    for it (`setpriv --pdeathsig`) when the *thread* that started it ends. They are daemons, so that
    the end of the service never waits for a backup; the next start takes it up again.
    """

    def __init__(self, *, threads: int = 4) -> None:
        self._most = threads
        self._threads = 0
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._jobs: dict[str, _Job] = {}
        self._failures: dict[str, Failed] = {}

    def begin(self, key: str, work: Callable[[Cancellation], None], *, again: bool = False) -> bool:
        """Queue `work`, or report False because a job of this key has not ended yet.

        With `again` that job is then done once more when it has ended, for work that looks for
        something to do and may just have looked for the last time.
        """
        with self._lock:
            if key in self._jobs:
                self._jobs[key].is_wanted_again |= again
                return False
            job = self._jobs[key] = _Job(key, work)
            if self._threads < min(self._most, len(self._jobs)):
                self._threads += 1
                name = f"engine-job-{self._threads}"
                threading.Thread(target=self._work_for_ever, name=name, daemon=True).start()
            self._queue.put(job)
            return True

    def is_running(self, key: str) -> bool:
        with self._lock:
            return key in self._jobs

    def failure(self, key: str) -> str | None:
        """Say how the last job of this key failed; None while another is under way."""
        with self._lock:
            failed = None if key in self._jobs else self._failures.get(key)
            return None if failed is None else failed.why

    def pause(self, key: str) -> Failed | None:
        """Say how this key failed if it should not be begun again yet. Who asks decides: a job
        that is begun all the same is done.
        """
        with self._lock:
            failed = None if key in self._jobs else self._failures.get(key)
            is_over = failed is None or time.monotonic() >= failed.until
            return None if is_over else failed

    def forget_failure(self, key: str) -> None:
        with self._lock:
            self._failures.pop(key, None)

    def cancel(self, key: str) -> None:
        with self._lock:
            job = self._jobs.get(key)
        if job is not None:
            job.cancellation.cancel()

    def _work_for_ever(self) -> None:
        while True:
            self._do(self._queue.get())

    def _do(self, job: _Job) -> None:
        failure: str | None = None
        try:
            job.work(job.cancellation)
        except CancelledError:
            _log.info("job_cancelled", key=job.key)
        except Exception as error:  # noqa: BLE001  # A job's failure is data for who observes it.
            failure = str(error) or type(error).__name__
        with self._lock:
            if failure is None:
                self._failures.pop(job.key, None)
            else:
                self._fail(job.key, failure)
            if job.is_wanted_again:
                job.is_wanted_again = False
                self._queue.put(job)
                return
            del self._jobs[job.key]

    def _fail(self, key: str, why: str) -> None:
        """Called with the lock held."""
        before = self._failures.get(key)
        times = 1 if before is None else before.times + 1
        pause = pause_after(times)
        self._failures[key] = Failed(why=why, times=times, until=time.monotonic() + pause)
        _log.warning("job_failed", key=key, error=why, times=times, pause_seconds=pause)
