"""The one place where secrets are read in the clear."""

from connections.destinations.values import Access
from connections.fields import Sealed
from connections.models import Connection


class NotConnected(Exception):
    """The connection has no credentials, or they cannot be read."""


def seal(credentials: dict[str, str]) -> Sealed:
    """Credentials in the form in which a connection keeps them."""
    return Sealed.of(credentials)


def access(connection: Connection) -> Access:
    """What the destination needs to speak for this connection; raises NotConnected."""
    if connection.credentials is None:
        raise NotConnected(f"“{connection}” is not connected to an account yet.")
    return access_with(connection, connection.credentials.open())


def access_with(connection: Connection, credentials: dict[str, str]) -> Access:
    """The same for credentials that are being tried and are not stored yet."""
    destination = connection.destination
    base_url = destination.sandbox_url if connection.is_sandbox else destination.live_url
    return Access(base_url=base_url, credentials=credentials, options=dict(connection.options))
