"""The operations on a launch profile's members: shapes, and the rows that join them to the service.

The members themselves are kept with their launch profile, which must know who may use it.
"""

from typing import Annotated

from msgspec import Meta

from soundstage.resources.launch_profiles import service
from soundstage.resources.launch_profiles.model import LaunchProfilePersona
from soundstage.resources.request import Request
from soundstage.wire.operation import Grant, Operation, Permission
from soundstage.wire.shapes import ClientToken, Empty, Shape


class NewLaunchProfileMember(Shape, frozen=True, kw_only=True):
    """A person, and as what."""

    persona: LaunchProfilePersona
    principal_id: str


class PutLaunchProfileMembersInput(Shape, frozen=True, kw_only=True):
    """Whom to make members of which launch profile."""

    identity_store_id: str
    launch_profile_id: str
    members: Annotated[list[NewLaunchProfileMember], Meta(min_length=1, max_length=20)]
    studio_id: str
    client_token: ClientToken | None = None


class DeleteLaunchProfileMemberInput(Shape, frozen=True, kw_only=True):
    """Whom to take out of which launch profile."""

    launch_profile_id: str
    principal_id: str
    studio_id: str
    client_token: ClientToken | None = None


def put_launch_profile_members(request: Request, given: PutLaunchProfileMembersInput) -> Empty:
    """Make people members; those who are already stay so."""
    service.put_members(
        request,
        given.studio_id,
        given.launch_profile_id,
        identity_store_id=given.identity_store_id,
        members=[(member.principal_id, member.persona) for member in given.members],
    )
    return Empty()


def delete_launch_profile_member(request: Request, given: DeleteLaunchProfileMemberInput) -> Empty:
    """Take a person out of a launch profile."""
    service.remove_member(request, given.studio_id, given.launch_profile_id, given.principal_id)
    return Empty()


_ADMINISTRATORS = Permission(administrator=Grant.ALWAYS, user=Grant.NEVER)
_ALL = "/studios/{studioId}/launch-profiles/{launchProfileId}/membership"

OPERATIONS = [
    Operation(
        name="PutLaunchProfileMembers",
        method="POST",
        path=_ALL,
        input=PutLaunchProfileMembersInput,
        output=Empty,
        permission=_ADMINISTRATORS,
        handler=put_launch_profile_members,
    ),
    Operation(
        name="DeleteLaunchProfileMember",
        method="DELETE",
        path=f"{_ALL}/{{principalId}}",
        input=DeleteLaunchProfileMemberInput,
        output=Empty,
        permission=_ADMINISTRATORS,
        handler=delete_launch_profile_member,
    ),
]
