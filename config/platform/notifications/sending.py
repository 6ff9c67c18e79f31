"""Send notifications that are due, each by the worker that claims it, again until it is accepted."""

import logging
from datetime import timedelta
from smtplib import SMTPRecipientsRefused, SMTPResponseException

from django.db.models import Exists, OuterRef, QuerySet

from config.platform.jobs import clock, leases
from config.platform.jobs.models import OPEN, JobStatus
from config.platform.notifications import mail, webhook
from config.platform.notifications.models import Channel, Condition, Notification

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(days=3)
KEPT_FOR = timedelta(days=90)

logger = logging.getLogger(__name__)


def due() -> "QuerySet[Notification]":
    """Select notifications that no worker holds and whose time has come. Recoveries are sent last."""
    earlier = Notification.objects.filter(
        channel=OuterRef("channel"),
        recipient=OuterRef("recipient"),
        condition__subject_kind=OuterRef("condition__subject_kind"),
        condition__subject_key=OuterRef("condition__subject_key"),
        status__in=OPEN,
        pk__lt=OuterRef("pk"),
    )
    return leases.claimable(Notification).filter(~Exists(earlier), not_before__lte=clock.now()).order_by("pk")


def forget_old() -> None:
    """Delete conditions that were closed long ago, with their notifications."""
    long_ago = clock.now() - KEPT_FOR
    Condition.objects.filter(closed_at__lt=long_ago).exclude(notifications__status__in=OPEN).delete()


def send(notification_id: int) -> None:
    """Send one notification, unless another worker holds it or it has to wait. What cannot be sent now is sent
    later."""
    found = due().filter(pk=notification_id).first()
    notification = leases.claim(found) if found else None
    if notification is None:
        return
    try:
        _deliver(notification)
    except Exception as error:  # whatever it is: nothing may be lost, and the page says what it was
        logger.warning("notification.not_sent", extra={"id": notification.pk, "error": type(error).__name__})
        _after_failure(notification, error)
    else:
        _end(notification, JobStatus.SUCCESSFUL, "")


def _deliver(notification: Notification) -> None:
    if notification.channel == Channel.WEBHOOK:
        webhook.post(notification)
    else:
        mail.send_notification(notification)


def _after_failure(notification: Notification, error: Exception) -> None:
    message = f"{type(error).__name__}: {error}"[:500]
    age = clock.now() - notification.created_at
    if _is_hopeless(error) or age > GIVEN_UP_AFTER:
        _end(notification, JobStatus.FAILED, message)
        return
    wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(notification.attempt - 1, 10))
    leases.update_if_owner(notification, message=message, not_before=clock.now() + wait, lease_until=None)


def _is_hopeless(error: Exception) -> bool:
    """Return whether the other side has refused for good, by its own word."""
    if isinstance(error, SMTPRecipientsRefused):
        return all(code >= 500 for code, _text in error.recipients.values())
    return isinstance(error, SMTPResponseException) and 550 <= error.smtp_code < 560


def _end(notification: Notification, status: JobStatus, message: str) -> None:
    now = clock.now()
    leases.update_if_owner(notification, status=status, message=message, finished_at=now, lease_until=None)
