"""Store and read the credentials of connections: encrypted values, references to secrets, and the mark that an
administrator has to authenticate again.

Only a reference is stored where one is given; config/platform/encryption/references.py resolves it at each use.
"""

from django.db import transaction
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.audit.record import record
from connections.models import Connection


class NotConnected(Exception):
    """The connection has no credentials, or they cannot be read."""


def stored(connection: Connection) -> dict[str, str]:
    """Return the stored credentials, with references to secrets as they are written; empty when there are none.
    Raises CannotDecrypt."""
    return connection.credentials.open() if connection.credentials is not None else {}


def address_of(connection: Connection) -> str:
    """Return the address of the account. Raises NotConnected where the settings have none."""
    destination = connection.destination
    base_url = destination.sandbox_url if connection.is_sandbox else destination.live_url
    if not base_url:
        raise NotConnected(
            _("The settings of this installation contain no address for “{name}”.").format(name=connection)
        )
    return base_url


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
