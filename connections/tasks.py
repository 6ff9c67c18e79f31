"""Run the periodic tasks of connections: finish removals, notify about connections that need an administrator,
renew tokens. A lost message changes nothing."""

from collections.abc import Iterator

from celery import shared_task
from django.core.cache import cache
from django.urls import reverse

from config.platform.notifications import alerts
from config.platform.notifications.alerts import Alert, Subject
from config.platform.notifications.models import Kind
from connections import actions, credentials, policies
from connections.models import Connection

ALERTS_EVERY_SECONDS = 20
ALERT_KINDS = (Kind.RECONNECT, Kind.EXPORT_USER)


@shared_task
def enqueue_pending() -> None:
    """Finish removals that waited for runs to stop, notify about connections that need an administrator, and
    renew authorizations that end soon."""
    try:
        actions.finish_removals()
        update_alerts_if_due()
    finally:
        credentials.renew_due()


def update_alerts_if_due() -> None:
    """Update the alerts, unless a process has done so a moment ago."""
    if cache.add("connections-looked-at", True, ALERTS_EVERY_SECONDS):
        update_alerts()


def update_alerts() -> None:
    """Open and close the alerts by the present state of all connections."""
    found = list(Connection.objects.filter(removal_asked_at=None).select_related("export_user"))
    troubles = [trouble for connection in found for trouble in _alerts_of(connection)]
    alerts.reconcile(ALERT_KINDS, "connection", troubles, existing={str(connection.pk) for connection in found})


def _alerts_of(connection: Connection) -> Iterator[Alert]:
    path = reverse("connections:edit", args=[connection.pk])
    subject = Subject("connection", str(connection.pk), connection.name, path)
    if connection.reconnect_reason:
        yield Alert(Kind.RECONNECT, subject, connection.reconnect_reason)
    if _lost_its_export_user(connection):
        sentence = str(policies.ConnectionStatus.EXPORT_USER_NEEDED.sentence)
        yield Alert(Kind.EXPORT_USER, subject, sentence)


def _lost_its_export_user(connection: Connection) -> bool:
    """Tell whether a connection has lost its export user; one that is being set up has not."""
    had_one = policies.needs_export_user(connection) and connection.export_user_added_at is not None
    return had_one and not policies.is_valid_export_user(connection.export_user)
