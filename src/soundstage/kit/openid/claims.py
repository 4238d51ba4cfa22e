"""What a provider says of somebody who signed in; `flow` makes it once all of it is checked."""

import msgspec

LONGEST_SUBJECT = 255


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider says of somebody. Issuer and subject are who it is; the rest is words."""

    issuer: str
    subject: str
    user_name: str | None = None
    display_name: str | None = None
    email: str | None = None
    """Only one that the provider has verified."""
    groups: tuple[str, ...] = ()
