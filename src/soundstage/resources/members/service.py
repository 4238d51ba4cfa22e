"""People, keys and administrators; called by the API door's identity, the command line and nouns
above that ask who somebody is.
"""

from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, Connection

from soundstage.kit import hints, ids, journal
from soundstage.kit.crypto import Seal
from soundstage.resources import listing, memberships
from soundstage.resources.members import model, store
from soundstage.resources.members.model import (
    MOST_ACCESS_KEYS,
    AccessKey,
    Enrolment,
    Newcomer,
    Person,
    StudioMembership,
    StudioPersona,
)
from soundstage.resources.request import SERVICE_PRINCIPAL, Request
from soundstage.resources.studios import service as studios
from soundstage.wire.faults import (
    ConflictError,
    NotFoundError,
    QuotaExceededError,
    ValidationError,
)

OPERATOR = model.OPERATOR
IDENTITY_STORE_ID = model.IDENTITY_STORE_ID


def ensure_person(
    transaction: Connection, name: str, now: datetime, *, actor: str = SERVICE_PRINCIPAL
) -> Person:
    """Find somebody by name, or make them known. The name `operator` is the account's operator."""
    name = model.checked_name(name)
    known = store.person_named(transaction, name)
    if known is not None:
        return known
    is_operator = name == OPERATOR
    person = Person(
        id=f"{ids.new_role_id()}:{OPERATOR}" if is_operator else ids.new_user_id(),
        name=name,
        is_operator=is_operator,
        created_at=now,
    )
    _make_known(transaction, person, now=now, actor=actor)
    return person


def enrol(
    transaction: Connection, newcomer: Newcomer, now: datetime, *, actor: str
) -> tuple[Person, Enrolment]:
    """Make somebody known, or bring what is known of them up to date; repeatable.

    Raises ValidationError, ConflictError where an id and a name are known of two, and NotFoundError
    for a studio that is not there.
    """
    newcomer = model.checked(newcomer)
    person = store.person_named(transaction, newcomer.name)
    _refuse_two_of_one(transaction, newcomer, person)
    outcome = Enrolment.UNCHANGED
    if person is None:
        person = Person(
            id=newcomer.principal_id or ids.new_user_id(),
            name=newcomer.name,
            is_operator=False,
            created_at=now,
            display_name=newcomer.display_name,
            email=newcomer.email,
        )
        _make_known(transaction, person, now=now, actor=actor)
        outcome = Enrolment.CREATED
    told = {"display_name": newcomer.display_name, "email": newcomer.email}
    changes = {
        member: text
        for member, text in told.items()
        if text is not None and text != getattr(person, member)
    }
    noted = sorted(changes)
    if changes:
        store.people.update(transaction, person.id, changes)
    if newcomer.administrator_of is not None and put_administrator(
        transaction, newcomer.administrator_of, person.id
    ):
        noted.append("administrator_of")
    if noted:
        _note_person(transaction, person, "CHANGED", now=now, actor=actor, members=noted)
    if noted and outcome is Enrolment.UNCHANGED:
        outcome = Enrolment.CHANGED
    return msgspec.structs.replace(person, **changes), outcome


def find_person(transaction: Connection, name: str) -> Person:
    """Find somebody by name. Raises NotFoundError."""
    person = store.person_named(transaction, model.checked_name(name))
    if person is None:
        raise NotFoundError("person", name)
    return person


def everybody(transaction: Connection) -> list[tuple[Person, int]]:
    """List the people who are known, oldest first, and how many working keys each has."""
    counts = store.count_active_keys(transaction)
    return [(person, counts.get(person.id, 0)) for person in store.people.find(transaction)]


def set_person_active(
    transaction: Connection, person: Person, now: datetime, *, is_active: bool, actor: str
) -> None:
    """Let somebody in again, or shut them out with all their keys; what they hold open ends."""
    if person.is_operator:
        raise ConflictError("The account's operator can't be disabled; their keys can.")
    if person.is_active is is_active:
        return
    store.people.update(transaction, person.id, {"is_active": is_active})
    hints.hint(transaction, "streams", person.id)
    event = "ENABLED" if is_active else "DISABLED"
    _note_person(transaction, person, event, now=now, actor=actor)


def list_people(
    request: Request, *, principal_ids: list[str], name: str | None, next_token: str | None
) -> tuple[list[Person], str | None]:
    """List the people who are known, oldest first; only some if ids or a name are said."""
    columns = store.people.table.c
    where: list[ColumnElement[bool]] = []
    if principal_ids:
        where.append(columns.id.in_(principal_ids[: listing.PAGE_SIZE]))
    return listing.page(
        request,
        store.people,
        *where,
        equal={} if name is None else {"name": name},
        operation="ListPeople",
        filters={"principalIds": sorted(principal_ids), "name": name},
        next_token=next_token,
    )


def keys_of(transaction: Connection, person: Person) -> list[AccessKey]:
    """List somebody's keys, oldest first."""
    return store.keys_of(transaction, person.id)


def ensure_access_key(
    transaction: Connection,
    person: Person,
    seal: Seal,
    now: datetime,
    *,
    actor: str = SERVICE_PRINCIPAL,
) -> tuple[str, str]:
    """Give somebody's oldest working key: its id and its secret. Who has had none gets the first.

    Raises ConflictError for whoever was shut out: that is not to be undone in passing.
    """
    keys = store.keys_of(transaction, person.id)
    if not keys:
        key, secret = create_access_key(transaction, person, seal, now, actor=actor)
        return key.id, secret
    working = [key for key in keys if key.is_active and person.is_active]
    if not working:
        whose = f"{person.name} is" if not person.is_active else f"The keys of {person.name} are"
        raise ConflictError(f"{whose} disabled.")
    return working[0].id, seal.open(working[0].sealed_secret)


def create_access_key(
    transaction: Connection, person: Person, seal: Seal, now: datetime, *, actor: str
) -> tuple[AccessKey, str]:
    """Make another key for somebody; it and its secret. Raises QuotaExceededError."""
    store.hold(transaction, person.id)
    if not person.is_active:
        raise ConflictError(f"{person.name} is disabled.")
    keys = store.keys_of(transaction, person.id)
    if len(keys) >= MOST_ACCESS_KEYS:
        raise QuotaExceededError(
            f"{person.name} has {len(keys)} access keys, disabled ones included; "
            f"{MOST_ACCESS_KEYS} are allowed. Delete one of {', '.join(key.id for key in keys)}."
        )
    secret = ids.new_secret_access_key()
    key = AccessKey(
        id=ids.new_access_key_id(),
        principal_id=person.id,
        sealed_secret=seal.close(secret),
        is_active=True,
        created_at=now,
    )
    store.access_keys.insert(transaction, key)
    _note_key(transaction, key, "CREATED", now=now, actor=actor)
    return key, secret


def set_access_key_active(
    transaction: Connection, access_key_id: str, now: datetime, *, is_active: bool, actor: str
) -> AccessKey:
    """Switch a key on or off, and say what it was. Raises NotFoundError."""
    key = _find_key(transaction, access_key_id)
    if key.is_active is not is_active:
        store.access_keys.update(transaction, key.id, {"is_active": is_active})
        event = "ENABLED" if is_active else "DISABLED"
        _note_key(transaction, key, event, now=now, actor=actor)
    return key


def delete_access_key(
    transaction: Connection, access_key_id: str, now: datetime, *, actor: str
) -> AccessKey:
    """Remove a key for ever, once it is disabled: whoever still needs it has been heard by then."""
    key = _find_key(transaction, access_key_id)
    if key.is_active:
        raise ConflictError(f"The access key {key.id} works. Disable it before it is deleted.")
    store.access_keys.delete(transaction, key.id)
    _note_key(transaction, key, "DELETED", now=now, actor=actor)
    return key


def holder_of(transaction: Connection, access_key_id: str, seal: Seal) -> tuple[Person, str] | None:
    """Say who holds a working key, and its secret; None for a key that opens nothing."""
    key = store.access_keys.get(transaction, access_key_id)
    if key is None or not key.is_active:
        return None
    person = store.people.get(transaction, key.principal_id)
    if person is None or not person.is_active:
        return None
    return person, seal.open(key.sealed_secret)


def is_let_in(transaction: Connection, person: Person) -> bool:
    """Reports whether somebody may come in at all: neither they nor all their keys are disabled.

    Who has had no key yet is let in; keys are only the way in for programs.
    """
    keys = store.keys_of(transaction, person.id)
    return person.is_active and (not keys or any(key.is_active for key in keys))


def is_administrator(transaction: Connection, studio_id: str, principal_id: str) -> bool:
    """Reports whether somebody administers a studio."""
    return store.administrators.has(transaction, studio_id, principal_id)


def put_administrator(transaction: Connection, studio_id: str, principal_id: str) -> bool:
    """Make somebody known an administrator; reports whether they were none before.

    Raises ValidationError for a stranger, NotFoundError or ConflictError for such a studio.
    """
    studios.find_usable(transaction, studio_id)
    require_person(transaction, principal_id)
    known = store.administrators.get(transaction, studio_id, principal_id)
    if known is not None and known.identity_store_id == IDENTITY_STORE_ID:
        return False
    # Whoever a directory's group made one is one by our own word from now on.
    store.administrators.put(
        transaction,
        studio_id,
        principal_id,
        identity_store_id=IDENTITY_STORE_ID,
        persona=StudioPersona.ADMINISTRATOR,
    )
    return True


def follow_directory(
    transaction: Connection,
    person: Person,
    identity_store_id: str,
    studio_ids: set[str],
    now: datetime,
) -> None:
    """Have somebody administer what another directory says, and nothing else by its word.

    Who administers a studio by our own word goes on to, whatever that directory says.
    """
    given = set(store.studios_of(transaction, person.id, identity_store_id=identity_store_id))
    added = studio_ids - set(store.studios_of(transaction, person.id))
    for studio_id in sorted(added):
        store.administrators.put(
            transaction,
            studio_id,
            person.id,
            identity_store_id=identity_store_id,
            persona=StudioPersona.ADMINISTRATOR,
        )
    for studio_id in sorted(given - studio_ids):
        store.administrators.remove(transaction, studio_id, person.id)
    if given - studio_ids:
        # What they have open without being members of its launch profile ends.
        hints.hint(transaction, "streams", person.id)
    if added or given - studio_ids:
        _note_person(
            transaction,
            person,
            "CHANGED",
            now=now,
            actor=SERVICE_PRINCIPAL,
            members=["administrator_of"],
            administers=sorted(store.studios_of(transaction, person.id)),
        )


def administers_any(transaction: Connection, principal_id: str) -> bool:
    """Reports whether somebody administers a studio, whichever it is."""
    return store.administers_any(transaction, principal_id)


def administered_by(transaction: Connection, principal_id: str) -> list[str]:
    """Name the studios that somebody administers."""
    return store.studios_of(transaction, principal_id)


def put(
    request: Request,
    studio_id: str,
    *,
    identity_store_id: str,
    members: list[tuple[str, StudioPersona]],
) -> None:
    """Make people administrators, or renew what is known of them."""
    studios.find_usable(request.transaction, studio_id)
    memberships.require_identity_store_id(identity_store_id)
    for principal_id, persona in members:
        require_person(request.transaction, principal_id)
        store.administrators.put(
            request.transaction,
            studio_id,
            principal_id,
            identity_store_id=identity_store_id,
            persona=persona,
        )


def get(request: Request, studio_id: str, principal_id: str) -> StudioMembership:
    """Read one administrator of a studio. Raises NotFoundError."""
    studios.find(request.transaction, studio_id)
    member = store.administrators.get(request.transaction, studio_id, principal_id)
    if member is None:
        raise NotFoundError("studio member", principal_id)
    return member


def list_page(
    request: Request, studio_id: str, *, next_token: str | None, size: int
) -> tuple[list[StudioMembership], str | None]:
    """List the administrators of a studio."""
    studios.find(request.transaction, studio_id)
    return listing.page_of(
        request,
        lambda cursor, limit: store.administrators.page(
            request.transaction, studio_id, after=str(cursor[0]) if cursor else "", limit=limit
        ),
        cursor_of=lambda member: [member.principal_id],
        operation="ListStudioMembers",
        filters={"studioId": studio_id},
        next_token=next_token,
        size=size,
    )


def remove(request: Request, studio_id: str, principal_id: str) -> None:
    """Take an administrator away. Raises NotFoundError for one who is none."""
    studios.find(request.transaction, studio_id)
    if not store.administrators.remove(request.transaction, studio_id, principal_id):
        raise NotFoundError("studio member", principal_id)
    # What they have open without being members of its launch profile ends.
    hints.hint(request.transaction, "streams", principal_id)


def look_up(transaction: Connection, principal_id: str) -> Person | None:
    """Find somebody by id; None for a stranger."""
    return store.people.get(transaction, principal_id)


def require_person(transaction: Connection, principal_id: str) -> Person:
    """Find somebody by id. Raises ValidationError for a stranger."""
    person = look_up(transaction, principal_id)
    if person is None:
        raise ValidationError(f"principalId: nobody here has the id {principal_id}.")
    return person


def _refuse_two_of_one(transaction: Connection, newcomer: Newcomer, known: Person | None) -> None:
    if newcomer.principal_id is None:
        return
    if known is not None and known.id != newcomer.principal_id:
        raise ConflictError(f"principalId: {known.name} is known by another, {known.id}.")
    holder = store.people.get(transaction, newcomer.principal_id)
    if known is None and holder is not None:
        raise ConflictError(f"principalId: {newcomer.principal_id} is that of {holder.name}.")


def _make_known(transaction: Connection, person: Person, *, now: datetime, actor: str) -> None:
    if not store.add_person(transaction, person):
        raise ConflictError(f"{person.name} is being made known by another just now. Try again.")
    _note_person(transaction, person, "CREATED", now=now, actor=actor)


def _find_key(transaction: Connection, access_key_id: str) -> AccessKey:
    key = store.access_keys.get(transaction, access_key_id)
    if key is None:
        raise NotFoundError("access key", access_key_id)
    return key


def _note_person(
    transaction: Connection,
    person: Person,
    event: str,
    *,
    now: datetime,
    actor: str,
    **more: object,
) -> None:
    journal.append(
        transaction,
        at=now,
        kind=f"people.{event}",
        subject=f"person/{person.id}",
        actor=actor,
        detail={"name": person.name, **more},
    )


def _note_key(
    transaction: Connection, key: AccessKey, event: str, *, now: datetime, actor: str
) -> None:
    journal.append(
        transaction,
        at=now,
        kind=f"access_keys.{event}",
        subject=f"access-key/{key.id}",
        actor=actor,
        detail={"principalId": key.principal_id},
    )
