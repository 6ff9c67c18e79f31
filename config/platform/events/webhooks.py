"""Create, edit, test and remove webhooks, and resend deliveries. Each action is recorded in the audit, without
secrets."""

from collections.abc import Collection
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from config.platform.accounts.decorators import check_permission
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.audit.record import record
from config.platform.encryption.fields import Sealed
from config.platform.events import outbox, receiver, signature
from config.platform.events.models import TEST_EVENT, Delivery, Event, Webhook
from config.platform.jobs import clock
from config.platform.jobs.models import OPEN, JobStatus
from config.platform.notifications import alerts
from config.platform.notifications.alerts import Subject
from config.platform.notifications.models import Kind
from config.platform.web.versions import take_version

FORMER_SECRET_FOR = timedelta(hours=24)
_EDITED = ("address", "event_types", "connection_id", "export_id", "is_enabled")


class NotSent(Exception):
    """A delivery cannot be resent now; the message says why."""


@transaction.atomic
def create_webhook(
    *,
    address: str,
    event_types: Collection[str],
    by: User,
    connection_id: int | None = None,
    export_id: int | None = None,
    is_enabled: bool = True,
) -> tuple[Webhook, str]:
    """Create a webhook. Returns it with its secret, which is shown once. Raises receiver.WrongAddress."""
    check_permission(by, Permission.WEBHOOK_MANAGE)
    receiver.check_address(address)
    secret = signature.new_secret()
    webhook = Webhook(
        address=address,
        event_types=sorted(event_types),
        connection_id=connection_id,
        export_id=export_id,
        is_enabled=is_enabled,
    )
    webhook.sealed = Sealed.of({"secret": secret})
    webhook.save()
    changes: dict[str, tuple[object, object]] = {"event_types": (None, webhook.event_types)}
    record("created", webhook, by=by, changes=changes | _scope(webhook))
    return webhook, secret


@transaction.atomic
def edit_webhook(
    webhook: Webhook,
    *,
    version: int,
    address: str,
    event_types: Collection[str],
    by: User,
    connection_id: int | None = None,
    export_id: int | None = None,
    is_enabled: bool = True,
) -> Webhook:
    """Save another address, types or scope. Raises receiver.WrongAddress, versions.StaleEdit and versions.Gone.
    A webhook that is turned off sends nothing of what waits."""
    check_permission(by, Permission.WEBHOOK_MANAGE)
    if address != webhook.address:
        receiver.check_address(address)
    take_version(webhook, version)
    webhook.refresh_from_db()
    values = {
        "address": address,
        "event_types": sorted(event_types),
        "connection_id": connection_id,
        "export_id": export_id,
        "is_enabled": is_enabled,
    }
    before = {name: getattr(webhook, name) for name in _EDITED}
    changes: dict[str, tuple[object, object]] = {
        name: (before[name], value) for name, value in values.items() if before[name] != value
    }
    if "address" in changes:  # the path may hold a secret
        changes["address"] = (webhook.host, Webhook(address=address).host)
    for name, value in values.items():
        setattr(webhook, name, value)
    if {"address", "is_enabled"} & changes.keys():
        webhook.failing_since, webhook.failures, webhook.resume_at = None, 0, None
    webhook.save()
    record("edited", webhook, by=by, changes=changes, version=webhook.version)
    if is_enabled:
        alerts.close_alerts([Kind.WEBHOOK_OFF], subject_of(webhook))
        outbox.wake_on_commit()
    else:
        _cancel_waiting(webhook)
    return webhook


@transaction.atomic
def rotate_secret(webhook: Webhook, *, by: User) -> str:
    """Replace the secret, and return the new one, which is shown once. For a day messages are signed with both."""
    check_permission(by, Permission.WEBHOOK_MANAGE)
    webhook = Webhook.objects.select_for_update(no_key=True).get(pk=webhook.pk)
    secret = signature.new_secret()
    known = webhook.sealed.open()
    webhook.sealed = Sealed.of({"secret": secret, "former": known["secret"]})
    webhook.former_secret_until = clock.now() + FORMER_SECRET_FOR
    webhook.save(update_fields=["sealed", "former_secret_until"])
    record("secret_replaced", webhook, by=by)
    return secret


@transaction.atomic
def remove_webhook(webhook: Webhook, *, by: User) -> None:
    """Remove a webhook with its deliveries. Waits for transactions that are about to send to it."""
    check_permission(by, Permission.WEBHOOK_MANAGE)
    locked = Webhook.objects.select_for_update().filter(pk=webhook.pk).first()
    if locked is None:
        return
    record("removed", locked, by=by)
    alerts.forget(subject_of(locked))
    locked.delete()


@transaction.atomic
def create_test(webhook: Webhook, *, by: User) -> Delivery:
    """Create the delivery of a test event to one webhook; rounds.deliver_now makes it."""
    check_permission(by, Permission.WEBHOOK_MANAGE)
    event = Event.objects.create(type=TEST_EVENT, data={"message": "This is a test."})
    record("test_sent", webhook, by=by)
    return Delivery.objects.create(event=event, webhook=webhook)


@transaction.atomic
def resend(delivery: Delivery, *, by: User) -> None:
    """Queue a delivery again, with the same ID. Raises NotSent while the webhook is off or a worker has it."""
    check_permission(by, Permission.WEBHOOK_MANAGE)
    if not delivery.webhook.is_enabled:
        raise NotSent(_("The webhook is off. Turn it on first."))
    now = clock.now()
    ended = Delivery.objects.filter(pk=delivery.pk).exclude(status__in=OPEN)
    fresh = {"status": JobStatus.QUEUED, "tries": 0, "not_before": now, "queued_at": now, "finished_at": None}
    waiting = Delivery.objects.filter(pk=delivery.pk, status=JobStatus.QUEUED, lease_until=None)
    if not ended.update(**fresh) and not waiting.update(**fresh):
        raise NotSent(_("This event is being sent now."))
    record("resent", delivery.webhook, by=by, changes={"event": (None, delivery.event.event_id)})
    Webhook.objects.filter(pk=delivery.webhook_id).update(resume_at=None)
    outbox.wake_on_commit()


def disable_failing(webhook: Webhook, why: str) -> None:
    """Turn a webhook off that fails for good, and notify users. Called inside the transaction that records the
    failure."""
    version = webhook.version + 1
    if not Webhook.objects.filter(pk=webhook.pk, is_enabled=True).update(is_enabled=False, version=version):
        return
    record("turned_off", webhook, by=None, changes={"is_enabled": (True, False)}, version=version)
    _cancel_waiting(webhook)
    alerts.open_alert(Kind.WEBHOOK_OFF, subject_of(webhook), why)


def secrets_of(webhook: Webhook) -> list[str]:
    """Return the secrets to sign with: the secret, and the former one for a day after it was replaced."""
    known = webhook.sealed.open()
    is_former_valid = webhook.former_secret_until is not None and clock.now() < webhook.former_secret_until
    return [known["secret"], *([known["former"]] if is_former_valid and "former" in known else [])]


def subject_of(webhook: Webhook) -> Subject:
    """Return the subject of alerts about a webhook."""
    return Subject("webhook", str(webhook.pk), str(webhook), reverse("system:webhook", args=[webhook.pk]))


def waiting_of(webhook: Webhook) -> "QuerySet[Delivery]":
    """Select the deliveries to a webhook that wait and that no worker has."""
    return Delivery.objects.filter(webhook=webhook, status__in=OPEN, lease_until=None)


def _cancel_waiting(webhook: Webhook) -> None:
    waiting_of(webhook).update(
        status=JobStatus.CANCELED, finished_at=clock.now(), message=_("The webhook was turned off.")
    )


def _scope(webhook: Webhook) -> dict[str, tuple[object, object]]:
    scope = {"connection": webhook.connection_id, "export": webhook.export_id}
    return {name: (None, value) for name, value in scope.items() if value is not None}
