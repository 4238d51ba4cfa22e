"""What the portal needs from the rest of the service; `wiring` implements it.

The portal knows people only as logins, and everything else by the API, which it calls as the person
who is signed in. All methods may block.
"""

from datetime import datetime
from typing import Protocol

import msgspec

from soundstage.client.calls import Client
from soundstage.kit.addresses import PublicAddress
from soundstage.kit.openid.claims import Claims
from soundstage.wire.operation import Operation


class PortalSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the portal must be told, and every bound of it."""

    address: PublicAddress
    """It alone decides the cookie, the links and the Origin that is ours."""
    form_key: bytes
    """Signs the tokens in forms; the installation's own, so that they outlive a restart."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks whose X-Forwarded-For is believed."""
    login_seconds: int = 30 * 24 * 3600
    """How long a login may last."""
    idle_hours: int = 168
    """After how long without use one has ended, as people are told."""
    offers_links: bool = True
    """Reports whether a link signs anybody in."""
    provider_name: str = ""
    """What people call the provider that they sign in by; empty for none."""
    sign_ins_per_minute: int = 30
    """How often the sign-in pages may be asked for from one address; 0 for no limit."""
    keep_backups_days: int = 7
    """How long the backups of a deleted workstation are kept, as people are told."""
    open_seconds: float = 10.0
    """How long opening a workstation waits for its stream."""
    strangers_form_bytes: int = 16 * 1024
    """The largest form of who is not signed in."""
    form_bytes: int = 64 * 1024
    """The largest form: two scripts, each letter of which may take three."""


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """Which browser asks, and from where."""

    browser: str
    address: str


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is signed in, on one browser."""

    id: str
    principal_id: str
    name: str
    """As people call them."""
    is_operator: bool
    is_administrator: bool
    """Of any studio; the operator is one everywhere."""
    browser: str
    address: str
    created_at: datetime
    used_at: datetime
    issuer: str | None = None
    """The provider that it began at; None for a link."""


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """What became of somebody whom the provider knows."""

    secret: str = ""
    """For the browser's cookie."""
    refusal: str = ""
    """Why there is none: `unknown`, `name_taken` or `shut_out`."""


class Check(msgspec.Struct, frozen=True):
    """One look at this machine, and what it found."""

    name: str
    state: str
    """ok, warning or fault."""
    detail: str
    """What was found; of a fault, also what to do."""


class Door(Protocol):
    """How the portal reaches the service."""

    def now(self) -> datetime:
        """Tell the time."""
        ...

    def whose_link(self, link: str) -> str | None:
        """Name the person whom a link would sign in, and leave it unused; None for no good one."""
        ...

    def sign_in(self, link: str, visit: Visit) -> str | None:
        """Use a link up and give the secret for the browser's cookie; None for no good one."""
        ...

    def arrive(self, claims: Claims, visit: Visit) -> Arrival:
        """Sign in whom the provider means, if that is somebody here."""
        ...

    def find(self, secret: str, visit: Visit) -> Login | None:
        """Say who is signed in, and note the use; None when the login has ended."""
        ...

    def logins(self, login: Login, whose: str = "") -> list[Login]:
        """List where this person is signed in; for the operator, where anybody or one person is."""
        ...

    def end(self, login: Login, login_id: str) -> bool:
        """End a login that `logins` lists; reports whether there was one."""
        ...

    def operation(self, name: str) -> Operation:
        """Give an operation's row: its shapes say what may be sent, its permission by whom."""
        ...

    def examine(self) -> list[Check]:
        """Look whether this machine is well; some seconds old at the most. For the operator."""
        ...

    def end_others(self, login: Login, whose: str) -> bool:
        """End all logins of this person besides this one, or for the operator anybody's; reports
        whether there is such a person.
        """
        ...

    def client(self, login: Login) -> Client:
        """Make a client that calls the API as this person, while the login lasts."""
        ...
