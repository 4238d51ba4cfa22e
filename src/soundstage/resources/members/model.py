"""Who the people are, the keys that they sign with, and who administers a studio."""

import unicodedata
from datetime import datetime
from enum import StrEnum

import msgspec

from soundstage.kit import ids
from soundstage.wire.faults import ValidationError

OPERATOR = "operator"
"""The name of the account's operator, which nobody else may have."""
IDENTITY_STORE_ID = "d-soundstage"
"""One installation has one directory of people."""
MOST_ACCESS_KEYS = 2
"""How many keys a person may have, disabled ones included: one to use, one to change to. As IAM."""
LONGEST_NAME = 64
LONGEST_DISPLAY_NAME = 256
LONGEST_EMAIL = 254


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
    is_active: bool = True
    """Reports whether the person may call and watch desktops at all, whatever their keys are."""
    display_name: str | None = None
    email: str | None = None


class Newcomer(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """What is told of somebody who is to be known here; nothing is taken back by leaving it out."""

    name: str
    display_name: str | None = None
    email: str | None = None
    principal_id: str | None = None
    """The id that another identity store gave them, so that what was written with it stays true."""
    administrator_of: str | None = None
    """The studio, by its id."""


class Enrolment(StrEnum):
    """What it came to."""

    CREATED = "CREATED"
    CHANGED = "CHANGED"
    UNCHANGED = "UNCHANGED"


class AccessKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that requests are signed with. The secret half is kept sealed."""

    id: str
    """The public half, `AKIA…`."""
    principal_id: str
    sealed_secret: str
    is_active: bool
    created_at: datetime


def checked_name(name: str) -> str:
    """Give a name in the one form that is compared. Raises ValidationError.

    Accented letters have two spellings that look the same; two people must not.
    """
    name = unicodedata.normalize("NFC", name)
    is_plain = name.isprintable() and name == name.strip() and not name.startswith("-")
    if not 1 <= len(name) <= LONGEST_NAME or not is_plain:
        raise ValidationError(
            f"name: a name has 1 to {LONGEST_NAME} printable characters, does not begin with a "
            "hyphen, and has no space at its ends."
        )
    return name


def checked(newcomer: Newcomer) -> Newcomer:
    """Check everything that can be checked without looking. Raises ValidationError."""
    name = checked_name(newcomer.name)
    if name == OPERATOR:
        raise ValidationError(f"name: {OPERATOR} is the account's own, who is known already.")
    _check_text("displayName", newcomer.display_name, LONGEST_DISPLAY_NAME)
    _check_text("email", newcomer.email, LONGEST_EMAIL)
    if newcomer.email is not None and not all(newcomer.email.rpartition("@")):
        raise ValidationError("email: it has something on both sides of an @.")
    if newcomer.principal_id is not None and not ids.is_user_id(newcomer.principal_id):
        raise ValidationError(
            "principalId: it is a UUID, or ten hex digits, a hyphen and a UUID, such as "
            "92677b4b19-e9fd012a-94ad-4f16-9866-c69a63ab6486."
        )
    return msgspec.structs.replace(newcomer, name=name)


def _check_text(member: str, text: str | None, longest: int) -> None:
    if text is not None and not (1 <= len(text) <= longest and text.isprintable()):
        raise ValidationError(f"{member}: it has 1 to {longest} printable characters.")
