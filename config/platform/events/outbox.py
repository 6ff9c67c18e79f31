"""Emit events: write them, with a delivery for each webhook that wants them.

Call ``emit`` inside the transaction that makes the change, so that an event is sent exactly when the change was
made. Without a webhook it costs one query, and the events are not even built.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from config.platform.events.models import Delivery, Event, EventType, Webhook
from config.platform.jobs.enqueue import enqueue_unless_waiting

DELIVER = "config.platform.events.tasks.deliver"
# Deliveries have one message for all: each round looks at the rows.
ROUND = 0


@dataclass(frozen=True)
class NewEvent:
    """An event to be written. The IDs say which exports and connections it is about, for the scope of webhooks;
    ``data`` must hold nothing personal."""

    type: EventType
    data: Mapping[str, Any]
    export_ids: Collection[int] = ()
    connection_ids: Collection[int] = ()


@transaction.atomic
def emit(types: Collection[EventType], build: Callable[[], Iterable[NewEvent]]) -> None:
    """Write the events that ``build`` returns, which are of these types, and enqueue their delivery once the
    transaction is committed. Nothing is built or written that no webhook wants."""
    webhooks = _webhooks_that_want(types)
    if not webhooks:
        return
    wanted = [(new, receivers) for new in build() if (receivers := _receivers(new, webhooks))]
    events = Event.objects.bulk_create(Event(type=new.type, data=dict(new.data)) for new, _receivers in wanted)
    Delivery.objects.bulk_create(
        Delivery(event=event, webhook=webhook)
        for event, (_new, receivers) in zip(events, wanted, strict=True)
        for webhook in receivers
    )
    if events:
        wake_on_commit()


def wake_on_commit() -> None:
    """Wake a worker for a round of deliveries once the present transaction is committed."""
    transaction.on_commit(lambda: enqueue_unless_waiting(DELIVER, ROUND))


def _webhooks_that_want(types: Collection[EventType]) -> Sequence[Webhook]:
    """Return the webhooks that want these types. They cannot be removed before this transaction ends, or its
    deliveries would refer to none, and the change could not be committed."""
    return list(
        Webhook.objects.raw(
            "SELECT * FROM events_webhook WHERE is_enabled AND event_types && %s::varchar[]"
            " ORDER BY id FOR KEY SHARE",
            [list(map(str, types))],
        )
    )


def _receivers(new: NewEvent, webhooks: Sequence[Webhook]) -> Sequence[Webhook]:
    return [
        webhook
        for webhook in webhooks
        if new.type in webhook.event_types
        and (webhook.export_id is None or webhook.export_id in new.export_ids)
        and (webhook.connection_id is None or webhook.connection_id in new.connection_ids)
    ]
