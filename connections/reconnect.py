"""Mark connections whose credentials a destination refuses, until a check succeeds."""

from django.db import transaction

from config.platform.accounts.models import User
from config.platform.audit.record import record
from connections.models import Connection


@transaction.atomic
def mark_reconnect_needed(connection: Connection, reason: str) -> None:
    """Mark that the destination refuses the credentials: nothing runs over the connection until it is
    authenticated again. Written once, however many calls meet the same refusal."""
    marked = Connection.objects.filter(pk=connection.pk, reconnect_reason="").update(reconnect_reason=reason)
    connection.reconnect_reason = reason
    if marked:
        record("connection.refused", connection, by=None, changes={"reconnect_reason": ("", reason)})


@transaction.atomic
def mark_connected(*, by: User | None, connection: Connection) -> None:
    """Clear the mark after a check of the stored credentials succeeded."""
    waiting = Connection.objects.filter(pk=connection.pk).exclude(reconnect_reason="")
    reason, connection.reconnect_reason = connection.reconnect_reason, ""
    if waiting.update(reconnect_reason=""):
        record("connection.accepted", connection, by=by, changes={"reconnect_reason": (reason, "")})
