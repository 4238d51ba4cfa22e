"""SQLite files that have this release's schema already. `World` and tests begin with one where it
is not the point how the schema came to be: to take all its steps costs more than most tests.

The tests of `kit.database`, and every service that is a process of its own, take them.
"""

import functools
import tempfile
from pathlib import Path

from soundstage.kit.database import Database, sqlite_url


def lay_out(file: Path) -> None:
    """Give a SQLite file that is empty, or not there yet, the schema; others stay as they are."""
    if not file.exists() or file.stat().st_size == 0:
        file.write_bytes(_sqlite())


@functools.cache
def _sqlite() -> bytes:
    with tempfile.TemporaryDirectory(prefix="soundstage-schema-") as folder:
        database = Database(sqlite_url(Path(folder, "stepwise.sqlite")))
        try:
            database.upgrade()
            copy = Path(folder, "copy.sqlite")
            database.copy_to(copy)
        finally:
            database.dispose()
        return copy.read_bytes()
