"""Operations of the REST API about webhooks of events and their deliveries, for administrators.

A token needs the scope of webhooks: who can add one receives every event, though never a secret of another."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from django.shortcuts import get_object_or_404
from ninja import Router, Status
from pydantic import Field, StringConstraints

from config.platform.accounts.decorators import check_permission
from config.platform.accounts.permissions import Permission
from config.platform.api.problems import Conflict
from config.platform.api.values import PAGE_SIZE, WHOLE, Answer, Body, Id, Limit, Page, page_of
from config.platform.events import webhooks
from config.platform.events.models import Delivery, EventType, Webhook
from config.platform.events.receiver import WrongAddress
from config.platform.jobs.models import JobStatus
from config.platform.web.htmx import Request
from config.platform.web.versions import Gone, StaleEdit

router = Router(tags=["Webhooks"])

Address = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[!-~]+$")]
Types = Annotated[list[Annotated[EventType, Field(strict=False)]], Field(min_length=1, max_length=len(EventType))]


class WebhookOut(Answer):
    """A webhook, without its secret. ``connection_id`` and ``export_id`` are its scope; null: everything."""

    id: int
    address: str
    event_types: list[str]
    connection_id: int | None
    export_id: int | None
    is_enabled: bool
    failing_since: datetime | None
    version: int
    created_at: datetime


class NewWebhookOut(WebhookOut):
    """A new webhook, with its secret: it is not shown again."""

    secret: str


class WebhookBody(Body):
    """A webhook. At most one of ``connection_id`` and ``export_id`` limits it."""

    address: Address
    event_types: Types
    connection_id: Id | None = None
    export_id: Id | None = None
    is_enabled: bool = True


class ChangedWebhookBody(WebhookBody):
    """A webhook as it shall be. ``version`` is the one that was read: a change since is not overwritten."""

    version: Annotated[int, Field(ge=0, le=10**9), WHOLE]


class DeliveryOut(Answer):
    """The delivery of one event, and the result of the last attempt."""

    id: int
    event_id: str
    event_type: str
    occurred_at: datetime
    data: dict[str, Any]
    status: JobStatus
    attempts: int
    http_status: int | None
    message: str
    duration_ms: int | None
    next_attempt_at: datetime | None


@router.get("/webhooks", response=Page[WebhookOut], operation_id="list_webhooks", summary="List webhooks")
def list_webhooks(request: Request, cursor: Id | None = None, limit: Limit = PAGE_SIZE) -> object:
    """List the webhooks. Secrets are never shown."""
    check_permission(request.user, Permission.WEBHOOK_MANAGE)
    return page_of(Webhook.objects.all(), lambda rows: list(map(_shown, rows)), cursor=cursor, limit=limit)


@router.post(
    "/webhooks",
    response={HTTPStatus.CREATED: NewWebhookOut},
    operation_id="create_webhook",
    summary="Create a webhook",
)
def create_webhook(request: Request, body: WebhookBody) -> object:
    """Create a webhook. The answer holds its secret, which is not shown again."""
    check_permission(request.user, Permission.WEBHOOK_MANAGE)
    try:
        webhook, secret = webhooks.create_webhook(by=request.user, **_values(body))
    except WrongAddress as refusal:
        raise Conflict(str(refusal), "address_refused") from None
    shown = _shown(webhook).model_dump()
    return Status(HTTPStatus.CREATED, NewWebhookOut(**shown, secret=secret))


@router.put(
    "/webhooks/{webhook_id}", response=WebhookOut, operation_id="update_webhook", summary="Update a webhook"
)
def update_webhook(request: Request, webhook_id: Id, body: ChangedWebhookBody) -> object:
    """Replace the address, types and scope of a webhook. One that is turned off sends nothing of what waits."""
    check_permission(request.user, Permission.WEBHOOK_MANAGE)
    webhook = get_object_or_404(Webhook, pk=webhook_id)
    try:
        return _shown(webhooks.edit_webhook(webhook, version=body.version, by=request.user, **_values(body)))
    except WrongAddress as refusal:
        raise Conflict(str(refusal), "address_refused") from None
    except (StaleEdit, Gone):
        raise Conflict("The webhook was changed since this version.", "version_conflict") from None


@router.delete(
    "/webhooks/{webhook_id}",
    response={HTTPStatus.NO_CONTENT: None},
    operation_id="delete_webhook",
    summary="Delete a webhook",
)
def delete_webhook(request: Request, webhook_id: Id) -> object:
    """Delete a webhook with its deliveries; what waits is not sent."""
    check_permission(request.user, Permission.WEBHOOK_MANAGE)
    webhooks.remove_webhook(get_object_or_404(Webhook, pk=webhook_id), by=request.user)
    return Status(HTTPStatus.NO_CONTENT, None)


@router.get(
    "/webhooks/{webhook_id}/deliveries",
    response=Page[DeliveryOut],
    operation_id="list_deliveries",
    summary="List the deliveries of a webhook",
)
def list_deliveries(
    request: Request,
    webhook_id: Id,
    *,
    status: JobStatus | None = None,
    cursor: Id | None = None,
    limit: Limit = PAGE_SIZE,
) -> object:
    """List the deliveries of the last 30 days, the newest first: all, or those with a status."""
    check_permission(request.user, Permission.WEBHOOK_MANAGE)
    found = get_object_or_404(Webhook, pk=webhook_id).deliveries.select_related("event")
    if status is not None:
        found = found.filter(status=status)
    return page_of(
        found, lambda rows: list(map(_shown_delivery, rows)), cursor=cursor, limit=limit, newest_first=True
    )


@router.post(
    "/deliveries/{delivery_id}/resend",
    response={HTTPStatus.ACCEPTED: DeliveryOut},
    operation_id="resend_delivery",
    summary="Resend an event",
)
def resend_delivery(request: Request, delivery_id: Id) -> object:
    """Queue a delivery again. The event keeps its ID."""
    check_permission(request.user, Permission.WEBHOOK_MANAGE)
    found = Delivery.objects.select_related("event", "webhook")
    try:
        webhooks.resend(get_object_or_404(found, pk=delivery_id), by=request.user)
    except webhooks.NotSent as refusal:
        raise Conflict(str(refusal), "not_resent") from None
    return Status(HTTPStatus.ACCEPTED, _shown_delivery(get_object_or_404(found, pk=delivery_id)))


def _values(body: WebhookBody) -> dict[str, Any]:
    if body.connection_id is not None and body.export_id is not None:
        raise Conflict("Give connection_id or export_id, not both.", "two_scopes")
    return {
        "address": body.address,
        "event_types": sorted({each.value for each in body.event_types}),
        "connection_id": body.connection_id,
        "export_id": body.export_id,
        "is_enabled": body.is_enabled,
    }


def _shown(webhook: Webhook) -> WebhookOut:
    return WebhookOut(
        id=webhook.pk,
        address=webhook.address,
        event_types=webhook.event_types,
        connection_id=webhook.connection_id,
        export_id=webhook.export_id,
        is_enabled=webhook.is_enabled,
        failing_since=webhook.failing_since,
        version=webhook.version,
        created_at=webhook.created_at,
    )


def _shown_delivery(delivery: Delivery) -> DeliveryOut:
    event = delivery.event
    return DeliveryOut(
        id=delivery.pk,
        event_id=event.event_id,
        event_type=event.type,
        occurred_at=event.occurred_at,
        data=event.data,
        status=JobStatus(delivery.status),
        attempts=delivery.tries,
        http_status=delivery.http_status,
        message=delivery.message,
        duration_ms=delivery.duration_ms,
        next_attempt_at=delivery.not_before if delivery.is_open else None,
    )
