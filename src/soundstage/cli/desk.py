"""What commands about people work with: the database, beside a running service or without one.

`user` and `identities` use it. Every change is noted in the journal as the operator's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from soundstage.client import profiles
from soundstage.kit import environment
from soundstage.kit.clock import system_clock
from soundstage.kit.config import ConfigError, Settings
from soundstage.kit.crypto import Seal
from soundstage.resources.members import service as members
from soundstage.wiring.home import is_founded, opened


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """What a command works with, within one transaction."""

    transaction: Connection
    seal: Seal
    now: datetime
    actor: str


@contextmanager
def desk_of(settings: Settings) -> Iterator[Desk]:
    """Open the database for one command, which is one transaction.

    Raises ConfigError where the person works with a studio elsewhere and there is none here.
    """
    _expect_a_studio_here(settings)
    with opened(settings) as (database, seal), database.transaction() as transaction:
        now = system_clock()
        operator = members.ensure_person(transaction, members.OPERATOR, now)
        yield Desk(transaction=transaction, seal=seal, now=now, actor=operator.id)


def _expect_a_studio_here(settings: Settings) -> None:
    """A person who is made known in an empty home is known to nobody."""
    elsewhere = profiles.read(environment.profiles_file()).default
    if elsewhere and not is_founded(settings):
        raise ConfigError(
            f"There is no studio in {settings.home}, and people of {elsewhere} are made known on "
            "the machine where its service runs."
        )
