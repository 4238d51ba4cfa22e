"""What can be done with webhooks; called by their operations and their workers."""

import base64
import secrets
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from soundstage.kit import hints, ids, journal, lease
from soundstage.kit.outbound import BadDestinationError
from soundstage.resources import listing, quotas
from soundstage.resources.quotas import Quota
from soundstage.resources.request import SERVICE_PRINCIPAL, Request
from soundstage.resources.studios import service as studios
from soundstage.resources.webhooks import store
from soundstage.resources.webhooks.model import (
    Delivery,
    DeliveryState,
    Failing,
    Webhook,
    WebhookState,
)
from soundstage.wire.codes import Code
from soundstage.wire.faults import NotFoundError, ValidationError

_SECRET_BYTES = 24
_ENABLED = "Events are sent."
_DISABLED = "Nothing is sent until it is enabled."


class WebhookChange(msgspec.Struct, frozen=True, kw_only=True):
    """What to change; None leaves it."""

    url: str | None = None
    types: list[str] | None = None
    state: WebhookState | None = None


def create(request: Request, studio_id: str, *, url: str, types: list[str]) -> Webhook:
    """Begin to tell an address of a studio's events, from the next one on."""
    transaction, now = request.transaction, request.now
    studio = studios.find_usable(transaction, studio_id)
    _check(request, url)
    limits = studios.quotas_of(studio, request.installation.quotas)
    quotas.require(limits, Quota.WEBHOOKS, used=count(transaction, studio_id), studio_id=studio_id)
    made = base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    webhook = Webhook(
        id=ids.new_id(),
        studio_id=studio_id,
        url=url,
        secret=f"whsec_{made}",
        types=types,
        state=WebhookState.ENABLED,
        status_message=_ENABLED,
        # What is being written at this moment began before; `last` would wait for it, and hold up
        # the event that this change itself writes.
        last_sequence=journal.latest(transaction),
        delivered_at=None,
        created_by=request.caller.principal_id,
        created_at=now,
        updated_at=now,
    )
    store.webhooks.insert(transaction, webhook, due_at=now)
    _note(transaction, webhook, "CREATED", actor=webhook.created_by, now=now)
    return webhook


def get(request: Request, studio_id: str, webhook_id: str) -> Webhook:
    """Read a webhook of a studio. Raises NotFoundError."""
    studios.find(request.transaction, studio_id)
    webhook = store.webhooks.get(request.transaction, webhook_id)
    if webhook is None or webhook.studio_id != studio_id:
        raise NotFoundError("webhook", webhook_id)
    return webhook


def waiting(transaction: Connection, webhook: Webhook) -> tuple[int, int]:
    """Say how many events are on their way to it, and how many are dead."""
    counts = store.counts_of(transaction, webhook.id)
    return counts.get(DeliveryState.PENDING, 0), counts.get(DeliveryState.DEAD, 0)


def failing(transaction: Connection, webhook: Webhook) -> Failing | None:
    """Say what its receiver did not take yet, and what it answered; None if there is nothing."""
    is_on = webhook.state is WebhookState.ENABLED
    return store.failing_of(transaction, webhook.id) if is_on else None


def count(transaction: Connection, studio_id: str) -> int:
    """Count what the studio's quota counts."""
    return store.webhooks.count(transaction, store.table.c.studio_id == studio_id)


def totals(transaction: Connection) -> dict[str, int]:
    """Say how many deliveries there are of each state; for metrics."""
    found = dict.fromkeys(DeliveryState, 0)
    for of_one in store.counts(transaction).values():
        for state, count in of_one.items():
            found[DeliveryState(state)] += count
    return {str(state): count for state, count in found.items()}


def oldest_waiting(transaction: Connection) -> datetime | None:
    """Since when the oldest event waits that is to be sent; for metrics."""
    return store.oldest_waiting(transaction)


def list_page(
    request: Request, studio_id: str, next_token: str | None
) -> tuple[list[Webhook], str | None]:
    """List a studio's webhooks."""
    studios.find(request.transaction, studio_id)
    return listing.page(
        request,
        store.webhooks,
        equal={"studio_id": studio_id},
        operation="ListWebhooks",
        filters={"studioId": studio_id},
        next_token=next_token,
    )


def list_deliveries(
    request: Request,
    studio_id: str,
    webhook_id: str,
    *,
    state: DeliveryState | None,
    next_token: str | None,
) -> tuple[list[Delivery], str | None]:
    """List what is on its way to a webhook, or dead."""
    webhook = get(request, studio_id, webhook_id)
    return listing.page(
        request,
        store.deliveries,
        equal={"webhook_id": webhook.id, **({} if state is None else {"state": state})},
        operation="ListWebhookDeliveries",
        filters={"studioId": studio_id, "webhookId": webhook_id, "state": state},
        next_token=next_token,
    )


def update(request: Request, studio_id: str, webhook_id: str, change: WebhookChange) -> Webhook:
    """Change a webhook; what rested while it was disabled is sent once it is enabled."""
    webhook = get(request, studio_id, webhook_id)
    if change.url is not None:
        _check(request, change.url)
    asked = {"url": change.url, "types": change.types, "state": change.state}
    changes: dict[str, object] = {name: value for name, value in asked.items() if value is not None}
    if change.state is not None:
        is_enabled = change.state is WebhookState.ENABLED
        changes["status_message"] = _ENABLED if is_enabled else _DISABLED
        if is_enabled:
            store.resume(request.transaction, webhook.id, request.now)
    store.webhooks.update(
        request.transaction,
        webhook.id,
        {**changes, "updated_at": request.now, **lease.touch(store.table, request.now)},
    )
    actor = request.caller.principal_id
    _note(request.transaction, webhook, "UPDATED", actor=actor, now=request.now)
    hints.hint(request.transaction, "webhooks", webhook.id)
    return get(request, studio_id, webhook_id)


def delete(request: Request, studio_id: str, webhook_id: str) -> Webhook:
    """Remove a webhook, with all that is on its way to it."""
    webhook = get(request, studio_id, webhook_id)
    store.webhooks.delete(request.transaction, webhook.id)
    actor = request.caller.principal_id
    _note(request.transaction, webhook, "DELETED", actor=actor, now=request.now)
    return webhook


def redeliver(request: Request, studio_id: str, webhook_id: str) -> int:
    """Send again what a webhook did not take, dead or not, from the first attempt on; how much."""
    webhook = get(request, studio_id, webhook_id)
    return store.revive(request.transaction, webhook.id, request.now)


def disable(transaction: Connection, webhook: Webhook, now: datetime, *, why: str) -> None:
    """Send nothing more, because the receiver said so; it may have said so of several at once."""
    present = store.webhooks.get(transaction, webhook.id)
    if present is None or present.state is WebhookState.DISABLED:
        return
    store.webhooks.update(
        transaction,
        webhook.id,
        {"state": WebhookState.DISABLED, "status_message": why, "updated_at": now},
    )
    _note(transaction, webhook, "DISABLED", actor=SERVICE_PRINCIPAL, now=now, message=why)


def _check(request: Request, url: str) -> None:
    """What can't be sent to is refused here where that can be seen; else deliveries tell."""
    try:
        request.installation.outbound.check(url)
    except BadDestinationError as error:
        raise ValidationError(
            f"url: {error}", code=Code.NO_DESTINATION, context={"member": "url"}
        ) from None


def _note(
    transaction: Connection,
    webhook: Webhook,
    what: str,
    *,
    actor: str,
    now: datetime,
    message: str | None = None,
) -> None:
    # Not the address, which may be a secret.
    journal.append(
        transaction,
        at=now,
        kind=f"webhooks.{what}",
        subject=f"webhook/{webhook.id}",
        actor=actor,
        studio_id=webhook.studio_id,
        detail={"statusMessage": message},
    )
