"""Delivering a plan: N senders do HTTP only; this one thread owns the database connection.

It writes that a batch is being sent before the request leaves, and what became of it in one transaction. A slice
ends when everything is sent, when its time is over, when what is left has to wait, or when the process is asked
to stop; calls in flight are always waited for.
"""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from enum import Enum

from django.conf import settings
from django.db import Error

from config.platform.jobs import backoff, clock
from config.platform.jobs.leases import HeldLease
from config.platform.jobs.models import JobStatus
from connections import credentials
from connections.destinations.errors import (
    TOO_LARGE,
    AccountFull,
    BatchRefused,
    DestinationError,
    NeedsAdministrator,
    TryLater,
)
from connections.destinations.values import REMOVALS, BatchOperation, BatchReceipt, ProfileRefusal, RefusalKind
from connections.models import MOST_IN_FLIGHT, Connection
from connections.vault import mark_reconnect_needed
from exports.batches.writer import BatchResult
from exports.delivery import connection_budget
from exports.delivery.concurrency import AdaptiveConcurrency
from exports.delivery.connection_budget import ConnectionBudget
from exports.delivery.sender_pool import SenderPool
from exports.models import IS_REMOVAL, Batch, BatchStatus, DeliveredSet, Run
from exports.privacy import disclosures
from exports.removal import removal_plan
from exports.results import record, unknown_results
from exports.state import claim, retry_policy, run_settings
from exports.state.status import Reason, StopRun

logger = logging.getLogger(__name__)

# So many answers are written at once at most: meanwhile senders become free.
_ANSWERS_AT_ONCE = 4

# Set when the process is asked to stop: slices end after their calls in flight.
stopping = threading.Event()


class SliceEnd(Enum):
    """How a slice of delivery ended."""

    ALL_SENT = "all_sent"
    MORE_TO_SEND = "more_to_send"
    WAITING = "waiting"  # for the destination
    NO_SLOT = "no_slot"  # other runs have all of the connection's calls in flight


@dataclass
class Slice:
    """One worker's stretch of work on one run."""

    run: Run
    lease: HeldLease
    delivered_set_id: int
    budget: ConnectionBudget
    concurrency: AdaptiveConcurrency
    senders: SenderPool
    ends_at: float
    in_flight: dict["Future[BatchResult]", "Call"] = field(default_factory=dict)
    # The batches that were intended and of which it is not yet written what became of them, by id.
    unsettled: set[int] = field(default_factory=set)
    # Why the run must end, once that is known; nothing more is sent then.
    fatal: StopRun | None = None
    refused_batches: int = 0
    delivered_any: bool = False
    # What the wants followed from when they were read last; None: not read in this slice.
    wants_version: removal_plan.WantsVersion | None = None

    @property
    def takes_more(self) -> bool:
        """Whether further batches may be sent in this slice."""
        if self.budget.paused_by_administrator or stopping.is_set():
            return False
        return not (self.fatal or self.lease.cancel_requested.is_set() or self._is_over())

    def _is_over(self) -> bool:
        """A slice ends in favour of another run; while none waits, another one begins at once."""
        if time.monotonic() < self.ends_at:
            return False
        if claim.due_runs().exists():
            return True
        self.ends_at = time.monotonic() + settings.SLICE_SECONDS
        return False


@dataclass(frozen=True)
class Call:
    """A batch that is under way."""

    batch: Batch
    sent_at: float


def deliver(run: Run, lease: HeldLease, *, wants_version: removal_plan.WantsVersion | None = None) -> SliceEnd:
    """Send for one slice. Raises StopRun when the run must end, LeaseLost when another worker has it.

    ``wants_version`` is what the wants followed from when this slice planned the removals; None where another one
    did. The wants are read again once it differs."""
    connection = run.connection
    if connection is None:
        raise StopRun(JobStatus.FAILED, Reason.NO_CONNECTION)
    lease.renew()  # planning may have held the run's row for longer than a lease
    landed_late: set[int] = set()
    try:
        return _deliver(run, connection, lease, landed_late, wants_version)
    except BaseException:
        if landed_late:
            _keep_landed_late(run, landed_late)
        raise


def _deliver(
    run: Run,
    connection: Connection,
    lease: HeldLease,
    landed_late: set[int],
    wants_version: removal_plan.WantsVersion | None,
) -> SliceEnd:
    """``landed_late`` receives the batches, by id, whose calls were out when the slice broke off."""
    with claim.exclusive_session(run), closing(ConnectionBudget(run, connection)) as budget:
        if budget.calls == 0:
            return SliceEnd.NO_SLOT
        record.requeue_interrupted(run)
        disclosures.list_of(run.export, run.account, run.list_id, run)  # as long as the connection is known
        with _slice(run, connection, lease, budget, landed_late) as work:
            work.wants_version = wants_version
            _send_all(work)
            budget.learn(work.concurrency.level)
    return _how_it_ended(work)


def _keep_landed_late(run: Run, batch_ids: set[int]) -> None:
    """All that a worker writes that has lost its lease: that its calls may have landed over later ones."""
    try:
        claim.reset_closed_session()
        unknown_results.record_landed(run, batch_ids)
    except Error:  # the worker that takes the run over expects these calls
        logger.exception("run %s: could not write which calls were out when the lease was lost", run.pk)


def _delivered_set_id(run: Run) -> int:
    known = DeliveredSet.objects.filter(export=run.export_id, account=run.account, list_id=run.list_id)
    return known.values_list("pk", flat=True).get()


@contextmanager
def _slice(
    run: Run, connection: Connection, lease: HeldLease, budget: ConnectionBudget, landed_late: set[int]
) -> Iterator[Slice]:
    access = credentials.access(connection)
    send_settings = run_settings.send_settings(run.list_id, run.snapshot)
    senders = SenderPool(connection.destination, access, send_settings, most=MOST_IN_FLIGHT)
    work = Slice(
        run=run,
        lease=lease,
        delivered_set_id=_delivered_set_id(run),
        budget=budget,
        concurrency=AdaptiveConcurrency(start=budget.start, maximum=budget.calls),
        senders=senders,
        ends_at=time.monotonic() + settings.SLICE_SECONDS,
        delivered_any=run.batches.filter(status=BatchStatus.DONE).exists(),
    )
    try:
        with senders:
            yield work
    finally:  # no call is out any more
        landed_late |= work.unsettled & senders.requested


def _send_all(work: Slice) -> None:
    """Keep as many calls in flight as pay, until the slice ends; then wait for those still out."""
    while True:
        work.lease.check()
        work.budget.refresh(in_flight=work.senders.in_flight)
        work.concurrency.limit(work.budget.calls)
        work.senders.limit(work.concurrency.level)
        if work.takes_more:
            _put_in_flight(work)
        else:
            _take_back_waiting(work)
        if not work.in_flight:
            return
        done, _pending = wait(work.in_flight, timeout=0.5, return_when=FIRST_COMPLETED)
        _take_answers(work, {future: work.in_flight.pop(future) for future in list(done)[:_ANSWERS_AT_ONCE]})


def _put_in_flight(work: Slice) -> None:
    """Give batches to all free senders, and let a few more wait."""
    level = work.concurrency.level
    free = level - len(work.in_flight)
    ahead = free + max(1, level // 2)
    if ahead <= 0 or work.budget.paused:
        return
    ready = _ready(work.run, free, ahead)
    if not ready:
        return
    _keep_wanted(work, ready)
    for batch in record.mark_sending(work.run, ready):
        work.unsettled.add(batch.pk)
        work.in_flight[work.senders.submit(batch)] = Call(batch, time.monotonic())


def _keep_wanted(work: Slice, ready: Sequence[int]) -> None:
    """Before each batch of removals, keep the contacts that an export wants by now."""
    if not work.run.to_remove or not Batch.objects.filter(IS_REMOVAL, pk__in=ready).exists():
        return
    version = removal_plan.wants_version(work.run)
    if version != work.wants_version:
        removal_plan.keep_wanted_contacts(work.run)
        work.wants_version = version


def _ready(run: Run, free: int, ahead: int) -> list[int]:
    """Return the ids of the batches that may be sent now: up to ``free`` of any operation, and up to ``ahead``
    of those that send contacts. (Of a removal that is marked as being sent, it cannot be told afterwards
    whether it left.)"""
    to_send = run.batches.filter(backoff.where_wait_is_over("not_before"), status=BatchStatus.PLANNED)
    found = to_send.order_by("number").values_list("pk", "operation")[:ahead]
    return [
        pk
        for place, (pk, operation) in enumerate(found)
        if place < free or BatchOperation(operation) not in REMOVALS
    ]


def _take_back_waiting(work: Slice) -> None:
    waiting = [work.in_flight.pop(future).batch.pk for future in work.senders.cancel_waiting()]
    if waiting:
        record.unmark_sending(work.run, waiting)
        work.unsettled.difference_update(waiting)


def _take_answers(work: Slice, answered: dict["Future[BatchResult]", Call]) -> None:
    """Write what became of these batches; but first let others go out in their place, unless there is trouble."""
    good: list[tuple[int, BatchResult]] = []
    for future, call in answered.items():
        try:
            sent = future.result()
        except DestinationError as trouble:
            _take_trouble(work, call, trouble)
        else:
            good.append((call.batch.pk, sent))
            work.concurrency.on_success(time.monotonic())
            work.delivered_any = True
    if good:
        if work.takes_more:
            _put_in_flight(work)
        record.record(work.run, work.delivered_set_id, good)
        work.unsettled.difference_update(pk for pk, _sent in good)


def _take_trouble(work: Slice, call: Call, trouble: DestinationError) -> None:
    if isinstance(trouble, TryLater):
        _again_later(work, call, trouble)
    elif isinstance(trouble, BatchRefused):
        _halve(work, call.batch, trouble)
    else:
        _give_up(work, call.batch, trouble)
    work.unsettled.discard(call.batch.pk)


def _again_later(work: Slice, call: Call, trouble: TryLater) -> None:
    work.concurrency.on_error(time.monotonic(), sent_at=call.sent_at)
    _take_back_waiting(work)
    if trouble.after_seconds:
        work.budget.pause(trouble.after_seconds)
    work.budget.learn(work.concurrency.level)
    tried = call.batch.attempt
    seconds = retry_policy.BATCH.seconds_after(tried, asked=trouble.after_seconds)
    record.requeue(work.run, call.batch.pk, backoff.wait_until(seconds), trouble)
    if retry_policy.BATCH.is_exhausted(tried):
        work.fatal = StopRun(JobStatus.FAILED, Reason.DESTINATION_UNAVAILABLE, trouble.sentence)


def _halve(work: Slice, batch: Batch, refused: BatchRefused) -> None:
    """Halve it until the guilty rows stand alone; one that stands alone is rejected."""
    if batch.size == 1:
        email = Batch.objects.values_list("emails", flat=True).get(pk=batch.pk)[0]
        guilty = ProfileRefusal(email, RefusalKind.REJECTED, refused.code, refused.sentence)
        receipt = BatchReceipt(0, 0, [guilty], http_status=refused.http_status or 0, seconds=0.0, bytes_sent=0)
        record.record(work.run, work.delivered_set_id, [(batch.pk, BatchResult(receipt))])
    else:
        record.split(work.run, batch.pk, refused)
    if not work.delivered_any and refused.code != TOO_LARGE:
        work.refused_batches += 1
    if work.refused_batches >= retry_policy.MOST_REFUSED_BATCHES:
        work.fatal = StopRun(JobStatus.FAILED, Reason.EVERYTHING_REFUSED, refused.sentence)


def _give_up(work: Slice, batch: Batch, hopeless: DestinationError) -> None:
    record.requeue(work.run, batch.pk, clock.now(), hopeless)
    reason = why_stopped(hopeless)
    if isinstance(hopeless, NeedsAdministrator):
        reason = Reason.RECONNECT_NEEDED
        if work.run.connection is not None:
            mark_reconnect_needed(work.run.connection, hopeless.sentence)
    work.fatal = StopRun(JobStatus.FAILED, reason, hopeless.sentence)


def why_stopped(hopeless: DestinationError) -> Reason:
    """The reason that a run ends with because of this."""
    return Reason.ACCOUNT_FULL if isinstance(hopeless, AccountFull) else Reason.LIST_REFUSED


def _how_it_ended(work: Slice) -> SliceEnd:
    left = work.run.batches.filter(status=BatchStatus.PLANNED)
    if not work.fatal and not left.exists():
        return SliceEnd.ALL_SENT  # also after a cancellation: there is nothing left to cancel
    if work.lease.cancel_requested.is_set():
        raise StopRun(JobStatus.CANCELED, Reason.CANCELED_BY_PERSON)
    if work.fatal:
        raise work.fatal
    ready = left.filter(backoff.where_wait_is_over("not_before"))
    return SliceEnd.MORE_TO_SEND if ready.exists() and not work.budget.paused else SliceEnd.WAITING


def seconds_until_due(run: Run) -> float:
    """How long until the next batch may go out again."""
    due = (
        run.batches.filter(status=BatchStatus.PLANNED).order_by("not_before").values_list("not_before", flat=True)
    )
    moments = [moment for moment in (due.first(), connection_budget.paused_until(run.connection)) if moment]
    return max(0.2, (max(moments) - clock.now()).total_seconds()) if moments else 1.0
