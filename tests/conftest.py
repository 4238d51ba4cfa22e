"""What tests of several rooms need: waiting, a home folder that other users can reach, a browser,
and a second database.
"""

import gc
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import Phase, settings

from soundstage.engines.images.store import Build
from soundstage.engines.interface import RetryableError
from soundstage.testing import kept
from soundstage.testing.images import ensure_image
from soundstage.testing.incus import IncusDaemon, running_incus
from soundstage.testing.openid import OpenIDProvider, running_provider
from soundstage.testing.postgres import Postgres, running_postgres
from soundstage.testing.world import ENDPOINT

# Collecting six thousand tests makes no garbage, and looking for some took a third of the time.
gc.disable()

# What is made up by a machine is the same in every run; `--hypothesis-profile=long` makes up other
# things each time, and ten times as many: a quarter of an hour on two cores that are free.
_PHASES = [phase for phase in Phase if phase is not Phase.explain]  # Explaining takes tracing.
settings.register_profile(
    "steady", derandomize=True, database=None, deadline=None, max_examples=10, phases=_PHASES
)
settings.register_profile("long", deadline=None, max_examples=100, phases=_PHASES)
settings.load_profile("steady")


@contextmanager
def _logs_where_they_went() -> Iterator[None]:
    """Take back what making an engine says of log lines: other tests read all of them."""
    was_configured = structlog.is_configured()
    yield
    if not was_configured:
        structlog.reset_defaults()


@pytest.fixture(autouse=True, scope="module")
def logs_go_where_they_went_after_a_file() -> Iterator[None]:
    """Hold for engines that all tests of a file share."""
    with _logs_where_they_went():
        yield


@pytest.fixture(autouse=True)
def logs_go_where_they_went() -> Iterator[None]:
    """Hold for what one test makes."""
    with _logs_where_they_went():
        yield


# The first test that needs the image may have to build it.
_BUILDING_SECONDS = 1200


_FIRST = (
    "contracts",
    "engines/sandbox/test_engine.py",
    "generated",
    "whole",
    "documentation",
    "browser",
    "isolation",
    "clients",
)
"""What takes minutes, the longest before the others: begun last, one of them would keep a single
core busy.
"""


def _rank(item: pytest.Item) -> tuple[int, bool]:
    """Say how early a test comes; of equal ones those that wait for the image to be built."""
    path = item.path.relative_to(Path(__file__).parent)
    places = (n for n, first in enumerate(_FIRST) if path.is_relative_to(first))
    return next(places, len(_FIRST)), "sandbox-image" not in item.name


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the long files, and let what is built, or made up at length, take its time, also
    where a test has a limit.
    """
    items.sort(key=_rank)
    is_long = config.getoption("--hypothesis-profile") == "long"
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        needs_image = "workstation_image" in fixtures or "incus_daemon" in fixtures
        if is_long:
            item.add_marker(pytest.mark.timeout(0), append=False)
        elif needs_image or "sandbox-image" in item.name or item.name.endswith("[incus]"):
            item.add_marker(pytest.mark.timeout(_BUILDING_SECONDS))


def pytest_collection_finish() -> None:
    """Collect garbage from now on, without looking at what stays."""
    gc.freeze()
    gc.enable()


Eventually = Callable[..., None]


@pytest.fixture(scope="session", autouse=True)
def shared_records() -> Iterator[None]:
    """Fail where anything changed what is in a record that others have as well."""
    watched = [kept.watch(records) for records in kept.of_all_nouns()]
    yield
    for each in watched:
        each.clear()
    assert [change for each in watched for change in each.changed] == []


@pytest.fixture(scope="session")
def incus_daemon(workstation_image: Build) -> Iterator[IncusDaemon]:
    """An Incus for all tests that are marked so, with an image called `workstation`."""
    with running_incus(workstation_image.directory) as daemon:
        yield daemon


@pytest.fixture
def eventually() -> Eventually:
    """Wait until a condition holds, or fail; a condition that raises RetryableError waits on."""

    def wait(condition: Callable[[], bool], *, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                if condition():
                    return
            except RetryableError:
                pass
            assert time.monotonic() < deadline, f"not within {seconds} s"
            time.sleep(0.02)

    return wait


@pytest.fixture
def home() -> Iterator[Path]:
    """Give a fresh folder for a test's data, short and open to other users' passage.

    pytest's own `tmp_path` lies in a folder that only its owner may enter, but a workstation that
    root starts has a user of its own. A socket's path may be 107 bytes long, so it is short too.
    """
    folder = Path(tempfile.mkdtemp(prefix="soundstage-test-", dir="/tmp"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        # A test may have had it removed, by `soundstage clean --data`.
        if folder.exists():
            shutil.rmtree(folder, onerror=_unless_gone)


def _unless_gone(_function: object, _path: str, error: Any) -> None:
    """Go on where the removal in an engine's background, which outlives a service, was first."""
    if not isinstance(error[1], FileNotFoundError):
        raise error[1]


@pytest.fixture(scope="session")
def workstation_image() -> Build:
    """Give the image that this tree describes; it is built once, and read by all."""
    return ensure_image(Path(__file__).parents[1])


@pytest.fixture(scope="session")
def chromium() -> Path | None:
    """Give the browser's program, None where Playwright brings its own: `make setup` installs one,
    and without it the test fails.
    """
    found = shutil.which("chromium-headless-shell")
    return None if found is None else Path(found)


@pytest.fixture(scope="session")
def openid_provider() -> Iterator[OpenIDProvider]:
    """Give a certified provider that knows the service where a `World` has it."""
    with running_provider(Path(__file__).parents[1], ENDPOINT) as provider:
        yield provider


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Give a server of the second database; without its programs the test fails."""
    with running_postgres() as server:
        yield server
