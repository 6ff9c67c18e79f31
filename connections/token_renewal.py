"""Renew the tokens of authorizations that were granted at the vendor, once, by one process.

Tokens are encrypted like other credentials, with the moment when they expire. A renewal takes an advisory lock
for its transaction, checks whether another process was faster, and only then asks the vendor; so one refresh is
requested however many processes and threads meet the same expired token.
"""

import hashlib
import logging
import threading
from contextlib import suppress
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import connection as database
from django.db import transaction

from config.platform.encryption.keyring import CannotDecrypt
from config.platform.jobs import clock
from connections import reconnect, vault
from connections.destinations.errors import DestinationError, NeedsAdministrator, PermanentError
from connections.destinations.values import Tokens
from connections.models import Connection

ACCESS, REFRESH, EXPIRES, LASTS = "access_token", "refresh_token", "expires_at", "lasts_seconds"
# In the options of a connection: how its account was opened.
SIGNED_IN, BY_OAUTH = "signed_in", "oauth"
_LOCK = 0x0A07
# Renewed when a fifth of its life is left, and at the latest a day before it ends.
_AHEAD, _AHEAD_AT_MOST = 0.2, timedelta(days=1)
_AGAIN_AFTER_SECONDS = 60

logger = logging.getLogger(__name__)


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
        reconnect.mark_reconnect_needed(connection, refused.sentence)
    except DestinationError as trouble:
        logger.warning("connection %s: the authorization is not renewed yet: %s", connection.pk, trouble.code)


@transaction.atomic
def _renew_alone(connection_id: int, refused: str, expired: bool) -> str:
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [connection_id, _LOCK])
    connection, stored = _now(connection_id)
    if not expired or stored.get(ACCESS) != refused:
        return stored.get(ACCESS, refused)
    oauth = connection.destination.oauth
    if oauth is None or not stored.get(REFRESH):
        return refused
    tokens = oauth.refresh(vault.address_of(connection), stored[REFRESH])
    return _keep(connection_id, refused, tokens)


def _now(connection_id: int, *, locked: bool = False) -> tuple[Connection, dict[str, str]]:
    rows = Connection.objects.select_for_update(no_key=True) if locked else Connection.objects
    try:
        connection = rows.get(pk=connection_id)
        return connection, vault.stored(connection)
    except Connection.DoesNotExist:
        raise PermanentError("The connection is gone.", code="connection_gone") from None


def _keep(connection_id: int, refused: str, tokens: Tokens) -> str:
    """Store the tokens, unless the connection was authenticated again meanwhile: those tokens count then."""
    connection, stored = _now(connection_id, locked=True)
    if stored.get(ACCESS) != refused:
        return stored.get(ACCESS, tokens.access_token)
    connection.credentials = vault.seal(as_credentials(tokens))
    connection.save(update_fields=["credentials"])
    logger.info("connection %s: the authorization is renewed", connection_id)
    return tokens.access_token
