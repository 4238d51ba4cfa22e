"""How the portal reaches the service: the interface of `portal.door`, answered by the nouns.

`service` makes one and hands it to the portal.
"""

import threading
import time
from datetime import datetime

import httpx
from sqlalchemy import Connection
from starlette.types import ASGIApp

from soundstage.client.calls import Client
from soundstage.kit.openid.claims import Claims
from soundstage.portal.door import Arrival, Check, Login, Visit
from soundstage.resources.identities import service as identities
from soundstage.resources.identities.model import Refusal
from soundstage.resources.logins import model
from soundstage.resources.logins import service as logins
from soundstage.resources.members import service as members
from soundstage.resources.members.model import Person
from soundstage.resources.operations import OPERATIONS
from soundstage.wire.faults import NotFoundError
from soundstage.wire.operation import Operation
from soundstage.wiring.examination import examine
from soundstage.wiring.inside import Inside
from soundstage.wiring.parts import Parts
from soundstage.wiring.sign_on import rules_of

_EXAMINE_SECONDS = 30.0
_ROWS = {row.name: row for row in OPERATIONS}


class PortalDoor:
    """See `portal.door`."""

    def __init__(self, service: Parts, api: ASGIApp) -> None:
        self._service = service
        self._api = api
        self._examining = threading.Lock()
        self._examined: tuple[float, list[Check]] | None = None
        self._limits = service.login_limits

    def now(self) -> datetime:
        """Tell the time."""
        return self._service.clock()

    def whose_link(self, link: str) -> str | None:
        """Name the person whom a link would sign in."""
        if not self._service.settings.sign_in_links:
            return None
        with self._service.database.transaction(write=False) as transaction:
            person = logins.holder_of_link(transaction, link, self.now())
        return None if person is None else _called(person)

    def sign_in(self, link: str, visit: Visit) -> str | None:
        """Use a link up."""
        if not self._service.settings.sign_in_links:
            return None
        with self._service.database.transaction() as transaction:
            return logins.sign_in(
                transaction,
                link,
                self.now(),
                browser=visit.browser,
                address=visit.address,
                limits=self._limits,
            )

    def arrive(self, claims: Claims, visit: Visit) -> Arrival:
        """Sign in whom the provider means."""
        now = self.now()
        with self._service.database.transaction() as transaction:
            rules = rules_of(self._service.settings)
            person = identities.arrive(transaction, claims, now, rules=rules)
            if isinstance(person, Refusal):
                return Arrival(refusal=person)
            secret = logins.begin(
                transaction,
                person,
                now,
                browser=visit.browser,
                address=visit.address,
                limits=self._limits,
                issuer=claims.issuer,
            )
        return Arrival(secret=secret)

    def find(self, secret: str, visit: Visit) -> Login | None:
        """Say who is signed in, and note the use."""
        now = self.now()
        with self._service.database.transaction(write=False) as transaction:
            found = logins.find(transaction, secret, now, limits=self._limits)
            if found is None:
                return None
            login, person = found
            administers = _administers(transaction, person)
        if not logins.is_use_noted(login, visit.address, now):
            with self._service.database.transaction(note=True) as transaction:
                logins.note_use(transaction, login, visit.address, now)
        return _shown(login, person, administers)

    def logins(self, login: Login, whose: str = "") -> list[Login]:
        """List where this person is signed in; for the operator, where anybody or one person is."""
        now, limits = self.now(), self._limits
        with self._service.database.transaction(write=False) as transaction:
            person = members.require_person(transaction, login.principal_id)
            if person.is_operator:
                found = logins.everybody_s(transaction, now, limits=limits)
                found = [each for each in found if whose in ("", each[1].id)]
            else:
                own = logins.of_person(transaction, person, now, limits=limits)
                found = [(each, person) for each in own]
            return [_shown(each, whose, _administers(transaction, whose)) for each, whose in found]

    def end(self, login: Login, login_id: str) -> bool:
        """End a login that `logins` lists."""
        with self._service.database.transaction() as transaction:
            actor = members.require_person(transaction, login.principal_id)
            try:
                logins.end(transaction, login_id, self.now(), actor=actor)
            except NotFoundError:
                return False
        return True

    def operation(self, name: str) -> Operation:
        """Give an operation's row."""
        return _ROWS[name]

    def examine(self) -> list[Check]:
        """Look at this machine, by one person at a time: it starts programs."""
        with self._examining:
            if self._examined is None or time.monotonic() - self._examined[0] > _EXAMINE_SECONDS:
                found = examine(self._service.settings, self._service.engine)
                checks = [Check(each.name, each.state, each.detail) for each in found]
                self._examined = time.monotonic(), checks
            return self._examined[1]

    def end_others(self, login: Login, whose: str) -> bool:
        """End all logins of somebody besides this one."""
        with self._service.database.transaction() as transaction:
            actor = members.require_person(transaction, login.principal_id)
            person = members.look_up(transaction, whose)
            if person is None or not (actor.is_operator or person.id == actor.id):
                return False
            logins.end_all(transaction, person, self.now(), actor=actor, besides=login.id)
        return True

    def client(self, login: Login) -> Client:
        """Make a client that calls the API as this person."""
        key_id, secret = self._service.login_keys.key_of(login.id)
        return Client(
            self._service.settings.address,
            access_key_id=key_id,
            secret_access_key=secret,
            region=self._service.settings.region,
            operations=OPERATIONS,
            http=httpx.Client(transport=Inside(self._api, login.address), trust_env=False),
            clock=self._service.clock,
        )


def _called(person: Person) -> str:
    return person.display_name or person.name


def _administers(transaction: Connection, person: Person) -> bool:
    return person.is_operator or members.administers_any(transaction, person.id)


def _shown(login: model.Login, person: Person, administers: bool) -> Login:
    return Login(
        id=login.id,
        principal_id=person.id,
        name=_called(person),
        is_operator=person.is_operator,
        is_administrator=administers,
        browser=login.browser,
        address=login.address,
        created_at=login.created_at,
        used_at=login.used_at,
        issuer=login.issuer,
    )
