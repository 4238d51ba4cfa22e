"""The operations on studio members: shapes, and the rows that join them to the service.

Members of a studio are its administrators; the people who work in it belong to launch profiles.
"""

from typing import Annotated

from msgspec import Meta

from soundstage.resources.members import service
from soundstage.resources.members.model import StudioMembership, StudioPersona
from soundstage.resources.request import Request
from soundstage.resources.shaping import shaped
from soundstage.wire.operation import Grant, Operation, Permission
from soundstage.wire.shapes import ClientToken, Empty, MaxResults, Shape

LARGEST_PAGE = 20
"""The public model's limit for the list in an answer, whatever `maxResults` says."""


class StudioMembershipShape(Shape, frozen=True, kw_only=True):
    """A member on the wire."""

    identity_store_id: str
    persona: StudioPersona
    principal_id: str
    sid: str | None = None
    """Never known: no directory here has security identifiers."""


class NewStudioMember(Shape, frozen=True, kw_only=True):
    """A person, and as what."""

    persona: StudioPersona
    principal_id: str


class PutStudioMembersInput(Shape, frozen=True, kw_only=True):
    """Whom to make administrators of which studio."""

    identity_store_id: str
    members: Annotated[list[NewStudioMember], Meta(min_length=1, max_length=20)]
    studio_id: str
    client_token: ClientToken | None = None


class ListStudioMembersInput(Shape, frozen=True, kw_only=True):
    """Whose administrators, and where to go on."""

    studio_id: str
    max_results: MaxResults | None = None
    next_token: str | None = None


class GetStudioMemberInput(Shape, frozen=True, kw_only=True):
    """Which administrator."""

    principal_id: str
    studio_id: str


class DeleteStudioMemberInput(Shape, frozen=True, kw_only=True):
    """Whom to take away."""

    principal_id: str
    studio_id: str
    client_token: ClientToken | None = None


class ListStudioMembersOutput(Shape, frozen=True, kw_only=True):
    """A page of administrators."""

    members: Annotated[list[StudioMembershipShape], Meta(max_length=LARGEST_PAGE)]
    next_token: str | None = None


class GetStudioMemberOutput(Shape, frozen=True, kw_only=True):
    """One administrator."""

    member: StudioMembershipShape


class PersonShape(Shape, frozen=True, kw_only=True):
    """Somebody whom the installation knows."""

    identity_store_id: str
    is_active: bool
    """Whether they may come in at all."""
    is_operator: bool
    name: str
    principal_id: str
    display_name: str | None = None


class ListPeopleInput(Shape, frozen=True, kw_only=True):
    """Whom, and where to go on."""

    name: str | None = None
    next_token: str | None = None
    principal_ids: str | None = None
    """One id, or up to a hundred with commas between."""


class ListPeopleOutput(Shape, frozen=True, kw_only=True):
    """A page of people."""

    people: list[PersonShape]
    next_token: str | None = None


def list_people(request: Request, given: ListPeopleInput) -> ListPeopleOutput:
    """List the people whom the installation knows; an addition to the public API."""
    people, next_token = service.list_people(
        request,
        principal_ids=[part for part in (given.principal_ids or "").split(",") if part],
        name=given.name,
        next_token=given.next_token,
    )
    return ListPeopleOutput(
        people=[
            shaped(
                PersonShape,
                person,
                principal_id=person.id,
                identity_store_id=service.IDENTITY_STORE_ID,
            )
            for person in people
        ],
        next_token=next_token,
    )


def put_studio_members(request: Request, given: PutStudioMembersInput) -> Empty:
    """Make people administrators; those who are already stay so."""
    service.put(
        request,
        given.studio_id,
        identity_store_id=given.identity_store_id,
        members=[(member.principal_id, member.persona) for member in given.members],
    )
    return Empty()


def list_studio_members(request: Request, given: ListStudioMembersInput) -> ListStudioMembersOutput:
    """List the administrators of a studio."""
    members, next_token = service.list_page(
        request,
        given.studio_id,
        next_token=given.next_token,
        size=min(given.max_results or LARGEST_PAGE, LARGEST_PAGE),
    )
    return ListStudioMembersOutput(
        members=[_show(member) for member in members], next_token=next_token
    )


def get_studio_member(request: Request, given: GetStudioMemberInput) -> GetStudioMemberOutput:
    """Read an administrator."""
    member = service.get(request, given.studio_id, given.principal_id)
    return GetStudioMemberOutput(member=_show(member))


def delete_studio_member(request: Request, given: DeleteStudioMemberInput) -> Empty:
    """Take an administrator away."""
    service.remove(request, given.studio_id, given.principal_id)
    return Empty()


def _show(member: StudioMembership) -> StudioMembershipShape:
    return shaped(StudioMembershipShape, member)


_NOBODY = Permission(administrator=Grant.NEVER, user=Grant.NEVER)
_EVERYBODY = Permission(administrator=Grant.ALWAYS, user=Grant.ALWAYS)
_ALL = "/studios/{studioId}/membership"
_ONE = f"{_ALL}/{{principalId}}"

OPERATIONS = [
    Operation(
        name="ListPeople",
        method="GET",
        path="/people",
        input=ListPeopleInput,
        output=ListPeopleOutput,
        permission=Permission(administrator=Grant.ALWAYS, user=Grant.NEVER),
        handler=list_people,
        paginates="people",
    ),
    Operation(
        name="PutStudioMembers",
        method="POST",
        path=_ALL,
        input=PutStudioMembersInput,
        output=Empty,
        permission=_NOBODY,
        handler=put_studio_members,
    ),
    Operation(
        name="ListStudioMembers",
        method="GET",
        path=_ALL,
        input=ListStudioMembersInput,
        output=ListStudioMembersOutput,
        permission=_EVERYBODY,
        handler=list_studio_members,
        paginates="members",
    ),
    Operation(
        name="GetStudioMember",
        method="GET",
        path=_ONE,
        input=GetStudioMemberInput,
        output=GetStudioMemberOutput,
        permission=_EVERYBODY,
        handler=get_studio_member,
    ),
    Operation(
        name="DeleteStudioMember",
        method="DELETE",
        path=_ONE,
        input=DeleteStudioMemberInput,
        output=Empty,
        permission=_NOBODY,
        handler=delete_studio_member,
    ),
]
