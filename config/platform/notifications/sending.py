"""Send notifications that are due by mail or webhook, each by the worker that claims it, until it is accepted."""

import hashlib
import hmac
import logging
import time
from datetime import timedelta
from smtplib import SMTPRecipientsRefused, SMTPResponseException

import orjson
import requests
from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from config.platform import retention
from config.platform.jobs import clock, leases
from config.platform.jobs.models import OPEN, JobStatus
from config.platform.notifications import mail
from config.platform.notifications.mail import absolute_url
from config.platform.notifications.models import Channel, Condition, Notification

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(days=3)

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
    Condition.objects.filter(closed_at__lt=retention.NOTIFICATIONS.cutoff()).exclude(
        notifications__status__in=OPEN
    ).delete()


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
        post_webhook(notification)
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


TIMEOUT_SECONDS = (5, 10)  # to connect, to answer


class NotTaken(Exception):
    """The other side did not answer with 2xx. Never says the address, which may hold a secret."""


def post_webhook(notification: Notification) -> None:
    """Notify another system by one signed JSON document; raises NotTaken.

    The address comes from the environment (WEBHOOK_URL), never from a page, so that no user can make requests
    inside the network. Redirects are not followed, for the same reason. See decision 0033.
    """
    body = orjson.dumps(webhook_document(notification))
    headers = webhook_headers(body, notification.pk)
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(
                settings.WEBHOOK_URL,
                data=body,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
                stream=True,
            )
    except requests.Timeout:
        raise NotTaken(_("no response in time")) from None
    except requests.RequestException:
        raise NotTaken(_("not reachable")) from None
    if not 200 <= answer.status_code < 300:
        raise NotTaken(f"HTTP {answer.status_code}")


def webhook_document(notification: Notification) -> dict[str, object]:
    """Build the JSON document. ``id`` is the same whenever it is sent again."""
    condition = notification.condition
    return {
        "id": notification.pk,
        "event": notification.change,
        "kind": condition.kind,
        "title": str(condition),
        "sentence": condition.sentence,
        "results": condition.results,
        "subject": {
            "kind": condition.subject_kind,
            "key": condition.subject_key,
            "name": condition.subject_name,
            "url": absolute_url(condition.path),
        },
        "opened_at": condition.opened_at.isoformat(),
        "closed_at": condition.closed_at.isoformat() if condition.closed_at else None,
    }


def webhook_headers(body: bytes, notification_id: int) -> dict[str, str]:
    """Build the headers. With WEBHOOK_SECRET they hold the time and the HMAC-SHA256 of “time.body”, so that
    neither can be forged and an old message cannot be sent again as a new one."""
    plain = {"Content-Type": "application/json", "X-Notification-Id": str(notification_id)}
    if not settings.WEBHOOK_SECRET:
        return plain
    moment = str(int(time.time()))
    signed = hmac.new(settings.WEBHOOK_SECRET.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return plain | {"X-Timestamp": moment, "X-Signature": f"sha256={signed}"}
