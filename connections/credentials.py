"""Give destinations access to an account: decrypt credentials, resolve references to secrets, renew OAuth tokens,
and guard each request by the lease deadline and the pause of the connection.

Tokens are encrypted like other credentials, with the moment when they expire. A renewal takes an advisory lock for
its transaction, checks whether another process was faster, and only then asks the vendor; so a token is renewed
once, however many processes and threads meet the same expired token.
"""

import hashlib
import logging
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from django.core.cache import cache
from django.db import connection as database
from django.db import transaction
from django.utils.translation import gettext as _

from config.platform.call_metrics import observe_call
from config.platform.encryption.fields import Sealed
from config.platform.encryption.keyring import CannotDecrypt
from config.platform.encryption.references import UnresolvedReference, resolve_reference
from config.platform.jobs import clock, deadline
from connections import vault
from connections.destinations.errors import DestinationError, NeedsAdministrator, PermanentError, TryLater
from connections.destinations.values import Access, CheckStep, Renew, SendGuard, Tokens
from connections.models import Connection
from connections.vault import NotConnected, address_of

ACCESS, REFRESH, EXPIRES, LASTS = "access_token", "refresh_token", "expires_at", "lasts_seconds"
# In the options of a connection: how its account was opened.
SIGNED_IN, BY_OAUTH = "signed_in", "oauth"
_LOCK = 0x0A07
# Renewed when a fifth of its life is left, and at the latest a day before it ends.
_AHEAD, _AHEAD_AT_MOST = 0.2, timedelta(days=1)
_AGAIN_AFTER_SECONDS = 60
logger = logging.getLogger(__name__)


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


def access_with(connection: Connection, credentials: dict[str, str]) -> Access:
    """Give access with credentials that are being tried and are not stored yet. References are resolved only
    here."""
    base_url = address_of(connection)
    try:
        secrets = {name: resolve_reference(value) for name, value in credentials.items()}
    except UnresolvedReference as error:
        raise NotConnected(
            _("The credentials of “{name}” cannot be read: {why}").format(name=connection, why=error)
        ) from error
    return Access(base_url, secrets, dict(connection.options), observe=partial(observe_call, connection.pk or 0))


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


def as_credentials(tokens: Tokens) -> dict[str, str]:
    """Convert tokens to the credentials that a connection keeps."""
    return {
        ACCESS: tokens.access_token,
        REFRESH: tokens.refresh_token,
        EXPIRES: (clock.now() + timedelta(seconds=tokens.seconds)).isoformat(),
        LASTS: str(tokens.seconds),
    }


def expires_at(stored: dict[str, str]) -> datetime | None:
    """Return when the token expires; None for a key, which does not."""
    return datetime.fromisoformat(stored[EXPIRES]) if EXPIRES in stored else None


def renew(connection_id: int, refused: str, expired: bool) -> str:
    """Return a good token in place of ``refused``: the one that another process has fetched meanwhile or, when it
    has ``expired``, a fresh one. Returns ``refused`` when there is nothing better. Raises DestinationError.

    May be called from any thread; one that had no database connection is left without one."""
    had_line = database.connection is not None
    try:
        return _renew_alone(connection_id, refused, expired)
    finally:
        if not had_line and threading.current_thread() is not threading.main_thread():
            database.close()


def renew_due() -> None:
    """Renew every authorization that ends soon; what cannot be reached is tried again in a minute."""
    signed_in = {f"options__{SIGNED_IN}": BY_OAUTH, "reconnect_reason": "", "credentials__isnull": False}
    for connection in Connection.objects.filter(**signed_in):
        with suppress(CannotDecrypt):
            _renew_if_due(connection, vault.stored(connection))


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


def _renewer(connection: Connection, opened: dict[str, str]) -> Renew | None:
    """Return what fetches a better token; None for credentials that do not expire."""
    return partial(renew, connection.pk) if REFRESH in opened else None


def _renew_if_due(connection: Connection, stored: dict[str, str]) -> None:
    ends, lasts = expires_at(stored), timedelta(seconds=float(stored.get(LASTS, 0)))
    if ends is None or clock.now() < ends - min(lasts * _AHEAD, _AHEAD_AT_MOST):
        return
    patience = max(1, min(_AGAIN_AFTER_SECONDS, int(lasts.total_seconds() * _AHEAD / 2)))
    which = hashlib.sha256(stored[ACCESS].encode()).hexdigest()[:16]
    if not cache.add(f"renewing:{connection.pk}:{which}", True, patience):
        return
    try:
        renew(connection.pk, stored[ACCESS], True)
    except NeedsAdministrator as refused:
        vault.mark_reconnect_needed(connection, refused.sentence)
    except DestinationError as trouble:
        logger.warning("connection %s: the authorization is not renewed yet: %s", connection.pk, trouble.code)


@transaction.atomic
def _renew_alone(connection_id: int, refused: str, expired: bool) -> str:
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [connection_id, _LOCK])
    connection, stored = _reload(connection_id)
    if not expired or stored.get(ACCESS) != refused:
        return stored.get(ACCESS, refused)
    oauth = connection.destination.oauth
    if oauth is None or not stored.get(REFRESH):
        return refused
    tokens = oauth.refresh(vault.address_of(connection), stored[REFRESH])
    return _store_tokens(connection_id, refused, tokens)


def _reload(connection_id: int, *, locked: bool = False) -> tuple[Connection, dict[str, str]]:
    rows = Connection.objects.select_for_update(no_key=True) if locked else Connection.objects
    try:
        connection = rows.get(pk=connection_id)
        return connection, vault.stored(connection)
    except Connection.DoesNotExist:
        raise PermanentError("The connection is gone.", code="connection_gone") from None


def _store_tokens(connection_id: int, refused: str, tokens: Tokens) -> str:
    """Store the tokens, unless the connection was authenticated again meanwhile: those tokens count then."""
    connection, stored = _reload(connection_id, locked=True)
    if stored.get(ACCESS) != refused:
        return stored.get(ACCESS, tokens.access_token)
    connection.credentials = Sealed.of(as_credentials(tokens))
    connection.save(update_fields=["credentials"])
    logger.info("connection %s: the authorization is renewed", connection_id)
    return tokens.access_token
