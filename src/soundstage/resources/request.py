"""What a service function is told besides its operation's input.

The API door makes one a request through `wiring`; reconcilers do not use it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec
from sqlalchemy import Connection

from soundstage.engines.instance_types import INSTANCE_TYPES, InstanceType
from soundstage.engines.interface import (
    SupportsBrowsing,
    SupportsHosts,
    SupportsPictures,
    SupportsScriptOutput,
    SupportsSizes,
)
from soundstage.engines.shares import SharedFolder
from soundstage.kit.outbound import Outbound
from soundstage.kit.pages import Pages
from soundstage.resources.quotas import Quotas
from soundstage.wire.arn import Arn, ArnKind
from soundstage.wire.ticket import Tickets

SERVICE_PRINCIPAL = "soundstage"
"""Who did what the service does by itself."""


class CallerKind(StrEnum):
    """Who is calling; whether a user administers a studio is asked per studio."""

    OPERATOR = "OPERATOR"
    USER = "USER"


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """The principal behind a verified signature."""

    principal_id: str
    """The one string used for `ownedBy`, `createdBy` and `principalId`."""
    kind: CallerKind


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """What this installation is, and what its engine offers."""

    account_id: str
    region: str
    address: str
    """How browsers reach it, without a slash at the end."""
    supports_persistence: bool
    supports_backups: bool
    stream_expiration_seconds: int
    quotas: Quotas
    """Of studios that have none of their own."""
    shared_folders: list[SharedFolder] = []
    """Folders of this host that may be mounted in workstations."""
    instance_types: Mapping[str, InstanceType] = msgspec.field(
        default_factory=lambda: INSTANCE_TYPES
    )
    outbound: Outbound = msgspec.field(default_factory=Outbound)
    """Where webhooks may send to."""
    images: Mapping[str, str] = {}
    """What each `ec2ImageId` means to the engine."""

    def arn(self, kind: ArnKind, resource_id: str) -> str:
        """Name one of this installation's resources."""
        named = Arn(
            region=self.region, account_id=self.account_id, kind=kind, resource_id=resource_id
        )
        return str(named)


class SingleSignOn(Protocol):
    """The provider that people sign in by, as a studio's repair sees it."""

    @property
    def is_healthy(self) -> bool:
        """Reports whether it was looked at, and answered well the last time."""
        ...

    @property
    def trouble(self) -> str | None:
        """Say what went wrong when it was looked at last."""
        ...

    def look_again(self) -> str | None:
        """Ask it for everything anew, and say what went wrong. Blocks, for seconds at the most."""
        ...


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One call: the open transaction, who calls, when, and where."""

    transaction: Connection
    caller: Caller
    now: datetime
    installation: Installation
    pages: Pages
    tickets: Tickets
    browsing: SupportsBrowsing | None = None
    """The engine, if it can show what is in a backup."""
    pictures: SupportsPictures | None = None
    """The engine, if its desktops can be looked at from afar."""
    scripts: SupportsScriptOutput | None = None
    """The engine, if it keeps what initialization scripts said."""
    sizes: SupportsSizes | None = None
    """The engine, if it knows how large its place is."""
    hosts: SupportsHosts | None = None
    """The engine, if it knows which hosts its workstations are on."""
    host_names: Sequence[str] = ()
    """The hosts that it named when it was asked last, a minute ago at the most."""
    sign_on: SingleSignOn | None = None
    """The provider that people sign in by, if there is one."""
