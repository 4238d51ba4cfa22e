"""Who is signed in where; called by the portal's door in `wiring`, by the API's for the keys of
logins, and by the command line.

A login is good while its person is: whoever is disabled, or has had all access keys switched off,
is signed out by that, and signed in again when it is undone.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from soundstage.kit import ids, journal
from soundstage.resources.logins import model, store
from soundstage.resources.logins.model import (
    LINK_LASTS,
    LONGEST_ADDRESS,
    LONGEST_BROWSER,
    MOST_LINKS,
    MOST_LOGINS,
    NOTED_EVERY,
    USUAL,
    Limits,
    Login,
    SignInLink,
)
from soundstage.resources.members import service as members
from soundstage.resources.members.model import Person
from soundstage.wire.faults import ConflictError, NotFoundError


def make_link(transaction: Connection, person: Person, now: datetime, *, actor: str) -> str:
    """Make what signs somebody in once, within ten minutes. Raises ConflictError when shut out."""
    if not members.is_let_in(transaction, person):
        whose = f"{person.name} is" if not person.is_active else f"The keys of {person.name} are"
        raise ConflictError(f"{whose} disabled.")
    for old in store.links_of(transaction, person.id)[: -(MOST_LINKS - 1)]:
        store.take_link(transaction, old.id)
    token = model.new_token()
    link = SignInLink(
        id=model.hash_of(token),
        principal_id=person.id,
        created_at=now,
        expires_at=now + LINK_LASTS,
    )
    store.links.insert(transaction, link)
    _note(transaction, person, "LINKED", now=now, actor=actor)
    return token


def holder_of_link(transaction: Connection, token: str, now: datetime) -> Person | None:
    """Say whom a link would sign in, and leave it unused; None for one that is no good."""
    link = store.links.get(transaction, model.hash_of(token))
    if link is None or now >= link.expires_at:
        return None
    return _let_in(transaction, link.principal_id)


def sign_in(
    transaction: Connection,
    token: str,
    now: datetime,
    *,
    browser: str,
    address: str,
    limits: Limits = USUAL,
) -> str | None:
    """Use a link up and give what belongs into the browser's cookie; None for a bad link."""
    person = holder_of_link(transaction, token, now)
    if not store.take_link(transaction, model.hash_of(token)) or person is None:
        return None
    return begin(transaction, person, now, browser=browser, address=address, limits=limits)


def begin(
    transaction: Connection,
    person: Person,
    now: datetime,
    *,
    browser: str,
    address: str,
    limits: Limits = USUAL,
    issuer: str | None = None,
) -> str:
    """Sign in somebody who has shown who they are, and give what belongs into the cookie."""
    kept = sorted(store.logins_of(transaction, person.id), key=lambda login: login.used_at)
    for old in kept[: max(0, len(kept) - MOST_LOGINS + 1)]:
        store.end(transaction, old.id)
    secret = model.new_token()
    login = Login(
        id=ids.new_id(),
        token_hash=model.hash_of(secret),
        principal_id=person.id,
        browser=browser[:LONGEST_BROWSER],
        address=address[:LONGEST_ADDRESS],
        created_at=now,
        used_at=now,
        expires_at=now + limits.age,
        issuer=issuer,
    )
    store.logins.insert(transaction, login)
    _note(
        transaction,
        person,
        "CREATED",
        now=now,
        actor=person.id,
        login_id=login.id,
        address=login.address,
    )
    return secret


def find(
    transaction: Connection, secret: str, now: datetime, *, limits: Limits = USUAL
) -> tuple[Login, Person] | None:
    """Say which login a cookie stands for, and whose it is; None when it has ended."""
    login = store.login_of_token(transaction, model.hash_of(secret))
    return _living(transaction, login, now, limits)


def holder_of(
    transaction: Connection, login_id: str, now: datetime, *, limits: Limits = USUAL
) -> Person | None:
    """Say whose login this is; None when it has ended."""
    found = _living(transaction, store.logins.get(transaction, login_id), now, limits)
    return None if found is None else found[1]


def is_use_noted(login: Login, address: str, now: datetime) -> bool:
    """Reports whether what is known of a login's last use is good enough."""
    return login.address == address[:LONGEST_ADDRESS] and now - login.used_at < NOTED_EVERY


def note_use(transaction: Connection, login: Login, address: str, now: datetime) -> None:
    """Remember when and from where a login was used."""
    changes = {"used_at": now, "address": address[:LONGEST_ADDRESS]}
    store.logins.update(transaction, login.id, changes)


def of_person(
    transaction: Connection, person: Person, now: datetime, *, limits: Limits = USUAL
) -> list[Login]:
    """List where somebody is signed in, the one last used first."""
    return _sorted(store.logins_of(transaction, person.id), now, limits)


def everybody_s(
    transaction: Connection, now: datetime, *, limits: Limits = USUAL
) -> list[tuple[Login, Person]]:
    """List where anybody is signed in, the one last used first."""
    people = {person.id: person for person, _ in members.everybody(transaction)}
    living = _sorted(store.logins.find(transaction), now, limits)
    return [(login, people[login.principal_id]) for login in living]


def living(
    transaction: Connection,
    login_ids: Iterable[str],
    now: datetime,
    *,
    limits: Limits = USUAL,
) -> set[str]:
    """Say which of these have not ended."""
    found = store.logins_named(transaction, login_ids)
    return {login.id for login in found if _living(transaction, login, now, limits) is not None}


def end(transaction: Connection, login_id: str, now: datetime, *, actor: Person) -> None:
    """Sign a browser out: one's own, or for the operator anybody's. Raises NotFoundError."""
    login = store.logins.get(transaction, login_id)
    # That others are signed in is nobody's business, so a foreign login is none.
    if login is None or not (actor.is_operator or login.principal_id == actor.id):
        raise NotFoundError("login", login_id)
    store.end(transaction, login.id)
    person = members.require_person(transaction, login.principal_id)
    _note(transaction, person, "ENDED", now=now, actor=actor.id, login_id=login.id)


def end_all(
    transaction: Connection,
    person: Person,
    now: datetime,
    *,
    actor: Person,
    besides: str | None = None,
) -> int:
    """Sign somebody out on every browser, or on all besides one, and say how many those were."""
    ended = [each for each in store.logins_of(transaction, person.id) if each.id != besides]
    for login in ended:
        end(transaction, login.id, now, actor=actor)
    return len(ended)


def purge(transaction: Connection, now: datetime, *, limits: Limits = USUAL) -> None:
    """Forget what has ended by itself."""
    store.purge(transaction, now, limits)


def _living(
    transaction: Connection, login: Login | None, now: datetime, limits: Limits
) -> tuple[Login, Person] | None:
    if login is None or model.is_over(login, now, limits):
        return None
    person = _let_in(transaction, login.principal_id)
    return None if person is None else (login, person)


def _let_in(transaction: Connection, principal_id: str) -> Person | None:
    person = members.look_up(transaction, principal_id)
    return person if person is not None and members.is_let_in(transaction, person) else None


def _sorted(logins: Iterable[Login], now: datetime, limits: Limits) -> list[Login]:
    ongoing = [login for login in logins if not model.is_over(login, now, limits)]
    return sorted(ongoing, key=lambda login: login.used_at, reverse=True)


def _note(
    transaction: Connection,
    person: Person,
    event: str,
    *,
    now: datetime,
    actor: str,
    login_id: str | None = None,
    address: str | None = None,
) -> None:
    journal.append(
        transaction,
        at=now,
        kind=f"logins.{event}",
        subject=f"person/{person.id}",
        actor=actor,
        source_address=address,
        detail={"name": person.name, "loginId": login_id},
    )
