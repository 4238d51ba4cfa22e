"""People, keys and administrators; called by the API door's identity, the command line and nouns
above that ask who somebody is.
"""

from datetime import datetime

from sqlalchemy import Connection

from soundstage.kit import hints, ids
from soundstage.kit.crypto import Seal
from soundstage.resources import listing
from soundstage.resources.members import store
from soundstage.resources.members.model import AccessKey, Person, StudioMembership, StudioPersona
from soundstage.resources.request import Request
from soundstage.resources.studios import service as studios
from soundstage.wire.faults import NotFoundError, ValidationError

OPERATOR = "operator"
IDENTITY_STORE_ID = "d-soundstage"
"""One installation has one directory of people."""


def ensure_person(transaction: Connection, name: str, now: datetime) -> Person:
    """Find somebody by name, or make them known. The name `operator` is the account's operator."""
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
    store.people.insert(transaction, person)
    return person


def ensure_access_key(
    transaction: Connection, person: Person, seal: Seal, now: datetime
) -> tuple[str, str]:
    """Give somebody's oldest working key, or a new one: its id and its secret."""
    keys = store.active_keys_of(transaction, person.id)
    if keys:
        return keys[0].id, seal.open(keys[0].sealed_secret)
    secret = ids.new_secret_access_key()
    key = AccessKey(
        id=ids.new_access_key_id(),
        principal_id=person.id,
        sealed_secret=seal.close(secret),
        is_active=True,
        created_at=now,
    )
    store.access_keys.insert(transaction, key)
    return key.id, secret


def holder_of(transaction: Connection, access_key_id: str, seal: Seal) -> tuple[Person, str] | None:
    """Say who holds a working key, and its secret; None for a key that opens nothing."""
    key = store.access_keys.get(transaction, access_key_id)
    if key is None or not key.is_active:
        return None
    person = store.people.get(transaction, key.principal_id)
    return None if person is None else (person, seal.open(key.sealed_secret))


def is_administrator(transaction: Connection, studio_id: str, principal_id: str) -> bool:
    """Reports whether somebody administers a studio."""
    return store.is_studio_member(transaction, studio_id, principal_id)


def put_administrator(transaction: Connection, studio_id: str, principal_id: str) -> None:
    """Make somebody known an administrator. Raises ValidationError for a stranger."""
    require_person(transaction, principal_id)
    store.put_studio_member(
        transaction,
        studio_id=studio_id,
        principal_id=principal_id,
        identity_store_id=IDENTITY_STORE_ID,
        persona=StudioPersona.ADMINISTRATOR,
    )


def administers_any(transaction: Connection, principal_id: str) -> bool:
    """Reports whether somebody administers a studio, whichever it is."""
    return store.administers_any(transaction, principal_id)


def put(
    request: Request,
    studio_id: str,
    *,
    identity_store_id: str,
    members: list[tuple[str, StudioPersona]],
) -> None:
    """Make people administrators, or renew what is known of them."""
    studios.find_usable(request.transaction, studio_id)
    if len(identity_store_id) > store.LONGEST_IDENTITY_STORE_ID:
        raise ValidationError(
            "identityStoreId must be at most "
            f"{store.LONGEST_IDENTITY_STORE_ID} characters; got length {len(identity_store_id)}."
        )
    for principal_id, persona in members:
        require_person(request.transaction, principal_id)
        store.put_studio_member(
            request.transaction,
            studio_id=studio_id,
            principal_id=principal_id,
            identity_store_id=identity_store_id,
            persona=persona,
        )


def get(request: Request, studio_id: str, principal_id: str) -> StudioMembership:
    """Read one administrator of a studio. Raises NotFoundError."""
    studios.find(request.transaction, studio_id)
    member = store.studio_member(request.transaction, studio_id, principal_id)
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
        lambda cursor, limit: store.studio_members(
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
    if not store.remove_studio_member(request.transaction, studio_id, principal_id):
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
