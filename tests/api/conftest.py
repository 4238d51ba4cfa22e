"""A small studio behind the real API, on a database of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from soundstage.kit.database import Database, sqlite_url
from soundstage.testing.small_studio import SEAL, SmallStudio


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[SmallStudio]:
    database = Database(sqlite_url(tmp_path / "tokens.sqlite"), SEAL)
    yield SmallStudio(database)
    database.dispose()
