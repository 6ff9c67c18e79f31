"""Notify people of connections that need an administrator: the token, or the export user.

A tick looks for them, since a user who leaves or loses a role knows nothing of connections.
"""

from collections.abc import Iterator

from django.core.cache import cache
from django.urls import reverse

from config.platform.notifications import alerts
from config.platform.notifications.alerts import Alert, Subject
from config.platform.notifications.models import Kind
from connections import policies
from connections.models import Connection

LOOK_EVERY_SECONDS = 20
KINDS = (Kind.RECONNECT, Kind.EXPORT_USER)


def look_if_it_is_time() -> None:
    """Look, unless some process has done so a moment ago."""
    if cache.add("connections-looked-at", True, LOOK_EVERY_SECONDS):
        look()


def look() -> None:
    """Open and close conditions, as the connections are now."""
    found = list(Connection.objects.filter(removal_asked_at=None).select_related("export_user"))
    troubles = [trouble for connection in found for trouble in _troubles(connection)]
    alerts.reconcile(KINDS, "connection", troubles, existing={str(connection.pk) for connection in found})


def _troubles(connection: Connection) -> Iterator[Alert]:
    path = reverse("connections:edit", args=[connection.pk])
    subject = Subject("connection", str(connection.pk), connection.name, path)
    if connection.reconnect_reason:
        yield Alert(Kind.RECONNECT, subject, connection.reconnect_reason)
    if _lost_its_export_user(connection):
        sentence = str(policies.ConnectionStatus.EXPORT_USER_NEEDED.sentence)
        yield Alert(Kind.EXPORT_USER, subject, sentence)


def _lost_its_export_user(connection: Connection) -> bool:
    """It had one; while it is being set up nothing is the matter."""
    had_one = policies.needs_export_user(connection) and connection.export_user_added_at is not None
    return had_one and not policies.is_valid_export_user(connection.export_user)
