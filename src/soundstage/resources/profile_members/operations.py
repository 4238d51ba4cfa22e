"""The operations on a launch profile's members: shapes, and the rows that join them to the service.

The members themselves are kept with their launch profile, which must know who may use it.
"""

from typing import Annotated

from msgspec import Meta

from soundstage.resources.launch_profiles import membership
from soundstage.resources.launch_profiles.model import LaunchProfilePersona
from soundstage.resources.members import service as members
from soundstage.resources.profile_members import callers
from soundstage.resources.request import Request
from soundstage.resources.shaping import shaped
from soundstage.wire.operation import Grant, Operation, Permission
from soundstage.wire.shapes import ClientToken, Empty, MaxResults, Shape

LARGEST_PAGE = 20
"""The public model's limit for the list in an answer, whatever `maxResults` says."""


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


class ListLaunchProfileMembersInput(Shape, frozen=True, kw_only=True):
    """Whose members, and where to go on."""

    launch_profile_id: str
    studio_id: str
    max_results: MaxResults | None = None
    next_token: str | None = None


class GetLaunchProfileMemberInput(Shape, frozen=True, kw_only=True):
    """Which member of which launch profile."""

    launch_profile_id: str
    principal_id: str
    studio_id: str


class UpdateLaunchProfileMemberInput(Shape, frozen=True, kw_only=True):
    """What to make of a member."""

    launch_profile_id: str
    persona: LaunchProfilePersona
    principal_id: str
    studio_id: str
    client_token: ClientToken | None = None


class LaunchProfileMembershipShape(Shape, frozen=True, kw_only=True):
    """A member on the wire."""

    identity_store_id: str
    persona: LaunchProfilePersona
    principal_id: str
    sid: str | None = None
    """Never known: no directory here has security identifiers."""


class CallerStudio(Shape, frozen=True, kw_only=True):
    """A studio in which the caller may do something."""

    display_name: str
    is_administrator: bool
    studio_id: str
    studio_name: str


class GetCallerInput(Shape, frozen=True, kw_only=True):
    """Nothing: the signature says who it is."""


class GetCallerOutput(Shape, frozen=True, kw_only=True):
    """Who is calling, and the studios that they administer or have a launch profile in."""

    is_operator: bool
    name: str
    principal_id: str
    studios: list[CallerStudio]
    """Up to a hundred; the operator's are the installation's first."""
    display_name: str | None = None


class ListLaunchProfileMembersOutput(Shape, frozen=True, kw_only=True):
    """A page of members."""

    members: Annotated[list[LaunchProfileMembershipShape], Meta(max_length=LARGEST_PAGE)]
    next_token: str | None = None


class LaunchProfileMemberOutput(Shape, frozen=True, kw_only=True):
    """One member."""

    member: LaunchProfileMembershipShape


def list_launch_profile_members(
    request: Request, given: ListLaunchProfileMembersInput
) -> ListLaunchProfileMembersOutput:
    """List the members of a launch profile."""
    members, next_token = membership.list_page(
        request,
        given.studio_id,
        given.launch_profile_id,
        next_token=given.next_token,
        size=min(given.max_results or LARGEST_PAGE, LARGEST_PAGE),
    )
    return ListLaunchProfileMembersOutput(
        members=[shaped(LaunchProfileMembershipShape, member) for member in members],
        next_token=next_token,
    )


def get_launch_profile_member(
    request: Request, given: GetLaunchProfileMemberInput
) -> LaunchProfileMemberOutput:
    """Read a member."""
    member = membership.get(request, given.studio_id, given.launch_profile_id, given.principal_id)
    return LaunchProfileMemberOutput(member=shaped(LaunchProfileMembershipShape, member))


def update_launch_profile_member(
    request: Request, given: UpdateLaunchProfileMemberInput
) -> LaunchProfileMemberOutput:
    """Set a member's persona, of which there is one."""
    member = membership.update(
        request, given.studio_id, given.launch_profile_id, given.principal_id, given.persona
    )
    return LaunchProfileMemberOutput(member=shaped(LaunchProfileMembershipShape, member))


def put_launch_profile_members(request: Request, given: PutLaunchProfileMembersInput) -> Empty:
    """Make people members; those who are already stay so."""
    membership.put(
        request,
        given.studio_id,
        given.launch_profile_id,
        identity_store_id=given.identity_store_id,
        members=[(member.principal_id, member.persona) for member in given.members],
    )
    return Empty()


def delete_launch_profile_member(request: Request, given: DeleteLaunchProfileMemberInput) -> Empty:
    """Take a person out of a launch profile."""
    membership.remove(request, given.studio_id, given.launch_profile_id, given.principal_id)
    return Empty()


def get_caller(request: Request, given: GetCallerInput) -> GetCallerOutput:
    """Say who is calling; an addition to the public API."""
    del given
    person = members.require_person(request.transaction, request.caller.principal_id)
    found = callers.studios_of(request, person)
    return GetCallerOutput(
        is_operator=person.is_operator,
        name=person.name,
        principal_id=person.id,
        display_name=person.display_name,
        studios=[
            CallerStudio(
                display_name=studio.display_name,
                is_administrator=is_administrator,
                studio_id=studio.id,
                studio_name=studio.studio_name,
            )
            for studio, is_administrator in found
        ],
    )


_ADMINISTRATORS = Permission(administrator=Grant.ALWAYS, user=Grant.NEVER)
_READERS = Permission(administrator=Grant.ALWAYS, user=Grant.MEMBER)
_ALL = "/studios/{studioId}/launch-profiles/{launchProfileId}/membership"

OPERATIONS = [
    Operation(
        name="GetCaller",
        method="GET",
        path="/caller",
        input=GetCallerInput,
        output=GetCallerOutput,
        permission=Permission(administrator=Grant.ALWAYS, user=Grant.ALWAYS),
        handler=get_caller,
    ),
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
    Operation(
        name="ListLaunchProfileMembers",
        method="GET",
        path=_ALL,
        input=ListLaunchProfileMembersInput,
        output=ListLaunchProfileMembersOutput,
        permission=_READERS,
        handler=list_launch_profile_members,
        paginates="members",
    ),
    Operation(
        name="GetLaunchProfileMember",
        method="GET",
        path=f"{_ALL}/{{principalId}}",
        input=GetLaunchProfileMemberInput,
        output=LaunchProfileMemberOutput,
        permission=_READERS,
        handler=get_launch_profile_member,
    ),
    Operation(
        name="UpdateLaunchProfileMember",
        method="PATCH",
        path=f"{_ALL}/{{principalId}}",
        input=UpdateLaunchProfileMemberInput,
        output=LaunchProfileMemberOutput,
        permission=_ADMINISTRATORS,
        handler=update_launch_profile_member,
    ),
]
