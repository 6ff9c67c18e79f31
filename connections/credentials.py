"""Give destinations access to an account: decrypt the credentials of a connection, resolve references to secrets,
and guard each request by the lease deadline and the pause of the connection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from django.utils.translation import gettext as _

from config.platform.encryption.keyring import CannotDecrypt
from config.platform.jobs import deadline
from connections import secret_references, token_renewal
from connections.destinations.errors import TryLater
from connections.destinations.values import Access, CheckStep, Renew, SendGuard
from connections.models import Connection
from connections.vault import NotConnected, address_of


class Paused(NotConnected):
    """An administrator has paused the connection."""


def access(connection: Connection) -> Access:
    """Give a destination access to the account of a connection, guarded by the lease deadline of the caller's
    job. Raises NotConnected, and Paused while an administrator has paused it."""
    if connection.is_paused:
        raise Paused(
            _("“{name}” was paused by an administrator. No requests start until it is resumed.").format(
                name=connection
            )
        )
    if connection.credentials is None:
        raise NotConnected(_("“{name}” is not connected to an account yet.").format(name=connection))
    try:
        opened = connection.credentials.open()
    except CannotDecrypt as error:
        raise NotConnected(
            _("The credentials of “{name}” cannot be decrypted: {why}.").format(name=connection, why=error)
        ) from error
    given = access_with(connection, opened)
    return replace(given, renew=_renewer(connection, opened), check_may_send=_guard(connection))


def _guard(connection: Connection) -> SendGuard:
    """Return the guard that every request calls first: it checks the lease deadline, and whether ``connection``
    was paused meanwhile, as far as the caller keeps that instance fresh. It reads no database, so any thread
    may call it."""
    check_deadline = deadline.current_guard()

    def check_may_send() -> None:
        check_deadline()
        if connection.is_paused:
            raise TryLater(_("An administrator has paused the connection."), code="paused")

    return check_may_send


def access_with(connection: Connection, credentials: dict[str, str]) -> Access:
    """Give access with credentials that are being tried and are not stored yet. References are resolved only
    here."""
    base_url = address_of(connection)
    try:
        secrets = secret_references.resolve_all(credentials)
    except secret_references.LeadsNowhere as error:
        raise NotConnected(
            _("The credentials of “{name}” cannot be read: {why}").format(name=connection, why=error)
        ) from error
    return Access(base_url=base_url, credentials=secrets, options=dict(connection.options))


def _renewer(connection: Connection, opened: dict[str, str]) -> Renew | None:
    """Return what fetches a better token; None for credentials that do not expire."""
    return partial(token_renewal.renew, connection.pk) if token_renewal.REFRESH in opened else None


@dataclass(frozen=True)
class Diagnosis:
    """Whether a connection works: the steps of a check, and what they add up to."""

    steps: Sequence[CheckStep]

    @property
    def ok(self) -> bool:
        return all(step.ok for step in self.steps)

    @property
    def asks_for(self) -> str:
        """Return the name of the input that is missing; empty when none is."""
        return next((step.asks_for for step in self.steps if step.asks_for), "")

    @property
    def learned(self) -> dict[str, str]:
        """Return the facts about the account that the connection keeps."""
        return {name: value for step in self.steps for name, value in step.learned.items()}


def check_typed(connection: Connection, secrets: Mapping[str, str], options: Mapping[str, str]) -> Diagnosis:
    """Check credentials that are not stored; nothing is kept. ``connection``, saved or not, says where. Raises
    NotConnected when there is no address."""
    given = access_with(connection, dict(secrets))
    return Diagnosis(connection.destination.check(replace(given, options=dict(options))))


def check_stored(connection: Connection) -> Diagnosis:
    """Check the stored credentials. Raises NotConnected when there are none."""
    return Diagnosis(connection.destination.check(access(connection)))
