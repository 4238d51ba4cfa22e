"""How long logins are good; the service asks, and so does `soundstage user`.

It stands apart from `choices`, which knows all parts of the service: a command about people would
wait for their imports longer than for all else that it does.
"""

from datetime import timedelta

from soundstage.kit.config import Settings
from soundstage.resources.logins.model import Limits


def login_limits_of(settings: Settings) -> Limits:
    """Say how long logins are good."""
    return Limits(
        age=timedelta(days=settings.sign_in_days),
        idle=timedelta(hours=settings.sign_in_idle_hours),
    )
