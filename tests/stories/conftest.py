"""A whole service under a hand-moved clock, with one studio."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from soundstage.testing.postgres import Postgres
from soundstage.testing.receiver import LOOPBACK
from soundstage.testing.walks import Studio
from soundstage.testing.world import world


@pytest.fixture
def studio(home: Path) -> Iterator[Studio]:
    with world(home, webhook_networks=LOOPBACK) as made:
        yield Studio(made)


@pytest.fixture(params=["sqlite", "postgresql"])
def either_studio(request: pytest.FixtureRequest, home: Path) -> Iterator[Studio]:
    """Give the same studio on both databases."""
    if request.param == "sqlite":
        with world(home, webhook_networks=LOOPBACK) as made:
            yield Studio(made)
        return
    server: Postgres = request.getfixturevalue("postgres")
    with (
        server.database(is_current=True) as url,
        world(home, url, webhook_networks=LOOPBACK) as made,
    ):
        yield Studio(made)
