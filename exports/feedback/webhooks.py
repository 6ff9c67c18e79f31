"""Create the webhooks of lists at their destination, check them once a day, and delete them with the last export.

A webhook is called at an address with a random secret, of which only the hash is stored: the destination alone has
the address. When a worker dies between the creation and its record, the webhooks on the list with our address are
deleted and another one is created.
"""

import hashlib
import logging
import secrets
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection as database
from django.db.models import Case, Value, When
from django.urls import reverse

from config.platform.jobs import clock, leases
from connections import credentials, destinations
from connections.destinations.errors import DestinationError, NeedsAdministrator, PermanentError
from connections.destinations.values import Access
from connections.models import Connection
from connections.vault import NotConnected, mark_reconnect_needed
from exports.feedback import watches
from exports.models import ListState, ListWebhook
from exports.state import retry_policy

logger = logging.getLogger(__name__)

_CHECKED_EVERY = timedelta(days=1)
_SECRET_BYTES = 32
_MOST_AT_ONCE = 100
# Webhooks of lists to which no export sends, or while there is no address to be called at, are not wanted.
_UPDATE_WANTED = f"""
    UPDATE exports_listwebhook webhook SET is_wanted = wanted.is_wanted, due_at = %(now)s, tries = 0
      FROM (SELECT one.id,
                   one.list_state_id IS NOT NULL AND %(has_address)s AND EXISTS (
                       SELECT FROM {watches.IS_SENT_TO} AND export.list_id = one.list_id
                          AND connection.destination_key || ':' || connection.environment = one.account
                   ) AS is_wanted
              FROM exports_listwebhook one) wanted
     WHERE wanted.id = webhook.id AND wanted.is_wanted <> webhook.is_wanted
"""  # noqa: S608 - only our own fragments are put in


def update_wanted() -> None:
    """Note the webhooks that are missing, and those that are not wanted any more."""
    keys = [each.key for each in destinations.all_destinations() if each.capabilities.calls_webhooks]
    has_address = bool(settings.LIST_WEBHOOK_URL)
    if has_address:
        missing = ListState.objects.filter(webhook=None).exclude(watch=None)
        new = [
            ListWebhook(list_state=state, account=state.account, list_id=state.list_id)
            for state in missing
            if state.account.partition(":")[0] in keys and watches.connection_of(state) is not None
        ]
        ListWebhook.objects.bulk_create(new, ignore_conflicts=True)
    if has_address or ListWebhook.objects.exists():
        with database.cursor() as cursor:
            parameters: dict[str, Any] = {"destinations": keys, "has_address": has_address, "now": clock.now()}
            cursor.execute(_UPDATE_WANTED, parameters)


def due() -> list[int]:
    """Return the IDs of webhooks that are to be created, checked or deleted, and that no worker holds."""
    found = leases.claimable(ListWebhook).filter(due_at__lte=clock.now()).order_by("due_at")
    return list(found.values_list("pk", flat=True)[:_MOST_AT_ONCE])


def tend(webhook_id: int) -> None:
    """Create, check or delete a webhook, unless another worker does."""
    webhook = leases.claim(ListWebhook(pk=webhook_id)) if webhook_id in due() else None
    if webhook is None:
        return
    try:
        with leases.hold(webhook):
            _tend(webhook)
    except leases.LeaseLost:
        logger.warning("list webhook %s: another worker has taken over", webhook.pk)
    except Exception:
        logger.exception("list webhook %s: unexpected error", webhook.pk)
        _try_again(webhook, "unexpected_error")


def _tend(webhook: ListWebhook) -> None:
    connection = _connection_of(webhook)
    if connection is None:
        _without_connection(webhook)
        return
    try:
        access = credentials.access(connection)
        if webhook.is_wanted:
            _check(webhook, connection, access)
        else:
            _delete(webhook, connection, access)
    except credentials.Paused:
        _try_again(webhook, "paused")
    except NotConnected:
        _without_connection(webhook)
    except NeedsAdministrator as needed:
        mark_reconnect_needed(connection, needed.sentence)
        _try_again(webhook, needed.code)
    except PermanentError as refused:  # the list may be gone, and its webhooks with it
        if webhook.is_wanted:
            _try_again(webhook, refused.code)
        else:
            webhook.delete()
    except DestinationError as trouble:
        _try_again(webhook, trouble.code)


def _connection_of(webhook: ListWebhook) -> Connection | None:
    """Return the connection that leads to the list; for one that is deleted, the one that created it."""
    if webhook.is_wanted and webhook.list_state is not None:
        return watches.connection_of(webhook.list_state)
    return webhook.connection


def _without_connection(webhook: ListWebhook) -> None:
    """Wait for a connection. A webhook that is not wanted and cannot be reached is forgotten: nothing answers its
    address any more."""
    if webhook.is_wanted:
        _try_again(webhook, "no_connection")
    else:
        webhook.delete()


def _check(webhook: ListWebhook, connection: Connection, access: Access) -> None:
    """Make sure that the list has the webhook, once, and calls it."""
    destination, base_url = connection.destination, str(settings.LIST_WEBHOOK_URL)
    found = destination.webhooks(access, webhook.list_id)
    ours = next((each for each in found if each.id == webhook.remote_id and base_url == webhook.base_url), None)
    for other in found:
        if other != ours and other.address.startswith(tuple(_addresses(webhook))):
            destination.delete_webhook(access, webhook.list_id, other.id)
    if ours is None:
        _create(webhook, connection, access)
    elif not ours.is_active:
        destination.activate_webhook(access, webhook.list_id, ours.id)
    now = clock.now()
    # It may have become unwanted meanwhile, and is due then.
    due_at = Case(When(is_wanted=True, then=Value(now + _CHECKED_EVERY)), default=Value(now))
    leases.update_if_owner(webhook, checked_at=now, due_at=due_at, message="", tries=0, lease_until=None)


def _create(webhook: ListWebhook, connection: Connection, access: Access) -> None:
    secret, base_url = secrets.token_urlsafe(_SECRET_BYTES), str(settings.LIST_WEBHOOK_URL)
    leases.update_if_owner(
        webhook, secret_hash=hash_of(secret), base_url=base_url, connection=connection, remote_id=""
    )
    address = base_url.rstrip("/") + reverse("exports:list_webhook", args=[webhook.pk, secret])
    remote_id = connection.destination.create_webhook(access, webhook.list_id, address)
    leases.update_if_owner(webhook, remote_id=remote_id)


def _addresses(webhook: ListWebhook) -> set[str]:
    """Return how the addresses of this webhook begin, under the present base URL and the former one."""
    path = reverse("exports:list_webhook", args=[webhook.pk, "x"]).removesuffix("x/")
    return {base.rstrip("/") + path for base in (webhook.base_url, str(settings.LIST_WEBHOOK_URL)) if base}


def _delete(webhook: ListWebhook, connection: Connection, access: Access) -> None:
    for found in connection.destination.webhooks(access, webhook.list_id):
        if found.id == webhook.remote_id or found.address.startswith(tuple(_addresses(webhook))):
            connection.destination.delete_webhook(access, webhook.list_id, found.id)
    webhook.delete()


def hash_of(secret: str) -> str:
    """Hash the secret of an address. It is random, so a plain hash cannot be searched for it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _try_again(webhook: ListWebhook, why: str) -> None:
    tries = webhook.tries + 1
    due_at = clock.now() + timedelta(seconds=retry_policy.LIST_WATCH.seconds_after(tries))
    try:
        leases.update_if_owner(webhook, due_at=due_at, message=why, tries=tries, lease_until=None)
    except leases.LeaseLost:
        logger.warning("list webhook %s: another worker has taken over", webhook.pk)
