"""Both databases, each empty."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from soundstage.kit.database import Database, sqlite_url
from soundstage.testing.postgres import Postgres


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    made = Database(sqlite_url(tmp_path / "test.sqlite"))
    yield made
    made.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Give one after the other; both must do the same."""
    if request.param == "sqlite":
        made = Database(sqlite_url(tmp_path / "test.sqlite"))
        yield made
        made.dispose()
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.database() as url:
        made = Database(url)
        yield made
        made.dispose()
