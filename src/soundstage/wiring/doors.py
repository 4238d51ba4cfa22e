"""How the API reaches the service: the interfaces of `api.door`, answered by the nouns."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from sqlalchemy import Connection

from soundstage.api.door import Begin
from soundstage.engines.interface import (
    SupportsBrowsing,
    SupportsHosts,
    SupportsPictures,
    SupportsScriptOutput,
    SupportsSizes,
)
from soundstage.resources.backups import service as backups
from soundstage.resources.launch_profiles import service as launch_profiles
from soundstage.resources.logins import service as logins
from soundstage.resources.members import service as members
from soundstage.resources.members.model import Person
from soundstage.resources.request import Caller, CallerKind, Request
from soundstage.resources.sessions import service as sessions
from soundstage.resources.studios import service as studios
from soundstage.wire.faults import NotFoundError
from soundstage.wiring.parts import Parts

_KEY_REMEMBERED_FOR = timedelta(seconds=3)
"""How long a key that was switched off may still sign."""
_MOST_KNOWN = 10_000
"""Beyond so many, all are forgotten: logins come and go, each with a key of its own."""


class ApiDoor:
    """How the API reaches this service; see `api.door`."""

    def __init__(self, service: Parts) -> None:
        self._service = service
        self._known: dict[str, tuple[datetime, tuple[str, Caller]]] = {}
        engine = service.engine
        # Once, because it takes longer than to look a row up.
        self._browsing = engine if isinstance(engine, SupportsBrowsing) else None
        self._pictures = engine if isinstance(engine, SupportsPictures) else None
        self._scripts = engine if isinstance(engine, SupportsScriptOutput) else None
        self._sizes = engine if isinstance(engine, SupportsSizes) else None
        self._hosts = engine if isinstance(engine, SupportsHosts) else None

    @property
    def reads_at_once(self) -> bool:
        """Reports whether reading waits for nothing."""
        return self._service.database.reads_at_once

    def now(self) -> datetime:
        """Tell the time."""
        return self._service.clock()

    def secret_of(self, access_key_id: str) -> tuple[str, Caller] | None:
        """Find an active access key's secret and whose it is.

        Opening a sealed secret costs more than the rest of a small request, so what was found is
        remembered for a moment; what was not found is not.
        """
        now = self._service.clock()
        known = self._known.get(access_key_id)
        if known is not None and abs(now - known[0]) < _KEY_REMEMBERED_FOR:
            return known[1]
        found = self._holder_of(access_key_id, now)
        if found is None:
            return None
        person, secret = found
        kind = CallerKind.OPERATOR if person.is_operator else CallerKind.USER
        holder = secret, Caller(principal_id=person.id, kind=kind)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[access_key_id] = now, holder
        return holder

    def _holder_of(self, access_key_id: str, now: datetime) -> tuple[Person, str] | None:
        """Say who holds a key, be it a person's or that of a login."""
        login_id = self._service.login_keys.login_of(access_key_id)
        with self._service.database.transaction(write=False) as transaction:
            if login_id is None:
                return members.holder_of(transaction, access_key_id, self._service.seal)
            limits = self._service.login_limits
            person = logins.holder_of(transaction, login_id, now, limits=limits)
        return None if person is None else (person, self._service.login_keys.key_of(login_id)[1])

    def transaction(self, *, write: bool) -> AbstractContextManager[Connection]:
        """Open a transaction."""
        return self._service.database.transaction(write=write)

    def together(self) -> AbstractContextManager[Begin]:
        """Let several transactions share a commit."""
        return self._service.database.together()

    def request(
        self, transaction: Connection, caller: Caller, now: datetime, *, asks_engine: bool
    ) -> Request:
        """Put together what a handler is given."""
        sign_on = self._service.sign_on
        return Request(
            transaction=transaction,
            caller=caller,
            now=now,
            installation=self._service.installation,
            pages=self._service.pages,
            tickets=self._service.tickets,
            browsing=self._browsing if asks_engine else None,
            pictures=self._pictures if asks_engine else None,
            scripts=self._scripts if asks_engine else None,
            sizes=self._sizes if asks_engine else None,
            hosts=self._hosts if asks_engine else None,
            host_names=self._service.host_names,
            sign_on=None if sign_on is None else sign_on.provider,
        )

    def know_hosts(self) -> bool:
        """Ask the engine which hosts there are; reports whether it names others than before."""
        return self._service.know_hosts()

    def facts(self, transaction: Connection) -> "ApiFacts":
        """Answer permission questions within this transaction."""
        return ApiFacts(transaction)


class ApiFacts:
    """Permission questions, answered by the nouns; see `api.door`."""

    def __init__(self, transaction: Connection) -> None:
        self._transaction = transaction

    def is_administrator(self, studio_id: str, principal_id: str) -> bool:
        """Reports whether the person administers this studio."""
        return members.is_administrator(self._transaction, studio_id, principal_id)

    def administers_any(self, principal_id: str) -> bool:
        """Reports whether the person administers a studio, whichever it is."""
        return members.administers_any(self._transaction, principal_id)

    def owner_of_session(self, studio_id: str, session_id: str) -> str | None:
        """Name a session's owner."""
        session = sessions.look_up(self._transaction, session_id)
        is_there = session is not None and session.studio_id == studio_id
        return session.owned_by if session is not None and is_there else None

    def owner_of_backup(self, studio_id: str, backup_id: str) -> str | None:
        """Name a backup's owner."""
        try:
            return backups.find(self._transaction, studio_id, backup_id).owned_by
        except NotFoundError:
            return None

    def is_member(self, studio_id: str, launch_profile_id: str, principal_id: str) -> bool:
        """Reports whether the person is a member of the studio's profile."""
        try:
            launch_profiles.find(self._transaction, studio_id, launch_profile_id)
        except NotFoundError:
            return False
        return launch_profiles.is_member(self._transaction, launch_profile_id, principal_id)

    def require_existing(self, labels: Mapping[str, str]) -> None:
        """Raise NotFoundError when the studio or session that the path names does not exist."""
        if "studioId" in labels:
            studios.find(self._transaction, labels["studioId"])
            if "sessionId" in labels:
                sessions.find(self._transaction, labels["studioId"], labels["sessionId"])
