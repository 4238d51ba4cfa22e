"""The operations on webhooks, additions to the public API."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from soundstage.resources.events.model import id_of
from soundstage.resources.request import Request
from soundstage.resources.webhooks import service
from soundstage.resources.webhooks.model import (
    MOST_TYPES,
    Delivery,
    DeliveryState,
    Webhook,
    WebhookState,
    next_attempt_at,
)
from soundstage.wire.operation import Grant, Operation, Permission
from soundstage.wire.shapes import SENSITIVE, ClientToken, Shape

Url = Annotated[str, Meta(min_length=1, max_length=2048, extra=SENSITIVE)]
EventType = Annotated[
    str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z_]+\.([A-Za-z_]+|\*)\Z")
]
Types = Annotated[list[EventType], Meta(max_length=MOST_TYPES)]


class WebhookShape(Shape, frozen=True, kw_only=True):
    """A webhook on the wire; its secret is told once, when it is made."""

    webhook_id: str
    url: Url
    types: list[str]
    state: WebhookState
    status_message: str
    created_at: datetime
    created_by: str
    updated_at: datetime
    pending: int
    """How many events are on their way."""
    failing: int
    """How many of these were tried in vain; statusMessage says what came of the last attempt."""
    dead: int
    """How many were given up."""
    delivered_at: datetime | None = None
    """When a delivery last went well."""


class WebhookDelivery(Shape, frozen=True, kw_only=True):
    """An event on its way to a webhook, or given up."""

    delivery_id: str
    event_id: str
    state: DeliveryState
    attempts: int
    status_message: str
    created_at: datetime
    updated_at: datetime
    next_attempt_at: datetime | None = None
    """When it is tried again, where it was tried in vain."""


class CreateWebhookInput(Shape, frozen=True, kw_only=True):
    """What to tell whom."""

    studio_id: str
    url: Url
    """Where events are sent, by http or https."""
    client_token: ClientToken | None = None
    types: Types | None = None
    """Which events, such as sessions.READY or sessions.*; all unless it is said."""


class WebhookInput(Shape, frozen=True, kw_only=True):
    """Which webhook."""

    studio_id: str
    webhook_id: str


class ChangeWebhookInput(WebhookInput, frozen=True, kw_only=True):
    """Which webhook, by a request that may be repeated."""

    client_token: ClientToken | None = None


class UpdateWebhookInput(ChangeWebhookInput, frozen=True, kw_only=True):
    """What to change of which webhook."""

    state: WebhookState | None = None
    types: Types | None = None
    url: Url | None = None


class ListWebhooksInput(Shape, frozen=True, kw_only=True):
    """Whose webhooks."""

    studio_id: str
    next_token: str | None = None


class ListWebhookDeliveriesInput(WebhookInput, frozen=True, kw_only=True):
    """Which deliveries."""

    next_token: str | None = None
    state: DeliveryState | None = None


class CreateWebhookOutput(Shape, frozen=True, kw_only=True):
    """The webhook, and what its deliveries are signed with."""

    webhook: WebhookShape
    secret: Annotated[str, Meta(extra=SENSITIVE)]
    """Told this once. Deliveries are signed with it as Standard Webhooks says."""


class WebhookOutput(Shape, frozen=True, kw_only=True):
    """One webhook."""

    webhook: WebhookShape


class ListWebhooksOutput(Shape, frozen=True, kw_only=True):
    """A page of webhooks."""

    webhooks: list[WebhookShape]
    next_token: str | None = None


class ListWebhookDeliveriesOutput(Shape, frozen=True, kw_only=True):
    """A page of deliveries."""

    deliveries: list[WebhookDelivery]
    next_token: str | None = None


class RedeliverWebhookOutput(Shape, frozen=True, kw_only=True):
    """How many are sent again."""

    redelivered: int


def create_webhook(request: Request, given: CreateWebhookInput) -> CreateWebhookOutput:
    """Begin to send a studio's events to an address."""
    webhook = service.create(request, given.studio_id, url=given.url, types=given.types or [])
    return CreateWebhookOutput(webhook=show(request, webhook), secret=webhook.secret)


def get_webhook(request: Request, given: WebhookInput) -> WebhookOutput:
    """Read a webhook."""
    webhook = service.get(request, given.studio_id, given.webhook_id)
    return WebhookOutput(webhook=show(request, webhook))


def list_webhooks(request: Request, given: ListWebhooksInput) -> ListWebhooksOutput:
    """List the webhooks of a studio."""
    found, next_token = service.list_page(request, given.studio_id, given.next_token)
    return ListWebhooksOutput(
        webhooks=[show(request, each) for each in found], next_token=next_token
    )


def update_webhook(request: Request, given: UpdateWebhookInput) -> WebhookOutput:
    """Change a webhook, or switch it off and on."""
    change = service.WebhookChange(url=given.url, types=given.types, state=given.state)
    webhook = service.update(request, given.studio_id, given.webhook_id, change)
    return WebhookOutput(webhook=show(request, webhook))


def delete_webhook(request: Request, given: ChangeWebhookInput) -> WebhookOutput:
    """Remove a webhook; what is on its way to it is forgotten."""
    webhook = service.delete(request, given.studio_id, given.webhook_id)
    return WebhookOutput(webhook=show(request, webhook))


def list_webhook_deliveries(
    request: Request, given: ListWebhookDeliveriesInput
) -> ListWebhookDeliveriesOutput:
    """List what is on its way to a webhook, and what was given up."""
    found, next_token = service.list_deliveries(
        request,
        given.studio_id,
        given.webhook_id,
        state=given.state,
        next_token=given.next_token,
    )
    return ListWebhookDeliveriesOutput(
        deliveries=[_show_delivery(each) for each in found], next_token=next_token
    )


def redeliver_webhook(request: Request, given: ChangeWebhookInput) -> RedeliverWebhookOutput:
    """Send again, and now, what was tried in vain or given up."""
    count = service.redeliver(request, given.studio_id, given.webhook_id)
    return RedeliverWebhookOutput(redelivered=count)


def show(request: Request, webhook: Webhook) -> WebhookShape:
    """Show a webhook."""
    pending, dead = service.waiting(request.transaction, webhook)
    failing = service.failing(request.transaction, webhook)
    return WebhookShape(
        webhook_id=webhook.id,
        url=webhook.url,
        types=webhook.types,
        state=webhook.state,
        status_message=webhook.status_message if failing is None else failing.message,
        created_at=webhook.created_at,
        created_by=webhook.created_by,
        updated_at=webhook.updated_at,
        pending=pending,
        failing=0 if failing is None else failing.count,
        dead=dead,
        delivered_at=webhook.delivered_at,
    )


def _show_delivery(delivery: Delivery) -> WebhookDelivery:
    return WebhookDelivery(
        delivery_id=delivery.id,
        event_id=id_of(delivery.sequence),
        state=delivery.state,
        attempts=delivery.attempts,
        status_message=delivery.status_message,
        created_at=delivery.created_at,
        updated_at=delivery.updated_at,
        next_attempt_at=next_attempt_at(delivery),
    )


_ADMINISTRATORS = Permission(administrator=Grant.ALWAYS, user=Grant.NEVER)
_ALL = "/studios/{studioId}/webhooks"
_ONE = f"{_ALL}/{{webhookId}}"

OPERATIONS = [
    Operation(
        name="CreateWebhook",
        method="POST",
        path=_ALL,
        input=CreateWebhookInput,
        output=CreateWebhookOutput,
        permission=_ADMINISTRATORS,
        handler=create_webhook,
    ),
    Operation(
        name="GetWebhook",
        method="GET",
        path=_ONE,
        input=WebhookInput,
        output=WebhookOutput,
        permission=_ADMINISTRATORS,
        handler=get_webhook,
    ),
    Operation(
        name="ListWebhooks",
        method="GET",
        path=_ALL,
        input=ListWebhooksInput,
        output=ListWebhooksOutput,
        permission=_ADMINISTRATORS,
        handler=list_webhooks,
        paginates="webhooks",
    ),
    Operation(
        name="UpdateWebhook",
        method="PATCH",
        path=_ONE,
        input=UpdateWebhookInput,
        output=WebhookOutput,
        permission=_ADMINISTRATORS,
        handler=update_webhook,
    ),
    Operation(
        name="DeleteWebhook",
        method="DELETE",
        path=_ONE,
        input=ChangeWebhookInput,
        output=WebhookOutput,
        permission=_ADMINISTRATORS,
        handler=delete_webhook,
    ),
    Operation(
        name="ListWebhookDeliveries",
        method="GET",
        path=f"{_ONE}/deliveries",
        input=ListWebhookDeliveriesInput,
        output=ListWebhookDeliveriesOutput,
        permission=_ADMINISTRATORS,
        handler=list_webhook_deliveries,
        paginates="deliveries",
    ),
    Operation(
        name="RedeliverWebhook",
        method="POST",
        path=f"{_ONE}/redeliver",
        input=ChangeWebhookInput,
        output=RedeliverWebhookOutput,
        permission=_ADMINISTRATORS,
        handler=redeliver_webhook,
    ),
]
