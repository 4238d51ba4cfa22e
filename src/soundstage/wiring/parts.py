"""What doors and housekeeping need of a running service; `service.Service` has it."""

from typing import Protocol

from soundstage.engines.interface import Engine
from soundstage.kit.clock import Clock
from soundstage.kit.config import Settings
from soundstage.kit.crypto import Seal
from soundstage.kit.database import Database
from soundstage.kit.openid.flow import SignOn
from soundstage.kit.pages import Pages
from soundstage.resources.logins.model import Limits
from soundstage.resources.request import Installation
from soundstage.wire.ticket import Tickets
from soundstage.wiring.loginkeys import LoginKeys


class Parts(Protocol):
    """One installation, opened."""

    settings: Settings
    clock: Clock
    database: Database
    engine: Engine
    seal: Seal
    installation: Installation
    tickets: Tickets
    pages: Pages
    login_keys: LoginKeys
    login_limits: Limits
    sign_on: SignOn | None
    host_names: list[str]
    """The hosts that the engine named when it was asked last."""

    def know_hosts(self) -> bool:
        """Ask it for their names; reports whether they are others than before."""
        ...
