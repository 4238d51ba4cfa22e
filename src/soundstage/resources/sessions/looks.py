"""What people would see change of their sessions and backups, for many of them at once.

Whoever keeps pages up to date compares: the looks of two moments are equal when nothing changed.
"""

import hashlib
from collections.abc import Collection

from sqlalchemy import Connection

from soundstage.resources.backups import service as backups
from soundstage.resources.sessions import store


def looks_of(transaction: Connection, owners: Collection[str]) -> dict[str, str]:
    """Give a short text for each of these people."""
    sessions = store.looks_of(transaction, owners)
    kept = backups.looks_of(transaction, owners)
    return {owner: _short(sessions.get(owner, []) + kept.get(owner, [])) for owner in owners}


def _short(looks: list[str]) -> str:
    return hashlib.sha256("\n".join(looks).encode()).hexdigest()[:16]
