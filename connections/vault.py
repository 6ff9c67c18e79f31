"""Store and read the encrypted credentials of connections."""

from django.utils.translation import gettext as _

from config.platform.encryption.fields import Sealed
from connections.models import Connection


class NotConnected(Exception):
    """The connection has no credentials, or they cannot be read."""


def seal(credentials: dict[str, str]) -> Sealed:
    """Encrypt credentials, in the form in which a connection keeps them."""
    return Sealed.of(credentials)


def unseal(sealed: Sealed) -> dict[str, str]:
    """Decrypt credentials that are being tried and are not stored. Raises CannotDecrypt."""
    return sealed.open()


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
