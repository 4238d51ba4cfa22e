"""Amazon Resource Names of the studio's things: `arn:aws:nimble:<region>:<account>:<kind>/<id>`.

The services build them into answers; the tag operations take them apart. A studio's ARN leaves out
the region that its id begins with: id `us-west-2:stid-abc`, ARN `…:studio/stid-abc`.
"""

import re
from enum import StrEnum

import msgspec


class ArnKind(StrEnum):
    """What an ARN can name."""

    STUDIO = "studio"
    LAUNCH_PROFILE = "launch-profile"
    STREAMING_IMAGE = "streaming-image"
    STUDIO_COMPONENT = "studio-component"
    STREAMING_SESSION = "streaming-session"
    STREAMING_SESSION_BACKUP = "streaming-session-backup"
    EULA = "eula"
    EULA_ACCEPTANCE = "eula-acceptance"


ANY_ROLE = "arn:aws:iam::000000000000:role/soundstage"
"""Stands where the API asks for a role of AWS; nothing here acts by one."""

_FORM = re.compile(
    r"arn:aws:nimble:(?P<region>[a-z0-9-]{1,32}):(?P<account>[0-9]{12}):"
    r"(?P<kind>[a-z-]+)/(?P<tail>[A-Za-z0-9_-]{1,64})\Z"
)


class BadArnError(ValueError):
    """The text is not an ARN of this service."""


class Arn(msgspec.Struct, frozen=True, kw_only=True):
    """A resource's name in the world; `str()` writes it."""

    region: str
    account_id: str
    kind: ArnKind
    resource_id: str
    """As the API gives it, a studio's with its region."""

    def __str__(self) -> str:
        tail = self.resource_id.rpartition(":")[2]
        return f"arn:aws:nimble:{self.region}:{self.account_id}:{self.kind}/{tail}"


def build(region: str, account_id: str, kind: str, resource_id: str) -> str:
    """Write an ARN. Raises ValueError for a kind that ARNs don't name."""
    arn = Arn(region=region, account_id=account_id, kind=ArnKind(kind), resource_id=resource_id)
    return str(arn)


def parse(text: str) -> Arn:
    """Take an ARN apart; the exact reverse of `str()`. Raises BadArnError."""
    match = _FORM.match(text)
    if match is None or match["kind"] not in list(ArnKind):
        raise BadArnError("It is not an ARN of this service.")
    kind = ArnKind(match["kind"])
    tail = match["tail"]
    return Arn(
        region=match["region"],
        account_id=match["account"],
        kind=kind,
        resource_id=f"{match['region']}:{tail}" if kind is ArnKind.STUDIO else tail,
    )
