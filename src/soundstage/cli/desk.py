"""What commands about people work with: the database, beside a running service or without one.

`user` and `identities` use it. Every change is noted in the journal as the operator's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from soundstage.kit.clock import system_clock
from soundstage.kit.config import Settings
from soundstage.kit.crypto import Seal
from soundstage.resources.members import service as members
from soundstage.wiring.home import opened


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """What a command works with, within one transaction."""

    transaction: Connection
    seal: Seal
    now: datetime
    actor: str


@contextmanager
def desk_of(settings: Settings) -> Iterator[Desk]:
    """Open the database for one command, which is one transaction."""
    with opened(settings) as (database, seal), database.transaction() as transaction:
        now = system_clock()
        operator = members.ensure_person(transaction, members.OPERATOR, now)
        yield Desk(transaction=transaction, seal=seal, now=now, actor=operator.id)
