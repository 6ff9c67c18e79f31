"""Notify another system by a webhook: one JSON document by POST, signed.

The address comes from the environment (WEBHOOK_URL), never from a page, so that no user can make requests
inside the network. Redirects are not followed, for the same reason. See decision 0033.
"""

import hashlib
import hmac
import time

import orjson
import requests
from django.conf import settings
from django.utils.translation import gettext as _

from config.platform.notifications.mail import absolute_url
from config.platform.notifications.models import Notification

TIMEOUT_SECONDS = (5, 10)  # to connect, to answer


class NotTaken(Exception):
    """The other side did not answer with 2xx. Never says the address, which may hold a secret."""


def post(notification: Notification) -> None:
    """Post it; raises NotTaken."""
    body = orjson.dumps(document(notification))
    try:
        status = _post(body, headers(body, notification.pk))
    except requests.Timeout:
        raise NotTaken(_("no response in time")) from None
    except requests.RequestException:
        raise NotTaken(_("not reachable")) from None
    if not 200 <= status < 300:
        raise NotTaken(f"HTTP {status}")


def _post(body: bytes, headers: dict[str, str]) -> int:
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
        return answer.status_code


def document(notification: Notification) -> dict[str, object]:
    """Build the JSON document. ``id`` is the same whenever it is sent again."""
    condition = notification.condition
    return {
        "id": notification.pk,
        "event": notification.change,
        "kind": condition.kind,
        "title": str(condition),
        "sentence": condition.sentence,
        "removals": condition.removals,
        "subject": {
            "kind": condition.subject_kind,
            "key": condition.subject_key,
            "name": condition.subject_name,
            "url": absolute_url(condition.path),
        },
        "opened_at": condition.opened_at.isoformat(),
        "closed_at": condition.closed_at.isoformat() if condition.closed_at else None,
    }


def headers(body: bytes, notification_id: int) -> dict[str, str]:
    """With WEBHOOK_SECRET: the time, and the HMAC-SHA256 of “time.body” by it, so that neither can be forged and
    an old one cannot be passed off as new."""
    plain = {"Content-Type": "application/json", "X-Notification-Id": str(notification_id)}
    if not settings.WEBHOOK_SECRET:
        return plain
    moment = str(int(time.time()))
    signed = hmac.new(settings.WEBHOOK_SECRET.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return plain | {"X-Timestamp": moment, "X-Signature": f"sha256={signed}"}
