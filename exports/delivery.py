"""Delivering a plan: N senders do HTTP only; this one thread owns the database connection.

It writes that a batch is being sent before the request leaves, and what became of it in one transaction. A slice
ends when everything is sent, when its time is over, when what is left has to wait, or when the process is asked
to stop; calls in flight are always waited for.
"""

import queue
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum

from django.conf import settings

from config.jobs import clock
from config.jobs.backoff import seconds_before_attempt
from config.jobs.leases import Keeper
from config.jobs.models import JobStatus
from connections import credentials, slots
from connections.actions import mark_reconnect_needed
from connections.destinations.base import Sender
from connections.destinations.errors import BatchRefused, DestinationError, NeedsAdministrator, TryLater
from connections.destinations.values import BatchReceipt, Deed, OutcomeKind, ProfileRefusal, SendSettings
from connections.models import Connection
from exports import fencing, matching, recording
from exports.models import Batch, BatchStatus, DeliveredSet, Run, Stage
from exports.run_states import Reason, RunEnded
from exports.throttle import Throttle

# A batch is tried this often, over about five minutes, before the run gives up.
MOST_ATTEMPTS = 10
# So many refusals of whole batches without a single success mean that it is not the people.
MOST_HALVINGS_IN_VAIN = 20
START_LEVEL = 4

# Set when the process is asked to stop: slices end after their calls in flight.
stopping = threading.Event()


class SliceEnd(Enum):
    """How a slice of delivery ended."""

    ALL_SENT = "all_sent"
    MORE_TO_SEND = "more_to_send"
    WAITING = "waiting"  # for the destination
    NO_SLOT = "no_slot"  # other runs have all of the connection's calls in flight


@dataclass(frozen=True)
class Line:
    """A kept-alive line and the settings that go with everything sent over it."""

    sender: Sender
    settings: SendSettings


@dataclass
class Slice:
    """One worker's stretch of work on one run."""

    run: Run
    keeper: Keeper
    delivered_set_id: int
    throttle: Throttle
    lines: "queue.SimpleQueue[Line]"
    executor: ThreadPoolExecutor
    ends_at: float
    in_flight: dict["Future[BatchReceipt]", Batch] = field(default_factory=dict)
    # Why the run must end, once that is known; nothing more is sent then.
    fatal: RunEnded | None = None
    halvings_in_vain: int = 0
    delivered_any: bool = False

    @property
    def takes_more(self) -> bool:
        """Whether further batches may be sent in this slice."""
        out_of_time = time.monotonic() >= self.ends_at or stopping.is_set()
        return not (out_of_time or self.fatal or self.keeper.cancel_requested.is_set())


def deliver(run: Run, keeper: Keeper) -> SliceEnd:
    """Send for one slice. Raises RunEnded when the run must end, LeaseLost when another worker has it."""
    connection = run.export.connection
    if connection is None:
        raise RunEnded(JobStatus.FAILED, Reason.NO_CONNECTION)
    with fencing.sole_session(run), _held_slots(connection) as level:
        if level == 0:
            return SliceEnd.NO_SLOT
        recording.take_back_unanswered(run)
        with _slice(run, connection, keeper, level) as work:
            _send_all(work)
    return _how_it_ended(work)


@contextmanager
def _held_slots(connection: Connection) -> Iterator[int]:
    """This run's share of the connection's calls in flight, as far as they are free, for as long as the block
    lasts. Shares are taken anew with every slice, so that a run that comes later waits for one slice at most."""
    held = slots.acquire_slots(connection.pk, _fair_share(connection), connection.max_in_flight)
    try:
        yield len(held)
    finally:
        slots.release_slots(connection.pk, held)


def _fair_share(connection: Connection) -> int:
    at_work = Run.objects.filter(
        export__connection=connection, status=JobStatus.PROCESSING, stage=Stage.DELIVER
    ).count()
    return max(1, connection.max_in_flight // max(1, at_work))


@contextmanager
def _slice(run: Run, connection: Connection, keeper: Keeper, level: int) -> Iterator[Slice]:
    access = credentials.access(connection)
    send_settings = matching.send_settings(run.list_id, run.frozen)
    lines: queue.SimpleQueue[Line] = queue.SimpleQueue()
    with ExitStack() as stack:
        for _number in range(level):
            lines.put(Line(stack.enter_context(connection.destination.open_sender(access)), send_settings))
        executor = stack.enter_context(ThreadPoolExecutor(level, thread_name_prefix=f"send-{run.pk}"))
        yield Slice(
            run=run,
            keeper=keeper,
            delivered_set_id=DeliveredSet.objects.values_list("pk", flat=True).get(
                export_id=run.export_id, account=run.account, list_id=run.list_id
            ),
            throttle=Throttle(start=START_LEVEL, maximum=level),
            lines=lines,
            executor=executor,
            ends_at=time.monotonic() + settings.SLICE_SECONDS,
            delivered_any=run.batches.filter(status=BatchStatus.DONE).exists(),
        )


def _send_all(work: Slice) -> None:
    """Keep as many calls in flight as pay, until the slice ends; then wait for those still out."""
    while True:
        work.keeper.check()
        if work.takes_more:
            _put_in_flight(work)
        if not work.in_flight:
            return
        done, _pending = wait(work.in_flight, timeout=0.5, return_when=FIRST_COMPLETED)
        for future in done:
            _take_answer(work, work.in_flight.pop(future), future)


def _put_in_flight(work: Slice) -> None:
    free = work.throttle.level - len(work.in_flight)
    if free <= 0:
        return
    ready = _ready(work.run, free)
    if not ready:
        return
    for batch in recording.intend(work.run, ready):
        deed = Deed(batch.deed)
        work.in_flight[work.executor.submit(_send, work.lines, batch.payloads, deed)] = batch


def _ready(run: Run, limit: int) -> list[int]:
    """The next batches that may go out now, by id."""
    to_send = run.batches.filter(status=BatchStatus.PLANNED).exclude(not_before__gt=clock.now())
    return list(to_send.order_by("number").values_list("pk", flat=True)[:limit])


def _send(lines: "queue.SimpleQueue[Line]", payloads: list[str], deed: Deed) -> BatchReceipt:
    """In a sender's thread: HTTP only, no database."""
    line = lines.get()
    try:
        return line.sender.send(payloads, replace(line.settings, deed=deed))
    finally:
        lines.put(line)


def _take_answer(work: Slice, batch: Batch, future: "Future[BatchReceipt]") -> None:
    try:
        receipt = future.result()
    except TryLater as trouble:
        _again_later(work, batch, trouble)
    except BatchRefused as refused:
        _halve(work, batch, refused)
    except DestinationError as hopeless:
        _give_up(work, batch, hopeless)
    else:
        recording.record_receipt(work.run, batch.pk, work.delivered_set_id, receipt)
        work.throttle.went_well()
        work.delivered_any = True


def _again_later(work: Slice, batch: Batch, trouble: TryLater) -> None:
    work.throttle.had_trouble()
    tried = batch.attempt
    seconds = seconds_before_attempt(tried, asked=trouble.after_seconds)
    recording.put_back(work.run, batch.pk, clock.now() + timedelta(seconds=seconds), trouble)
    if tried >= MOST_ATTEMPTS:
        work.fatal = RunEnded(JobStatus.FAILED, Reason.DESTINATION_UNAVAILABLE, trouble.sentence)


def _halve(work: Slice, batch: Batch, refused: BatchRefused) -> None:
    """Halve it until the guilty rows stand alone; one that stands alone is rejected."""
    if batch.size == 1:
        email = Batch.objects.values_list("emails", flat=True).get(pk=batch.pk)[0]
        guilty = ProfileRefusal(email, OutcomeKind.REJECTED, refused.code, refused.sentence)
        receipt = BatchReceipt(0, 0, [guilty], http_status=refused.http_status or 0, seconds=0.0, bytes_sent=0)
        recording.record_receipt(work.run, batch.pk, work.delivered_set_id, receipt)
    else:
        recording.halve(work.run, batch.pk, refused)
    work.halvings_in_vain += 0 if work.delivered_any else 1
    if work.halvings_in_vain >= MOST_HALVINGS_IN_VAIN:
        work.fatal = RunEnded(JobStatus.FAILED, Reason.EVERYTHING_REFUSED, refused.sentence)


def _give_up(work: Slice, batch: Batch, hopeless: DestinationError) -> None:
    recording.put_back(work.run, batch.pk, clock.now(), hopeless)
    reason = Reason.LIST_REFUSED
    if isinstance(hopeless, NeedsAdministrator):
        reason = Reason.RECONNECT_NEEDED
        if work.run.export.connection is not None:
            mark_reconnect_needed(work.run.export.connection, hopeless.sentence)
    work.fatal = RunEnded(JobStatus.FAILED, reason, hopeless.sentence)


def _how_it_ended(work: Slice) -> SliceEnd:
    if work.keeper.cancel_requested.is_set():
        raise RunEnded(JobStatus.CANCELED, Reason.CANCELED_BY_PERSON)
    if work.fatal:
        raise work.fatal
    left = work.run.batches.filter(status=BatchStatus.PLANNED)
    if not left.exists():
        return SliceEnd.ALL_SENT
    ready = left.exclude(not_before__gt=clock.now())
    return SliceEnd.MORE_TO_SEND if ready.exists() else SliceEnd.WAITING


def seconds_until_due(run: Run) -> float:
    """How long until the next batch may go out again."""
    due = (
        run.batches.filter(status=BatchStatus.PLANNED).order_by("not_before").values_list("not_before", flat=True)
    )
    first = due.first()
    return max(0.2, (first - clock.now()).total_seconds()) if first else 1.0
