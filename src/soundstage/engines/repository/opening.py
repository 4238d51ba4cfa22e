"""Opens the backups of an installation, wherever they are kept; each engine does so once."""

from pathlib import Path

from soundstage.engines.repository.backups import Repository
from soundstage.engines.repository.stores import store_of


def open_repository(home: Path, where: str, credentials: Path | None) -> Repository:
    """The one in `where`, or in the home folder where that is empty. Raises ConfigError."""
    default = home / "backups"
    store = store_of(where, credentials, default=default)
    is_default = store.folder == default
    beside = home / ("backups.state" if is_default else f"backups-{store.name}.state")
    return Repository(store, home / "keys" / "backups", beside)
