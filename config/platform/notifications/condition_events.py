"""Emit the events of alerts: opened and resolved. Their data has no sentence, which may name a user."""

from collections.abc import Sequence

from config.platform.events.models import EventType
from config.platform.events.outbox import NewEvent, emit
from config.platform.notifications.mail import absolute_url
from config.platform.notifications.models import Condition, Kind


def emit_opened(condition: Condition) -> None:
    """Emit that an alert was opened. Called inside the transaction that opens it."""
    if condition.kind != Kind.TEST:
        emit([EventType.ALERT_OPENED], lambda: [_event(EventType.ALERT_OPENED, condition)])


def emit_resolved(conditions: Sequence[Condition]) -> None:
    """Emit that alerts were resolved, or that their subject no longer exists."""
    real = [each for each in conditions if each.kind != Kind.TEST]
    if real:
        emit([EventType.ALERT_RESOLVED], lambda: [_event(EventType.ALERT_RESOLVED, each) for each in real])


def _event(type_: EventType, condition: Condition) -> NewEvent:
    return NewEvent(
        type_,
        {
            "alert": {
                "id": condition.pk,
                "kind": condition.kind,
                "opened_at": condition.opened_at.isoformat(),
                "results": condition.results,
            },
            "subject": {
                "kind": condition.subject_kind,
                "id": condition.subject_key,
                "name": condition.subject_name,
                "url": absolute_url(condition.path),
            },
        },
        export_ids=condition.export_ids,
        connection_ids=condition.connection_ids,
    )
