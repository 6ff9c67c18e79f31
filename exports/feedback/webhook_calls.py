"""Take calls of webhooks: find whose they are, and let the list be looked at when they bring news.

Nothing that a call says is stored or believed. The addresses in it are only compared with what is known, so that
our own imports and removals, and calls that come again, ask for no look.
"""

import hmac
import logging
from typing import Any

from django.db import connection as database

from config.platform.jobs import clock
from config.platform.jobs.enqueue import enqueue
from config.platform.jobs.models import OPEN
from connections.destinations.subscribers import WebhookCall
from connections.models import Account
from exports.feedback import watches, webhooks
from exports.models import LEARNED, ListState, ListWebhook

logger = logging.getLogger(__name__)

LOOK_AT_LIST = "exports.tasks.look_at_list"
MOST_BYTES = 8 * 1024 * 1024
# News: an address that left the list, not known to be suppressed and not removed by a run of ours, or one that is
# active and known as suppressed.
_IS_NEWS = """
    SELECT EXISTS (
        SELECT FROM unnest(%(left)s::text[]) AS gone (email)
         WHERE NOT EXISTS (SELECT FROM exports_subscriberstatus known
                            WHERE known.list_state_id = %(list)s AND known.email = gone.email
                              AND known.source = ANY (%(learned)s))
           AND NOT EXISTS (SELECT FROM exports_removedcontact removed
                            WHERE removed.list_state_id = %(list)s AND removed.email = gone.email)
           AND gone.email NOT IN (SELECT unnest(batch.emails) FROM exports_batch batch
                                    JOIN exports_run run ON run.id = batch.run_id
                                   WHERE run.account = %(account)s AND run.list_id = %(list_id)s
                                     AND run.status = ANY (%(open)s) AND batch.status = 'sending'
                                     AND batch.operation IN ('delete', 'unsubscribe'))
    ) OR EXISTS (
        SELECT FROM exports_subscriberstatus known
         WHERE known.list_state_id = %(list)s AND known.email = ANY (%(joined)s::text[]))
"""
_NO_HASH = "0" * 64


def authenticate(webhook_id: int, secret: str) -> ListWebhook | None:
    """Return the webhook whose address a call came to; None when the secret is not its own."""
    webhook = ListWebhook.objects.select_related("list_state").filter(pk=webhook_id).first()
    known = webhook.secret_hash if webhook and webhook.secret_hash else _NO_HASH
    is_its_own = hmac.compare_digest(webhooks.hash_of(secret), known)
    return webhook if is_its_own else None


def take(webhook: ListWebhook, body: bytes) -> None:
    """Take a call. What cannot be read, or is of another list, has no effect."""
    call = Account.parse(webhook.account).destination.read_webhook_call(body)
    if call is None or call.list_id != webhook.list_id.lower():
        logger.warning("list webhook %s: a call could not be read", webhook.pk)
        return
    ListWebhook.objects.filter(pk=webhook.pk).update(received_at=clock.now())
    state = webhook.list_state
    if state is not None and _is_news(state, call) and watches.ask(state.pk):
        enqueue(LOOK_AT_LIST, state.watch.pk)


def _is_news(state: ListState, call: WebhookCall) -> bool:
    parameters: dict[str, Any] = {
        "list": state.pk,
        "account": state.account,
        "list_id": state.list_id,
        "left": list(call.left),
        "joined": list(call.joined),
        "learned": [each.value for each in LEARNED],
        "open": list(OPEN),
    }
    with database.cursor() as cursor:
        cursor.execute(_IS_NEWS, parameters)
        return bool(cursor.fetchone()[0])
