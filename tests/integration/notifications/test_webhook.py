"""The webhook: signed, and never led elsewhere."""

import hashlib
import hmac

import pytest
from pytest_django import Settings

from config.platform.jobs.models import JobStatus
from config.platform.notifications import alerts
from config.platform.notifications.models import Kind, Notification
from tests.integration.notifications.conftest import NEWSLETTER, send_all
from tests.support.mail_server import Hook, webhook_receiver
from tests.support.workers import free_port

pytestmark = pytest.mark.django_db


def test_a_receiver_that_knows_the_secret_can_check_it(hook: Hook) -> None:
    alerts.open_alert(Kind.FAILED, NEWSLETTER)
    send_all()
    headers, body = hook.posts[0]
    signed = f"{headers['X-Timestamp']}.".encode() + body
    assert headers["X-Signature"] == f"sha256={hmac.new(b'a-secret', signed, hashlib.sha256).hexdigest()}"


def test_it_is_not_signed_without_a_secret() -> None:
    with webhook_receiver() as hook:
        alerts.open_alert(Kind.FAILED, NEWSLETTER)
        send_all()
    assert "X-Signature" not in hook.posts[0][0]


@pytest.mark.parametrize("status", [302, 404, 500])
def test_anything_but_a_yes_is_tried_again_and_never_followed(hook: Hook, status: int) -> None:
    hook.status, hook.location = status, hook.url
    alerts.open_alert(Kind.FAILED, NEWSLETTER)
    send_all()
    assert len(hook.posts) == 1
    waiting = Notification.objects.get()
    assert (waiting.status, waiting.message) == (JobStatus.QUEUED, f"NotTaken: HTTP {status}")


def test_it_never_says_the_address_which_may_hold_a_secret(settings: Settings) -> None:
    settings.WEBHOOK_URL = f"http://127.0.0.1:{free_port()}/services/a-secret"
    alerts.open_alert(Kind.FAILED, NEWSLETTER)
    send_all()
    assert Notification.objects.get().message == "NotTaken: not reachable"
