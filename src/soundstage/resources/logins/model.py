"""What a login and a sign-in link are, and how long they last."""

import hashlib
import secrets
from datetime import datetime, timedelta

import msgspec

LINK_LASTS = timedelta(minutes=10)
MOST_LINKS = 5
"""Unused links that somebody may have at a time; the oldest makes room."""
MOST_LOGINS = 20
"""Browsers that somebody may be signed in on; the one unused for longest makes room."""
NOTED_EVERY = timedelta(minutes=1)
"""How exactly the last use is known."""
LONGEST_BROWSER = 200
LONGEST_ADDRESS = 64


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How long a login is good; what the settings say holds for all that there are."""

    age: timedelta = timedelta(days=30)
    idle: timedelta = timedelta(days=7)
    """One that nobody uses for so long has ended."""


USUAL = Limits()
"""As the settings have them where nobody set others."""


class SignInLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link that signs somebody in once."""

    id: str
    """The hash of what stands in the link, which itself is nowhere kept."""
    principal_id: str
    created_at: datetime
    expires_at: datetime


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """One browser that somebody is signed in on."""

    id: str
    token_hash: str
    """The hash of what is in the browser's cookie."""
    principal_id: str
    browser: str
    """What the browser says that it is."""
    address: str
    """Where it was when it was last used."""
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    issuer: str | None = None
    """The OpenID Connect provider that it began at; None for a link."""


def new_token() -> str:
    """Make what only its holder knows: 256 bits."""
    return secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    """Turn a token into what is kept of it; it has so many bits that a plain hash tells nothing."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_over(login: Login, now: datetime, limits: Limits) -> bool:
    """Reports whether a login has ended by itself."""
    ends_at = min(login.expires_at, login.created_at + limits.age, login.used_at + limits.idle)
    return now >= ends_at
