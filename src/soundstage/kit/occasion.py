"""On what occasion a transaction writes: the request that it answers, if it answers one.

`api.trail` says it once, `kit.journal` notes it with every event of the transaction, so that no
service has to hand it through. `kit.database` takes care that the next transaction begins without.
"""

import msgspec
from sqlalchemy import Connection

_KEY = "soundstage.occasion"
_NOTED = "soundstage.noted"


class Occasion(msgspec.Struct, frozen=True, kw_only=True):
    """Who asked for what, from where."""

    operation: str | None = None
    """The API's name of what was asked for."""
    request_id: str | None = None
    source_address: str | None = None
    members: tuple[str, ...] = ()
    """What the request gave, by name: values may be secrets."""


NOBODY_S = Occasion()
"""What the service does by itself."""


def begin(transaction: Connection, occasion: Occasion) -> None:
    """Say on what occasion this transaction writes."""
    transaction.info[_KEY] = occasion


def of(transaction: Connection) -> Occasion:
    """On what occasion this transaction writes."""
    found: Occasion = transaction.info.get(_KEY, NOBODY_S)
    return found


def note(transaction: Connection) -> None:
    """Remember that an event was noted; for `kit.journal`."""
    transaction.info[_NOTED] = True


def is_noted(transaction: Connection) -> bool:
    """Reports whether this transaction noted an event so far."""
    return _NOTED in transaction.info


def end(transaction: Connection) -> None:
    """Forget it; connections are used again."""
    transaction.info.pop(_KEY, None)
    transaction.info.pop(_NOTED, None)
