"""What can be done with EULAs; called by their operations and by sessions."""

from collections.abc import Sequence

from sqlalchemy import Connection

from soundstage.kit import ids
from soundstage.resources import listing
from soundstage.resources.eulas import store
from soundstage.resources.eulas.model import CATALOGUE, Eula, EulaAcceptance
from soundstage.resources.request import Request
from soundstage.resources.studios import service as studios
from soundstage.wire.codes import Code
from soundstage.wire.faults import NotFoundError, ValidationError


def find(eula_id: str) -> Eula:
    """Read one EULA. Raises NotFoundError."""
    try:
        return CATALOGUE[eula_id]
    except KeyError:
        raise NotFoundError("EULA", eula_id) from None


def list_page(
    request: Request, *, eula_ids: list[str], next_token: str | None
) -> tuple[list[Eula], str | None]:
    """List all EULAs, or those of some ids, in the order of their ids."""
    wanted = set(eula_ids) or CATALOGUE.keys()
    eulas = [CATALOGUE[eula_id] for eula_id in sorted(CATALOGUE) if eula_id in wanted]
    return listing.page_of(
        request,
        lambda cursor, limit: [
            eula for eula in eulas if cursor is None or eula.id > str(cursor[0])
        ][:limit],
        cursor_of=lambda eula: [eula.id],
        operation="ListEulas",
        filters={"eulaIds": sorted(eula_ids)},
        next_token=next_token,
    )


def accept(request: Request, studio_id: str, eula_ids: list[str]) -> list[EulaAcceptance]:
    """Accept EULAs for a studio; what was accepted before stays as it was."""
    studios.find_usable(request.transaction, studio_id)
    wanted = [find(eula_id).id for eula_id in dict.fromkeys(eula_ids)]
    accepted = store.accepted(request.transaction, studio_id)
    for eula_id in wanted:
        if eula_id not in accepted:
            accepted[eula_id] = EulaAcceptance(
                id=ids.new_id(),
                studio_id=studio_id,
                eula_id=eula_id,
                accepted_by=request.caller.principal_id,
                created_at=request.now,
            )
            store.acceptances.insert(request.transaction, accepted[eula_id])
    return [accepted[eula_id] for eula_id in wanted]


def list_acceptances(
    request: Request, studio_id: str, *, eula_ids: list[str], next_token: str | None
) -> tuple[list[EulaAcceptance], str | None]:
    """List what a studio accepted, of some EULAs if asked for."""
    studios.find(request.transaction, studio_id)
    where = [store.table.c.eula_id.in_(eula_ids)] if eula_ids else []
    return listing.page(
        request,
        store.acceptances,
        *where,
        equal={"studio_id": studio_id},
        operation="ListEulaAcceptances",
        filters={"studioId": studio_id, "eulaIds": sorted(eula_ids)},
        next_token=next_token,
    )


def require_accepted(transaction: Connection, studio_id: str, eula_ids: Sequence[str]) -> None:
    """Raise ValidationError that names the EULAs which the studio has not accepted yet."""
    accepted = store.accepted(transaction, studio_id) if eula_ids else {}
    missing = [eula_id for eula_id in eula_ids if eula_id not in accepted]
    if missing:
        raise ValidationError(
            "streamingImageId: an administrator must accept the image's EULAs first, by "
            f"AcceptEulas: {', '.join(missing)}.",
            code=Code.EULAS_MISSING,
        )
