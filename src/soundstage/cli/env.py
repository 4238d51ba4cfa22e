"""Shell exports, so that any stock SDK or command line talks to this service as one person."""

import shlex

from soundstage.kit.clock import system_clock
from soundstage.kit.config import ConfigError, Settings
from soundstage.resources.members import service as members
from soundstage.wiring import opened

_LONGEST_NAME = 64


def exports(settings: Settings, user: str | None) -> str:
    """Write the exports of the operator, or of a person, who is made known if need be."""
    key_id, secret = credentials(settings, user or members.OPERATOR)
    variables = {
        "AWS_ENDPOINT_URL_NIMBLE": settings.address,
        "AWS_ACCESS_KEY_ID": key_id,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_DEFAULT_REGION": settings.region,
    }
    return "".join(f"export {name}={shlex.quote(text)}\n" for name, text in variables.items())


def credentials(settings: Settings, user: str) -> tuple[str, str]:
    """Give somebody's access key: its id and its secret."""
    if not 1 <= len(user) <= _LONGEST_NAME or not user.isprintable():
        raise ConfigError(f"--user: a name has 1 to {_LONGEST_NAME} printable characters.")
    with opened(settings) as (database, seal), database.transaction() as transaction:
        now = system_clock()
        person = members.ensure_person(transaction, user, now)
        return members.ensure_access_key(transaction, person, seal, now)
