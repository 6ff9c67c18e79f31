"""A mail server, a receiver of webhooks, and the outbox worked through as the workers do."""

from collections.abc import Iterator

import pytest

from config.platform.notifications import sending
from config.platform.notifications.alerts import Subject
from tests.support.mail_server import Hook, Postbox, mail_server, webhook_receiver

NEWSLETTER = Subject("export", "7", "Newsletter", "/data/runs/7/")


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    with mail_server() as found:
        yield found


@pytest.fixture
def hook() -> Iterator[Hook]:
    with webhook_receiver(secret="a-secret") as found:
        yield found


def send_all() -> None:
    """One look of the tick at the outbox, and another at what waited for that."""
    for _look in range(2):
        for pk in list(sending.due().values_list("pk", flat=True)):
            sending.send(pk)
