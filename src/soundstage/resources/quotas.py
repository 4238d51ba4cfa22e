"""How much of each thing a studio may have, and the refusal of more.

Services that make something call `require` last of all their checks, with what they counted. They
count in the transaction that makes it, after `studios.service.find_usable`, which lets one request
at a time make something in a studio: so no quota is overshot, however many ask at once.
"""

from collections.abc import Mapping
from enum import StrEnum

from soundstage.wire.faults import QuotaExceededError


class Quota(StrEnum):
    """What is counted, in the words of messages; each has the setting `quota_<name>`."""

    SESSIONS_PER_USER = "streaming sessions per user"
    SESSIONS = "streaming sessions"
    LAUNCH_PROFILES = "launch profiles"
    CUSTOM_IMAGES = "custom streaming images"
    SHARED_FILE_SYSTEMS = "shared file system components"
    ACTIVE_DIRECTORIES = "Active Directory components"
    COMPONENTS = "studio components"
    WEBHOOKS = "webhooks"


Quotas = Mapping[Quota, int]
"""How many of each a studio may have; `wiring` makes it from the settings."""


def require(
    quotas: Quotas, quota: Quota, *, used: int, studio_id: str, user: str | None = None
) -> None:
    """Raise QuotaExceededError unless one more fits; `user` where the quota is a person's."""
    value = quotas[quota]
    if used < value:
        return
    whose = f" by {user}" if user is not None else ""
    raise QuotaExceededError(
        f"The quota for {quota} of the studio {studio_id} is {value}; in use{whose}: {used}.",
        context={
            "resourceId": studio_id,
            "quota": quota.value,
            "value": str(value),
            "used": str(used),
            **({"principalId": user} if user is not None else {}),
        },
    )
