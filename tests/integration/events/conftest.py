"""A receiver of events, and webhooks to it."""

from collections.abc import Iterator

import pytest

from config.platform.accounts.models import User
from config.platform.events import webhooks
from config.platform.events.models import EventType, Webhook
from config.platform.events.outbox import NewEvent, emit
from tests.support.event_receiver import Receiver, event_receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with event_receiver() as found:
        yield found


@pytest.fixture
def webhook(receiver: Receiver, alice: User) -> Webhook:
    return webhook_to(receiver.url, by=alice)


def webhook_to(
    address: str, *, by: User, connection_id: int | None = None, export_id: int | None = None
) -> Webhook:
    """Create a webhook of all types."""
    found, _secret = webhooks.create_webhook(
        address=address, event_types=list(EventType), by=by, connection_id=connection_id, export_id=export_id
    )
    return found


def happen(number: int = 1, *, exports: tuple[int, ...] = (), connections: tuple[int, ...] = ()) -> None:
    """Emit an event that is about these exports and connections."""
    new = NewEvent(EventType.RUN_COMPLETED, {"number": number}, exports, connections)
    emit([EventType.RUN_COMPLETED], lambda: [new])
