"""Tell when a connection can be used, whichever user asks.

A sandbox connection that a file has made runs without consent and export user: nothing leaves this installation,
no real person is reached. Its pane asks for both all the same, as for a live connection (wizard.py).
"""

from dataclasses import dataclass
from enum import StrEnum

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.platform.accounts.models import User
from connections import consent_text
from connections.models import Connection
from connections.permissions import user_can_manage_connections


class ConnectionStatus(StrEnum):
    """The one thing that keeps a connection from working most, or READY."""

    READY = "ready"
    NOT_CONNECTED = "not_connected"
    RECONNECT_NEEDED = "reconnect"
    CONSENT_NEEDED = "consent_needed"
    EXPORT_USER_NEEDED = "export_user_needed"
    BEING_REMOVED = "being_removed"
    PAUSED = "paused"

    @property
    def label(self) -> str | Promise:
        return _LOOKS[self].label

    @property
    def tone(self) -> str:
        """Return the tone of the status pill."""
        return _LOOKS[self].tone

    @property
    def icon(self) -> str:
        return _LOOKS[self].icon

    @property
    def sentence(self) -> str | Promise:
        """Say what is wrong and what an administrator can do about it."""
        return _LOOKS[self].sentence


@dataclass(frozen=True)
class _Look:
    label: str | Promise
    tone: str
    icon: str
    sentence: str | Promise


_LOOKS = {
    ConnectionStatus.READY: _Look(_("Ready"), "success", "circle-check", _("Exports can use this connection.")),
    ConnectionStatus.NOT_CONNECTED: _Look(
        _("Not connected"),
        "warning",
        "unplug",
        _("No account is connected yet. An administrator has to open the connection and authenticate."),
    ),
    ConnectionStatus.RECONNECT_NEEDED: _Look(
        _("Reconnect needed"),
        "danger",
        "unplug",
        _(
            "The account no longer accepts the stored credentials. "
            "An administrator has to open the connection and authenticate again."
        ),
    ),
    ConnectionStatus.CONSENT_NEEDED: _Look(
        _("Consent needed"),
        "warning",
        "shield-alert",
        _(
            "Consent to data privacy and compliance is missing, or the text has changed. An "
            "administrator has to open the connection, read the text and choose “I agree”."
        ),
    ),
    ConnectionStatus.EXPORT_USER_NEEDED: _Look(
        _("Export user needed"),
        "warning",
        "user-x",
        _(
            "The connection has no active administrator as its export user. An administrator has to "
            "open the connection and choose “Add yourself as export user”."
        ),
    ),
    ConnectionStatus.BEING_REMOVED: _Look(
        _("Being removed"),
        "neutral",
        "trash-2",
        _("An administrator has removed the connection. It is deleted when the runs that use it have stopped."),
    ),
    ConnectionStatus.PAUSED: _Look(
        _("Paused"),
        "warning",
        "circle-pause",
        _("An administrator has paused this connection. Runs wait, and no requests start until it is resumed."),
    ),
}


def status_of(connection: Connection) -> ConnectionStatus:
    """Return the status of a connection. Lists fetch ``consents`` and ``export_user`` beforehand."""
    if connection.is_being_removed:
        return ConnectionStatus.BEING_REMOVED
    return ConnectionStatus.PAUSED if connection.is_paused else _readiness(connection)


def _readiness(connection: Connection) -> ConnectionStatus:
    """Return the step of the set-up that is missing, or READY."""
    if connection.credentials is None:
        return ConnectionStatus.NOT_CONNECTED
    if connection.reconnect_reason:
        return ConnectionStatus.RECONNECT_NEEDED
    if lacks_consent(connection):
        return ConnectionStatus.CONSENT_NEEDED
    if needs_export_user(connection) and not is_valid_export_user(connection.export_user):
        return ConnectionStatus.EXPORT_USER_NEEDED
    return ConnectionStatus.READY


def why_it_cannot_run(connection: Connection) -> ConnectionStatus | None:
    """Return what keeps exports from using the connection; None when nothing does. Runs of a paused connection
    start, and wait."""
    if connection.is_being_removed:
        return ConnectionStatus.BEING_REMOVED
    readiness = _readiness(connection)
    return None if readiness is ConnectionStatus.READY else readiness


def needs_consent(connection: Connection) -> bool:
    """Tell whether consent is needed before data leave over the connection."""
    return not connection.is_sandbox


def lacks_consent(connection: Connection) -> bool:
    """Tell whether consent to the present text is missing. Of several consents the newest counts."""
    newest = next(iter(connection.consents.all()), None)
    return needs_consent(connection) and (newest is None or newest.text_version != consent_text.VERSION)


def needs_export_user(connection: Connection) -> bool:
    """Tell whether the connection needs an export user, who is responsible for what it sends."""
    return not connection.is_sandbox


def depending_on(user: User) -> QuerySet[Connection]:
    """Return the connections whose exports stop when this user can no longer manage connections."""
    return Connection.objects.filter(export_user=user).order_by("name")


def is_valid_export_user(user: User | None) -> bool:
    """Tell whether the user is active and may manage connections."""
    return user is not None and user_can_manage_connections(user)
