"""Deliver events in rounds: claim the deliveries that are due, post them in threads, and record the answers.

One round at a time works in this installation, so that deliveries use one thread of the queue, however slow
receivers are. Inside it, each webhook has few requests in flight, so that a slow one holds up no other.
"""

import logging
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import orjson
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext as _

from config.platform import retention
from config.platform.encryption.keyring import CannotDecrypt
from config.platform.events import receiver, signature, webhooks
from config.platform.events.models import TEST_EVENT, Delivery, Event, Webhook
from config.platform.events.receiver import Answer
from config.platform.jobs import backoff, clock, leases
from config.platform.jobs.models import OPEN, JobStatus

ROUND_SECONDS: Final = 10.0
MOST_IN_FLIGHT: Final = 16
MOST_OF_A_WEBHOOK: Final = 2
_REQUEST_SECONDS: Final = 15.0
_FIRST_WAIT_SECONDS: Final = 5
_GROWTH: Final = 4
# From so many failures in a row on, a webhook waits as a whole, with one attempt at a time.
_WAITS_FROM: Final = 3
TURNED_OFF_AFTER: Final = timedelta(days=5)
# Longer, so that a receiver that accepts nothing is turned off before its first event is given up.
GIVEN_UP_AFTER: Final = TURNED_OFF_AFTER + timedelta(hours=1)
_LOOK_SECONDS: Final = 0.5
_LOCK: Final = "event deliveries"

logger = logging.getLogger(__name__)


def is_any_due() -> bool:
    """Return whether a delivery is due that no round works on."""
    return not _in_flight().exists() and _due().exists()


def deliver_due(seconds: float = ROUND_SECONDS) -> None:
    """Work one round: begin deliveries for ``seconds``, and wait for the last answer. Returns at once while
    another worker has a round."""
    ends_at = time.monotonic() + seconds
    ours: dict[Future[Answer], Delivery] = {}
    with ThreadPoolExecutor(MOST_IN_FLIGHT, thread_name_prefix="deliveries") as pool:
        while True:
            if time.monotonic() < ends_at:
                for delivery in _claim_due(ours):
                    ours[pool.submit(_post, _message(delivery))] = delivery
            if not ours:
                return
            done = wait(ours, timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED).done
            for future in done:
                _record(ours.pop(future), future.result())


def deliver_now(delivery: Delivery) -> Delivery:
    """Make one delivery now, such as a test, and return it with the answer; nothing when a worker has it."""
    for claimed in leases.start_all(Delivery, [delivery.pk]):
        _record(claimed, _post(_message(claimed)))
    return Delivery.objects.select_related("event", "webhook").get(pk=delivery.pk)


def forget_old() -> None:
    """Delete events of long ago with their deliveries."""
    Event.objects.filter(occurred_at__lt=retention.EVENTS.cutoff()).delete()


def request_seconds() -> float:
    """Return the time limit of a request, well within a lease."""
    return min(_REQUEST_SECONDS, settings.LEASE_SECONDS / 2)


def _in_flight() -> "QuerySet[Delivery]":
    return Delivery.objects.filter(status__in=OPEN, lease_until__gte=Now())


def _due() -> "QuerySet[Delivery]":
    due = leases.claimable(Delivery).filter(webhook__is_enabled=True, not_before__lte=clock.now())
    return due.filter(backoff.where_wait_is_over("webhook__resume_at"))


@transaction.atomic
def _claim_due(ours: Mapping[Future[Answer], Delivery]) -> list[Delivery]:
    """Claim as many due deliveries as may be in flight beside ours; none while another round works."""
    free = MOST_IN_FLIGHT - len(ours)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", [_LOCK])
        is_alone = cursor.fetchone()[0]
    others = _in_flight().exclude(pk__in=[delivery.pk for delivery in ours.values()])
    if free < 1 or not is_alone or others.exists():
        return []
    busy = Counter(delivery.webhook_id for delivery in ours.values())
    chosen: list[int] = []
    due_webhooks = Webhook.objects.filter(backoff.where_wait_is_over("resume_at"), is_enabled=True)
    for webhook in due_webhooks.order_by(F("tried_at").asc(nulls_first=True)):
        most = MOST_OF_A_WEBHOOK if webhook.failures < _WAITS_FROM else 1
        places = min(free - len(chosen), most - busy[webhook.pk])
        if places > 0:
            due = _due().filter(webhook=webhook).order_by("not_before", "pk")
            chosen += due.values_list("pk", flat=True)[:places]
    claimed = leases.start_all(Delivery, chosen) if chosen else []
    Webhook.objects.filter(pk__in={each.webhook_id for each in claimed}).update(tried_at=clock.now())
    return claimed


@dataclass(frozen=True)
class _Message:
    """What is posted: the same body and ID in every attempt, with a new time and signature."""

    address: str
    body: bytes
    headers: Mapping[str, str]
    seconds: float


def _message(delivery: Delivery) -> _Message | None:
    """Return the message of a delivery; None when the secret cannot be read."""
    event, webhook = delivery.event, delivery.webhook
    body = body_of(event)
    try:
        secrets = webhooks.secrets_of(webhook)
    except CannotDecrypt:
        logger.exception("delivery %s: the secret of webhook %s cannot be read", delivery.pk, webhook.pk)
        return None
    headers = signature.signed_headers(event.event_id, int(time.time()), body, secrets)
    return _Message(webhook.address, body, headers, request_seconds())


def body_of(event: Event) -> bytes:
    """Return the JSON document of an event."""
    moment = event.occurred_at.isoformat().replace("+00:00", "Z")
    return orjson.dumps({"type": event.type, "timestamp": moment, "data": event.data})


def shown_body(event: Event) -> str:
    """Return that document with its parts on lines of their own, for people."""
    return orjson.dumps(orjson.loads(body_of(event)), option=orjson.OPT_INDENT_2).decode()


def _post(message: _Message | None) -> Answer:
    if message is None:
        return Answer(None, _("The secret of the webhook cannot be read. See the log for details."), 0)
    try:
        return receiver.post(message.address, message.body, message.headers, seconds=message.seconds)
    except Exception:  # whatever it is: no event may be lost, and the others of the round go on
        logger.exception("an event could not be posted")
        return Answer(None, _("An unexpected error occurred. See the log for details."), 0)


def _record(delivery: Delivery, answer: Answer) -> None:
    """Record the answer with the state of the webhook; without effect when another worker has the delivery."""
    try:
        with transaction.atomic():
            if answer.is_accepted:
                _end(delivery, answer, JobStatus.SUCCESSFUL)
                Webhook.objects.filter(pk=delivery.webhook_id).update(
                    failing_since=None, failures=0, resume_at=None
                )
            else:
                _record_failure(delivery, answer)
    except leases.LeaseLost:
        logger.warning("delivery %s: another worker has taken over, or it was removed", delivery.pk)


def _record_failure(delivery: Delivery, answer: Answer) -> None:
    now = clock.now()
    if delivery.event.type == TEST_EVENT:  # a user looks at the answer
        _end(delivery, answer, JobStatus.FAILED)
        return
    if answer.is_gone or now - delivery.queued_at > GIVEN_UP_AFTER:
        _end(delivery, answer, JobStatus.FAILED)
    else:
        leases.update_if_owner(
            delivery,
            status=JobStatus.QUEUED,
            not_before=backoff.wait_until(max(_wait_seconds(delivery.tries), answer.retry_after)),
            **_facts(delivery, answer),
        )
    failed = Webhook.objects.filter(pk=delivery.webhook_id)
    failed.update(failures=F("failures") + 1, failing_since=Coalesce("failing_since", now))
    webhook = failed.get()
    if webhook.failures >= _WAITS_FROM:
        failed.update(resume_at=backoff.wait_until(_wait_seconds(webhook.failures - _WAITS_FROM)))
    if answer.is_gone or (webhook.failing_since and now - webhook.failing_since > TURNED_OFF_AFTER):
        webhooks.disable_failing(webhook, answer.problem)
    elif not Delivery.objects.filter(webhook=webhook, status__in=OPEN).exists():
        # Nothing is tried anymore: the next failure, perhaps in weeks, is the first one again.
        failed.update(failing_since=None, failures=0, resume_at=None)


def _wait_seconds(earlier: int) -> float:
    return float(_FIRST_WAIT_SECONDS * _GROWTH ** min(earlier, 6))


def _end(delivery: Delivery, answer: Answer, status: JobStatus) -> None:
    leases.update_if_owner(delivery, status=status, finished_at=clock.now(), **_facts(delivery, answer))


def _facts(delivery: Delivery, answer: Answer) -> dict[str, object]:
    return {
        "message": answer.problem,
        "http_status": answer.http_status,
        "duration_ms": answer.duration_ms,
        "tries": delivery.tries + 1,
        "lease_until": None,
    }
