"""Both databases, each empty, or with this release's schema."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from soundstage.kit.database import Database, sqlite_url
from soundstage.testing import schema
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


@pytest.fixture
def current_sqlite(tmp_path: Path) -> Iterator[Database]:
    file = tmp_path / "current.sqlite"
    schema.lay_out(file)
    made = Database(sqlite_url(file))
    yield made
    made.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def current_database(request: pytest.FixtureRequest) -> Iterator[Database]:
    if request.param == "sqlite":
        yield request.getfixturevalue("current_sqlite")
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.database(is_current=True) as url:
        made = Database(url)
        yield made
        made.dispose()
