"""Who somebody is at a provider: its issuer and the subject there, and never an e-mail address."""

import hashlib
from datetime import datetime
from enum import StrEnum

import msgspec

from soundstage.kit.openid.claims import LONGEST_SUBJECT
from soundstage.wire.faults import ValidationError

LONGEST_ISSUER = 512
IDENTITY_STORE_ID = "d-openid"
"""The directory of administrators whom a group at the provider makes such; only a group that is
lost takes them away, and never those whom somebody made administrators here.
"""
EVERY_STUDIO = "*"


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """A subject at a provider, and who that is here."""

    id: str
    """Made of the issuer and the subject, so that there can't be two."""
    issuer: str
    subject: str
    principal_id: str
    created_at: datetime
    used_at: datetime | None = None
    """When it signed in last."""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings say of those who sign in by a provider."""

    makes_people: bool = False
    """Reports whether somebody who is not known here is made known by signing in."""
    administrators: dict[str, tuple[str, ...]] = {}
    """The names of the studios that a group's people administer, or `*` for every one."""


class Refusal(StrEnum):
    """Why somebody whom the provider knows does not come in."""

    UNKNOWN = "unknown"
    """Nobody here is linked with that subject."""
    NAME_TAKEN = "name_taken"
    """They would be made known, but somebody else has their name, or it can be nobody's."""
    SHUT_OUT = "shut_out"
    """They, or all their keys, are disabled."""


def id_of(issuer: str, subject: str) -> str:
    """Make an identity's id. No issuer has a line break in it."""
    return hashlib.sha256(f"{issuer}\n{subject}".encode()).hexdigest()


def check(issuer: str, subject: str) -> None:
    """Raise ValidationError for what no provider says."""
    for member, text, longest in (
        ("subject", subject, LONGEST_SUBJECT),
        ("issuer", issuer, LONGEST_ISSUER),
    ):
        if not 1 <= len(text) <= longest or not (text.isascii() and text.isprintable()):
            raise ValidationError(f"{member}: it has 1 to {longest} printable ASCII characters.")


def studios_for(rules: Rules, groups: tuple[str, ...]) -> set[str]:
    """Name the studios that somebody with these groups administers; `*` stands for all."""
    return {studio for group in groups for studio in rules.administrators.get(group, ())}
