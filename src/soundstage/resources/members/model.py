"""Who the people are, the keys that they sign with, and who administers a studio."""

from datetime import datetime
from enum import StrEnum

import msgspec


class StudioPersona(StrEnum):
    """The one role of a studio's members."""

    ADMINISTRATOR = "ADMINISTRATOR"


class StudioMembership(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's place among a studio's members."""

    principal_id: str
    identity_store_id: str
    persona: StudioPersona


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may call, or the account's operator."""

    id: str
    """The principal's id: one string everywhere."""
    name: str
    """What the person is called on the command line; unique, for people only."""
    is_operator: bool
    created_at: datetime


class AccessKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that requests are signed with. The secret half is kept sealed."""

    id: str
    """The public half, `AKIA…`."""
    principal_id: str
    sealed_secret: str
    is_active: bool
    created_at: datetime
