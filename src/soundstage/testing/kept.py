"""Watches the records that all readers share, whether somebody changes what is in one.

`kit.records` hands out the same record for equal rows, and a record's lists and maps can be changed
by whoever has it. `tests/conftest.py` watches those of every noun through all tests.
"""

import importlib
import pkgutil
from typing import Any

import msgspec

from soundstage import resources
from soundstage.kit.prepared import Row
from soundstage.kit.records import Records


class Watched(dict[Row, Any]):
    """Kept records beside what was in each when it was made."""

    def __init__(self) -> None:
        super().__init__()
        self.changed: list[str] = []
        """What was in those that somebody changed, as it is now."""
        self._made: dict[Row, tuple[Any, bytes]] = {}

    def __setitem__(self, row: Row, record: Any) -> None:
        """Keep one."""
        self._made[row] = record, msgspec.json.encode(record)
        super().__setitem__(row, record)

    def clear(self) -> None:
        """Look at each a last time, and forget them all; another thread may keep one meanwhile, or
        clear them too.
        """
        made, self._made = self._made, {}
        super().clear()
        for record, before in list(made.values()):
            now = msgspec.json.encode(record)
            if now != before:
                self.changed.append(now.decode())


def watch(records: Records[Any]) -> Watched:
    """Watch those of one table from now on."""
    records._kept = watched = Watched()  # noqa: SLF001 - the program itself needs no way to do so
    return watched


def of_all_nouns() -> list[Records[Any]]:
    """Give those of every store."""
    modules = pkgutil.walk_packages(resources.__path__, f"{resources.__name__}.")
    values = [
        value for found in modules for value in vars(importlib.import_module(found.name)).values()
    ]
    return list({id(value): value for value in values if isinstance(value, Records)}.values())
