"""What can be done with a launch profile's members; called by their operations, `profile_members`.

They are kept here because a launch profile must know who may use it.
"""

from soundstage.kit import hints
from soundstage.resources import listing, memberships
from soundstage.resources.launch_profiles import service, store
from soundstage.resources.launch_profiles.model import (
    LaunchProfileMembership,
    LaunchProfilePersona,
)
from soundstage.resources.members import service as people
from soundstage.resources.request import Request
from soundstage.wire.faults import NotFoundError


def put(
    request: Request,
    studio_id: str,
    profile_id: str,
    *,
    identity_store_id: str,
    members: list[tuple[str, LaunchProfilePersona]],
) -> None:
    """Make people members, or renew what is known of them."""
    service.get(request, studio_id, profile_id)
    memberships.require_identity_store_id(identity_store_id)
    for principal_id, persona in members:
        people.require_person(request.transaction, principal_id)
        store.members.put(
            request.transaction,
            profile_id,
            principal_id,
            identity_store_id=identity_store_id,
            persona=persona,
        )


def get(
    request: Request, studio_id: str, profile_id: str, principal_id: str
) -> LaunchProfileMembership:
    """Read one member of a launch profile. Raises NotFoundError."""
    service.get(request, studio_id, profile_id)
    member = store.members.get(request.transaction, profile_id, principal_id)
    if member is None:
        raise NotFoundError("launch profile member", principal_id)
    return member


def list_page(
    request: Request, studio_id: str, profile_id: str, *, next_token: str | None, size: int
) -> tuple[list[LaunchProfileMembership], str | None]:
    """List the members of a launch profile."""
    service.get(request, studio_id, profile_id)
    return listing.page_of(
        request,
        lambda cursor, limit: store.members.page(
            request.transaction, profile_id, after=str(cursor[0]) if cursor else "", limit=limit
        ),
        cursor_of=lambda member: [member.principal_id],
        operation="ListLaunchProfileMembers",
        filters={"studioId": studio_id, "launchProfileId": profile_id},
        next_token=next_token,
        size=size,
    )


def update(
    request: Request,
    studio_id: str,
    profile_id: str,
    principal_id: str,
    persona: LaunchProfilePersona,
) -> LaunchProfileMembership:
    """Set a member's persona. Raises NotFoundError for one who is not in it."""
    member = get(request, studio_id, profile_id, principal_id)
    store.members.put(
        request.transaction,
        profile_id,
        principal_id,
        identity_store_id=member.identity_store_id,
        persona=persona,
    )
    return get(request, studio_id, profile_id, principal_id)


def remove(request: Request, studio_id: str, profile_id: str, principal_id: str) -> None:
    """Take a person out of a launch profile. Raises NotFoundError for one who is not in it."""
    service.get(request, studio_id, profile_id)
    if not store.members.remove(request.transaction, profile_id, principal_id):
        raise NotFoundError("launch profile member", principal_id)
    # What is open of theirs is looked at again, and ended.
    hints.hint(request.transaction, "streams", principal_id)
