"""Claim, hold and release jobs, so that exactly one worker works on a job.

A claim is one conditional update that counts up the attempt. A lease goes by the database's clock, since the
machines' own clocks may differ. A lease thread extends the lease while the work lasts; when another worker has
claimed the job, the lease says so and the worker must stop. The lease also owns the lease deadline (see
deadline.py), which guards every request to a vendor.
"""

import logging
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from django.conf import settings
from django.db import close_old_connections, connection, models, transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, Now

from config.platform.jobs import clock, deadline
from config.platform.jobs.deadline import LeaseDeadline, Stamp
from config.platform.jobs.models import OPEN, Job, JobStatus

logger = logging.getLogger(__name__)

JobT = TypeVar("JobT", bound=Job)

LeaseLost = deadline.LeaseLost
LeaseExpired = deadline.LeaseExpired


class LeaseExpiry(models.Func):
    """The moment a lease taken now runs out, by the database's clock."""

    template = "(clock_timestamp() + make_interval(secs => %(seconds)s))"
    output_field = models.DateTimeField()

    def __init__(self) -> None:
        super().__init__(seconds=float(settings.LEASE_SECONDS))


def claimable(model: type[JobT]) -> "models.QuerySet[JobT]":
    """Select open jobs that no worker holds."""
    return model._default_manager.filter(Q(lease_until=None) | Q(lease_until__lt=Now()), status__in=OPEN)


def claim(job: JobT) -> JobT | None:
    """Claim ``job`` if no worker holds it. Returns the fresh row with its new attempt, or None when another
    worker was faster."""
    stamp = Stamp.now()
    taken = claimable(type(job)).filter(pk=job.pk).update(attempt=F("attempt") + 1, lease_until=LeaseExpiry())
    if not taken:
        return None
    claimed = type(job)._default_manager.get(pk=job.pk)
    claimed.lease_stamp = stamp
    return claimed


@transaction.atomic
def start_all(model: type[JobT], ids: Collection[int]) -> list[JobT]:
    """Claim those of these jobs that no worker holds, and note that their work has started. Returns their fresh
    rows with the new attempts, by ID."""
    stamp = Stamp.now()
    free = claimable(model).filter(pk__in=ids).select_for_update(no_key=True, skip_locked=True)
    claimed = model._default_manager.filter(pk__in=[*free.values_list("pk", flat=True)])
    claimed.update(
        attempt=F("attempt") + 1,
        lease_until=LeaseExpiry(),
        status=JobStatus.PROCESSING,
        started_at=Coalesce("started_at", Value(clock.now())),
    )
    jobs = list(claimed.order_by("pk"))
    for job in jobs:
        job.lease_stamp = stamp
    return jobs


def update_if_owner(job: Job, **values: Any) -> None:
    """Write ``values`` to the job's row if it is still ours, and onto ``job``; raises LeaseLost otherwise."""
    changed = type(job)._default_manager.filter(pk=job.pk, attempt=job.attempt).update(**values)
    if not changed:
        raise LeaseLost(f"{type(job).__name__} {job.pk}: attempt {job.attempt} is no longer the current one")
    for name, value in values.items():
        if not hasattr(value, "resolve_expression"):
            setattr(job, name, value)


def lock_attempt(job: Job) -> None:
    """Lock the job's row for this transaction and make sure that it is still ours; raises LeaseLost."""
    rows = type(job)._default_manager.select_for_update(no_key=True).filter(pk=job.pk, attempt=job.attempt)
    if not rows.values_list("pk", flat=True):
        raise LeaseLost(f"{type(job).__name__} {job.pk}: attempt {job.attempt} is no longer the current one")


def is_lost(job: Job) -> bool:
    """Return whether another worker has claimed the job since."""
    return not type(job)._default_manager.filter(pk=job.pk, attempt=job.attempt).exists()


def release(job: Job) -> None:
    """Let others claim the job at once."""
    type(job)._default_manager.filter(pk=job.pk, attempt=job.attempt).update(lease_until=None)


def request_cancel(job: Job) -> None:
    """Ask the worker that holds a job to cancel it; end the job at once when no worker does."""
    moment, model = clock.now(), type(job)
    unclaimed = claimable(model).filter(pk=job.pk)
    if not unclaimed.update(status=JobStatus.CANCELED, finished_at=moment, cancel_requested_at=moment):
        model._default_manager.filter(pk=job.pk, status__in=OPEN).update(cancel_requested_at=moment)


class HeldLease:
    """Extends the lease of a job, carries progress to the row, and hears of cancellation."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._progress: dict[str, object] = {}
        self.lost = threading.Event()
        self.cancel_requested = threading.Event()
        self.deadline = LeaseDeadline(
            job.lease_stamp, settings.LEASE_SECONDS, patience_seconds=settings.LEASE_SECONDS
        )

    def report(self, **progress: object) -> None:
        """Progress to be written with the next heartbeat, such as ``progress_done=40_000``."""
        self._progress = progress

    def check(self) -> None:
        """Raise LeaseLost when the job is no longer ours."""
        if self.lost.is_set():
            raise LeaseLost(f"{type(self._job).__name__} {self._job.pk}: the lease is lost")

    def renew(self) -> None:
        """Extend the lease now, in the caller's thread: a long transaction of the worker may have held up the
        lease's renewals. Raises LeaseLost when the job is no longer ours."""
        _extend([self])
        self.check()

    def notice(self, attempt: int, cancel_requested_at: datetime | None) -> bool:
        """Note what the job's row says. Returns whether the job is still ours."""
        if attempt != self._job.attempt:
            self.lost.set()
            self.deadline.end()
            return False
        if cancel_requested_at is not None:
            self.cancel_requested.set()
        return True


def extend_or_log(held: Sequence[HeldLease]) -> None:
    """Extend the leases of jobs of one kind, or log why it failed: the database may be away for a moment, and the
    lease decides."""
    try:
        close_old_connections()
        _extend(held)
    except Exception:
        first = held[0]._job
        logger.exception("could not extend %s leases, of %s %s …", len(held), type(first).__name__, first.pk)


def _extend(held: Sequence[HeldLease]) -> None:
    model = type(held[0]._job)
    by_id = {lease._job.pk: lease for lease in held}
    stamp = Stamp.now()  # before the renewal is sent: it counts from here, once the database has confirmed it
    with transaction.atomic():
        # A worker's own transaction may hold a row for a moment: skip this beat rather than wait.
        rows = model._default_manager.select_for_update(no_key=True, skip_locked=True).filter(pk__in=by_id)
        found = rows.values_list("pk", "attempt", "cancel_requested_at")
        ours = [by_id[pk] for pk, attempt, requested_at in found if by_id[pk].notice(attempt, requested_at)]
        still_open = model._default_manager.filter(status__in=OPEN)
        still_open.filter(pk__in=[each._job.pk for each in ours]).update(lease_until=LeaseExpiry())
        for each in ours:
            if each._progress:
                still_open.filter(pk=each._job.pk).update(**each._progress)
    for each in ours:
        each.deadline.renew(stamp)


@contextmanager
def hold_all(jobs: Sequence[Job]) -> Iterator[list[HeldLease]]:
    """Hold the leases of jobs of one kind for as long as the block lasts."""
    held = [HeldLease(job) for job in jobs]
    if not held:
        yield held
        return
    done = threading.Event()

    def keep() -> None:
        try:
            while not done.wait(min(1.0, settings.LEASE_SECONDS / 4)):
                extend_or_log(held)
        finally:
            connection.close()

    thread = threading.Thread(target=keep, name="leases", daemon=True)
    thread.start()
    try:
        yield held
    finally:
        done.set()
        thread.join()


@contextmanager
def hold(job: Job) -> Iterator[HeldLease]:
    """Hold ``job``'s lease for as long as the block lasts, and guard its requests by the lease deadline."""
    with hold_all([job]) as (lease,), deadline.limited_by(lease.deadline):
        yield lease
