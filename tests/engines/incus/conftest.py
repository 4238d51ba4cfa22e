"""One Incus for all tests of this room that are marked `incus`."""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from soundstage.engines.incus.client import Client
from soundstage.engines.incus.engine import IncusEngine
from soundstage.engines.incus.place import Place
from soundstage.engines.incus.settings import IncusSettings
from soundstage.engines.interface import Observed, Phase, RetryableError, Spec
from soundstage.testing.incus import IncusDaemon

SUBNET = "10.78.0.1/24"


@pytest.fixture
def collected() -> Iterator[None]:
    """Have the collector close what it is left to, here and not in another's test."""
    yield
    gc.collect()


def asks_nobody(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test that asks where nobody listens: httpcore leaves a socket that did not connect to
    be closed by the collector.
    """
    for mark in (
        pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
        pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
        pytest.mark.usefixtures("collected"),
    ):
        test = mark(test)
    return test


@pytest.fixture
def incus_settings(incus_daemon: IncusDaemon, home: Path) -> IncusSettings:
    return IncusSettings(
        home=home,
        target=incus_daemon.target,
        images={"ami-host": "workstation"},
        subnet=SUBNET,
        closed=("192.0.2.77",),
    )


@pytest.fixture
def client(incus_daemon: IncusDaemon, incus_settings: IncusSettings) -> Iterator[Client]:
    with incus_daemon.client() as made:
        Place(made, incus_settings).ensure()
        yield made


@pytest.fixture
def engine(incus_settings: IncusSettings) -> Iterator[IncusEngine]:
    made = IncusEngine(incus_settings)
    yield made
    # What a test that failed has left would fail others.
    remove(made, *made.refs())
    made.close()


def run(engine: IncusEngine, ref: str, spec: Spec, seconds: float = 110) -> Observed:
    """Start it, and say how that ended."""
    return run_all(engine, {ref: spec}, seconds)[ref]


def run_all(
    engine: IncusEngine, specs: dict[str, Spec], seconds: float = 110
) -> dict[str, Observed]:
    """Start them beside each other, and say how each ended."""
    ended: dict[str, Observed] = {}
    deadline = time.monotonic() + seconds
    while left := specs.keys() - ended.keys():
        for ref in sorted(left):
            with suppress(RetryableError):
                observed = engine.observe(ref)
                is_own = observed.attempt == specs[ref].attempt
                if is_own and observed.phase in {Phase.RUNNING, Phase.FAILED}:
                    ended[ref] = observed
                    continue
                engine.ensure_running(ref, specs[ref])
            assert time.monotonic() < deadline, engine.observe(ref).detail
        time.sleep(0.1)
    return ended


def stop(engine: IncusEngine, ref: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        with suppress(RetryableError):
            if engine.observe(ref).phase is Phase.STOPPED:
                return
            engine.ensure_stopped(ref)
        assert time.monotonic() < deadline
        time.sleep(0.1)


def remove(engine: IncusEngine, *refs: str) -> None:
    """Remove them beside each other."""
    left = list(refs)
    deadline = time.monotonic() + 60 + 10 * len(left)
    while left:
        for ref in [*left]:
            with suppress(RetryableError):
                if engine.observe(ref).phase is Phase.ABSENT:
                    left.remove(ref)
                    continue
                engine.ensure_absent(ref)
        assert time.monotonic() < deadline, left
        if left:
            time.sleep(0.1)
