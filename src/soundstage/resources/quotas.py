"""How much of each thing a studio may have, who may change that, and the refusal of more.

Services that make something call `require` last of all their checks, with what they counted. They
count in the transaction that makes it, after `studios.service.find_usable`, which lets one request
at a time make something in a studio: so no quota is overshot, however many ask at once.

The settings say how much every studio may have. A studio keeps of its own only what is another
number (docs/adr/0040): `studios.service` stores it and gives both put together.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from soundstage.kit.settings.amounts import Amount
from soundstage.wire.codes import Code
from soundstage.wire.faults import QuotaExceededError, ValidationError
from soundstage.wire.shapes import Shape


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
"""How many of each a studio may have."""


class StudioQuotas(Shape, frozen=True, kw_only=True):
    """How many of each a studio may have; what is left out is not said."""

    sessions_per_user: Amount | None = None
    sessions: Amount | None = None
    launch_profiles: Amount | None = None
    custom_images: Amount | None = None
    shared_file_systems: Amount | None = None
    active_directories: Amount | None = None
    components: Amount | None = None
    webhooks: Amount | None = None


MEMBERS = {
    Quota[field.name.upper()]: field.encode_name for field in msgspec.structs.fields(StudioQuotas)
}
"""How each is called on the wire."""


def together(installation: Quotas, own: StudioQuotas | None) -> Quotas:
    """Give a studio's quotas: its own where it has one, else the installation's."""
    return {**installation, **_said(own)}


def shown(quotas: Quotas) -> StudioQuotas:
    """Write quotas as the wire has them."""
    return StudioQuotas(**{quota.name.lower(): value for quota, value in quotas.items()})


def changed(
    installation: Quotas, own: StudioQuotas | None, wanted: StudioQuotas, *, is_operator: bool
) -> StudioQuotas | None:
    """Give what a studio has of its own after a change; None where that is nothing.

    The number of the installation makes it follow the installation again. Others than the operator
    go no higher than that, or than where it stands already: raises ValidationError.
    """
    present = together(installation, own)
    for quota, value in _said(wanted).items():
        most = max(installation[quota], present[quota])
        if value > most and not is_operator:
            raise ValidationError(
                f"{MEMBERS[quota]}: {value} is more than the {most} that administrators may give; "
                "only the operator of this installation gives more.",
                code=Code.QUOTA_ABOVE,
                context={"member": MEMBERS[quota], "value": str(value), "limit": str(most)},
            )
    kept = {
        quota: value
        for quota, value in together(present, wanted).items()
        if value != installation[quota]
    }
    return shown(kept) if kept else None


def require(
    quotas: Quotas, quota: Quota, *, used: int, studio_id: str, user: str | None = None
) -> None:
    """Raise QuotaExceededError unless one more fits; `user` where the quota is a person's."""
    value = quotas[quota]
    if used < value:
        return
    whose = f" by {user}" if user is not None else ""
    raise QuotaExceededError(
        f"The quota for {quota} of the studio {studio_id} is {value}; in use{whose}: {used}. "
        f"UpdateStudioQuotas raises it ({MEMBERS[quota]}), or the portal under Capacity.",
        code=Code.QUOTA,
        context={
            "resourceId": studio_id,
            "quota": quota.value,
            "quotaName": MEMBERS[quota],
            "value": str(value),
            "used": str(used),
            **({"principalId": user} if user is not None else {}),
        },
    )


def _said(own: StudioQuotas | None) -> dict[Quota, int]:
    said = {quota: getattr(own, quota.name.lower(), None) for quota in Quota}
    return {quota: value for quota, value in said.items() if value is not None}
