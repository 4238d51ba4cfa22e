"""Who comes in by an OpenID Connect provider; called by the portal's door in `wiring`, and by the
command line, where an administrator says who is who.

The issuer and the subject are who somebody is. Nothing else that a provider says, not a name and
not an e-mail address, ever leads to a person who is known already.
"""

from datetime import datetime

from sqlalchemy import Connection

from soundstage.kit import journal
from soundstage.kit.openid.claims import Claims
from soundstage.resources.identities import model, store
from soundstage.resources.identities.model import (
    EVERY_STUDIO,
    IDENTITY_STORE_ID,
    Identity,
    Refusal,
    Rules,
)
from soundstage.resources.members import service as members
from soundstage.resources.members.model import Enrolment, Newcomer, Person
from soundstage.resources.request import SERVICE_PRINCIPAL
from soundstage.resources.studios import service as studios
from soundstage.wire.faults import ConflictError, Fault, NotFoundError

_MOST_STUDIOS = 1000


def arrive(
    transaction: Connection, claims: Claims, now: datetime, *, rules: Rules
) -> Person | Refusal:
    """Say who signed in at the provider, and give and take the rights that follow from groups."""
    identity = store.identities.get(transaction, model.id_of(claims.issuer, claims.subject))
    if identity is None:
        if not rules.makes_people:
            return Refusal.UNKNOWN
        person = _made_known(transaction, claims, now)
        if person is None:
            return Refusal.NAME_TAKEN
        identity = link(
            transaction, person, claims.issuer, claims.subject, now, actor=SERVICE_PRINCIPAL
        )
    person = members.require_person(transaction, identity.principal_id)
    if not members.is_let_in(transaction, person):
        return Refusal.SHUT_OUT
    store.identities.update(transaction, identity.id, {"used_at": now})
    members.follow_directory(
        transaction,
        person,
        IDENTITY_STORE_ID,
        _studio_ids(transaction, model.studios_for(rules, claims.groups)),
        now,
    )
    return person


def link(
    transaction: Connection,
    person: Person,
    issuer: str,
    subject: str,
    now: datetime,
    *,
    actor: str,
) -> Identity:
    """Say that a subject is this person. Raises ConflictError where it is another, or they are."""
    model.check(issuer, subject)
    identity = Identity(
        id=model.id_of(issuer, subject),
        issuer=issuer,
        subject=subject,
        principal_id=person.id,
        created_at=now,
    )
    known = store.identities.get(transaction, identity.id)
    if known is not None and known.principal_id == person.id:
        return known
    if known is not None:
        whose = members.require_person(transaction, known.principal_id)
        raise ConflictError(f"The subject {subject} is {whose.name} already. Unlink it first.")
    others = [each for each in store.of_person(transaction, person.id) if each.issuer == issuer]
    if others:
        raise ConflictError(
            f"{person.name} is the subject {others[0].subject} there already. Unlink it first."
        )
    if not store.add(transaction, identity):
        raise ConflictError(f"The subject {subject} is being linked by another just now.")
    _note(transaction, person, identity, "LINKED", now=now, actor=actor)
    return identity


def unlink(
    transaction: Connection,
    person: Person,
    issuer: str,
    subject: str,
    now: datetime,
    *,
    actor: str,
) -> None:
    """Take a subject from somebody, with the rights that its groups gave. Raises NotFoundError."""
    identity = store.identities.get(transaction, model.id_of(issuer, subject))
    if identity is None or identity.principal_id != person.id:
        raise NotFoundError("identity", subject)
    store.identities.delete(transaction, identity.id)
    members.follow_directory(transaction, person, IDENTITY_STORE_ID, set(), now)
    _note(transaction, person, identity, "UNLINKED", now=now, actor=actor)


def of_person(transaction: Connection, person: Person) -> list[Identity]:
    """List whom providers know somebody as, oldest first."""
    return store.of_person(transaction, person.id)


def _made_known(transaction: Connection, claims: Claims, now: datetime) -> Person | None:
    """Make somebody known by what the provider calls them; None where that name is no good."""
    newcomer = Newcomer(
        name=claims.user_name or claims.subject,
        display_name=claims.display_name,
        email=claims.email,
    )
    try:
        with transaction.begin_nested():
            person, outcome = members.enrol(transaction, newcomer, now, actor=SERVICE_PRINCIPAL)
            if outcome is not Enrolment.CREATED:
                # Raised inside, so that nothing of it stays.
                raise ConflictError(f"There is a person {person.name} already.")
    except Fault:
        return None
    return person


def _studio_ids(transaction: Connection, names: set[str]) -> set[str]:
    if not names:
        return set()
    living = studios.living(transaction, None, limit=_MOST_STUDIOS)
    return {each.id for each in living if EVERY_STUDIO in names or each.studio_name in names}


def _note(
    transaction: Connection,
    person: Person,
    identity: Identity,
    event: str,
    *,
    now: datetime,
    actor: str,
) -> None:
    journal.append(
        transaction,
        at=now,
        kind=f"identities.{event}",
        subject=f"person/{person.id}",
        actor=actor,
        detail={"name": person.name, "issuer": identity.issuer, "subject": identity.subject},
    )
