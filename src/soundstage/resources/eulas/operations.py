"""The operations on EULAs: shapes, and the rows that join them to the service."""

from datetime import datetime

from soundstage.resources.eulas import service
from soundstage.resources.eulas.model import KNOWN_SINCE, Eula, EulaAcceptance
from soundstage.resources.request import Request
from soundstage.wire.operation import Grant, Operation, Permission
from soundstage.wire.shapes import ClientToken, Name64, ResourceId, Shape


class EulaShape(Shape, frozen=True, kw_only=True):
    """A EULA on the wire."""

    content: str
    created_at: datetime
    eula_id: ResourceId
    name: Name64
    updated_at: datetime


class EulaAcceptanceShape(Shape, frozen=True, kw_only=True):
    """An acceptance on the wire."""

    accepted_at: datetime
    accepted_by: str
    acceptee_id: str
    eula_acceptance_id: ResourceId
    eula_id: ResourceId


class GetEulaInput(Shape, frozen=True, kw_only=True):
    """Which EULA."""

    eula_id: str


class ListEulasInput(Shape, frozen=True, kw_only=True):
    """Which EULAs, and where to go on."""

    eula_ids: list[str] | None = None
    next_token: str | None = None


class AcceptEulasInput(Shape, frozen=True, kw_only=True):
    """Which EULAs to accept for which studio."""

    studio_id: str
    client_token: ClientToken | None = None
    eula_ids: list[str] | None = None


class ListEulaAcceptancesInput(Shape, frozen=True, kw_only=True):
    """Whose acceptances, of which EULAs, and where to go on."""

    studio_id: str
    eula_ids: list[str] | None = None
    next_token: str | None = None


class GetEulaOutput(Shape, frozen=True, kw_only=True):
    """One EULA."""

    eula: EulaShape


class ListEulasOutput(Shape, frozen=True, kw_only=True):
    """A page of EULAs."""

    eulas: list[EulaShape]
    next_token: str | None = None


class AcceptEulasOutput(Shape, frozen=True, kw_only=True):
    """What was accepted now or before."""

    eula_acceptances: list[EulaAcceptanceShape]


class ListEulaAcceptancesOutput(Shape, frozen=True, kw_only=True):
    """A page of acceptances."""

    eula_acceptances: list[EulaAcceptanceShape]
    next_token: str | None = None


def get_eula(request: Request, given: GetEulaInput) -> GetEulaOutput:
    """Read a EULA."""
    del request
    return GetEulaOutput(eula=_show(service.find(given.eula_id)))


def list_eulas(request: Request, given: ListEulasInput) -> ListEulasOutput:
    """List the EULAs."""
    eulas, next_token = service.list_page(
        request, eula_ids=given.eula_ids or [], next_token=given.next_token
    )
    return ListEulasOutput(eulas=[_show(eula) for eula in eulas], next_token=next_token)


def accept_eulas(request: Request, given: AcceptEulasInput) -> AcceptEulasOutput:
    """Accept EULAs for a studio."""
    acceptances = service.accept(request, given.studio_id, given.eula_ids or [])
    return AcceptEulasOutput(eula_acceptances=[_show_acceptance(each) for each in acceptances])


def list_eula_acceptances(
    request: Request, given: ListEulaAcceptancesInput
) -> ListEulaAcceptancesOutput:
    """List what a studio accepted."""
    acceptances, next_token = service.list_acceptances(
        request, given.studio_id, eula_ids=given.eula_ids or [], next_token=given.next_token
    )
    return ListEulaAcceptancesOutput(
        eula_acceptances=[_show_acceptance(each) for each in acceptances], next_token=next_token
    )


def _show(eula: Eula) -> EulaShape:
    return EulaShape(
        content=eula.content,
        created_at=KNOWN_SINCE,
        eula_id=eula.id,
        name=eula.name,
        updated_at=KNOWN_SINCE,
    )


def _show_acceptance(acceptance: EulaAcceptance) -> EulaAcceptanceShape:
    return EulaAcceptanceShape(
        accepted_at=acceptance.created_at,
        accepted_by=acceptance.accepted_by,
        acceptee_id=acceptance.studio_id,
        eula_acceptance_id=acceptance.id,
        eula_id=acceptance.eula_id,
    )


_EVERYBODY = Permission(administrator=Grant.ALWAYS, user=Grant.ALWAYS)
_ADMINISTRATORS = Permission(administrator=Grant.ALWAYS, user=Grant.NEVER)

OPERATIONS = [
    Operation(
        name="GetEula",
        method="GET",
        path="/eulas/{eulaId}",
        input=GetEulaInput,
        output=GetEulaOutput,
        permission=_ADMINISTRATORS,
        handler=get_eula,
    ),
    Operation(
        name="ListEulas",
        method="GET",
        path="/eulas",
        input=ListEulasInput,
        output=ListEulasOutput,
        permission=_EVERYBODY,
        handler=list_eulas,
        paginates="eulas",
    ),
    Operation(
        name="AcceptEulas",
        method="POST",
        path="/studios/{studioId}/eula-acceptances",
        input=AcceptEulasInput,
        output=AcceptEulasOutput,
        permission=_ADMINISTRATORS,
        handler=accept_eulas,
    ),
    Operation(
        name="ListEulaAcceptances",
        method="GET",
        path="/studios/{studioId}/eula-acceptances",
        input=ListEulaAcceptancesInput,
        output=ListEulaAcceptancesOutput,
        permission=_EVERYBODY,
        handler=list_eula_acceptances,
        paginates="eulaAcceptances",
    ),
]
