"""Background work: one job a key, a bounded pool, children that end with their job."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from soundstage.kit.jobs import Cancellation, CancelledError, Jobs, pause_after

Eventually = Callable[..., None]


def test_one_job_a_key(eventually: Eventually) -> None:
    jobs, go_on, runs = Jobs(), threading.Event(), []

    def work(_: Cancellation) -> None:
        runs.append(1)
        go_on.wait(10)

    assert jobs.begin("key", work)
    assert not jobs.begin("key", work)
    assert jobs.is_running("key")
    go_on.set()
    eventually(lambda: not jobs.is_running("key"))
    assert runs == [1]
    assert jobs.begin("key", work)
    eventually(lambda: len(runs) == 2)


def test_again_does_it_once_more(eventually: Eventually) -> None:
    jobs, go_on, runs = Jobs(), threading.Event(), []

    def work(_: Cancellation) -> None:
        runs.append(1)
        go_on.wait(10)

    for _ in range(3):
        jobs.begin("key", work, again=True)
    go_on.set()
    eventually(lambda: not jobs.is_running("key"))
    assert runs == [1, 1]


def test_no_more_threads_than_told() -> None:
    jobs, barrier = Jobs(threads=2), threading.Barrier(3)
    names = set()

    def work(_: Cancellation) -> None:
        names.add(threading.current_thread().name)
        barrier.wait(10)

    for key in "abcdef":
        jobs.begin(key, work)
    for _ in range(3):
        barrier.wait(10)
    assert len(names) == 2


def test_a_failure_is_kept_until_the_next_try(eventually: Eventually) -> None:
    jobs = Jobs()

    def fail(_: Cancellation) -> None:
        raise OSError("no room")

    jobs.begin("key", fail)
    eventually(lambda: not jobs.is_running("key"))
    assert jobs.failure("key") == "no room"
    jobs.begin("key", lambda _: None)
    eventually(lambda: not jobs.is_running("key"))
    assert jobs.failure("key") is None


def test_cancelling_ends_the_program_and_the_job(eventually: Eventually, tmp_path: Path) -> None:
    jobs = Jobs()
    started = tmp_path / "started"

    def work(cancellation: Cancellation) -> None:
        cancellation.run(["sh", "-c", f"echo >{started}; exec sleep 60"])

    jobs.begin("key", work)
    eventually(started.exists)
    jobs.cancel("key")
    eventually(lambda: not jobs.is_running("key"), seconds=5)
    assert jobs.failure("key") is None


def test_nothing_begins_once_cancelled() -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(CancelledError):
        cancellation.run(["true"])
    with pytest.raises(CancelledError):
        cancellation.check()


def test_what_fails_again_and_again_is_begun_less_and_less(eventually: Eventually) -> None:
    jobs = Jobs()

    def fail(_: Cancellation) -> None:
        raise OSError("no room")

    lengths = []
    for times in range(1, 4):
        jobs.begin("key", fail)
        eventually(lambda: not jobs.is_running("key"))
        failed = jobs.pause("key")
        assert failed is not None
        assert (failed.why, failed.times) == ("no room", times)
        lengths.append(failed.until - time.monotonic())
    assert lengths[0] < 0.5 < lengths[1] < 1.0 < lengths[2] < 2.0
    jobs.begin("key", lambda _: None)
    eventually(lambda: not jobs.is_running("key"))
    assert jobs.pause("key") is None


def test_pauses_have_a_limit() -> None:
    assert [pause_after(times) for times in (1, 2, 3, 8, 10**6)] == [0.5, 1.0, 2.0, 60.0, 60.0]
    assert pause_after(7, at_most=5.0) == 5.0
