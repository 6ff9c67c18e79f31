"""Which runs may be worked on now, and taking one."""

from django.conf import settings
from django.core.cache import cache
from django.db.models import Q, QuerySet

from config.platform.jobs import backoff, leases
from config.platform.jobs.leases import HeldLease
from config.platform.jobs.models import JobStatus
from exports.models import Run
from exports.state.status import Reason, StopRun


def due_runs() -> QuerySet[Run]:
    """Select open runs that no worker holds and that wait for nothing, the oldest first. A run that is to be
    canceled does not wait: the request may have come in the moment in which the run was deferred."""
    waits_for_nothing = backoff.where_wait_is_over("resume_at") | Q(cancel_requested_at__isnull=False)
    return leases.claimable(Run).filter(waits_for_nothing).order_by("id")


def claim(run_id: int) -> Run | None:
    """Take the run, or None when it waits, has ended, or someone was faster."""
    cache.delete(_enqueued_key(run_id))
    run = due_runs().filter(pk=run_id).first()
    claimed = leases.claim(run) if run else None
    if claimed is not None:
        leases.update_if_owner(claimed, resume_at=None, reason="", message="")
    return claimed


def runs_to_enqueue() -> list[int]:
    """Return the ids of due runs that were not enqueued within the last lease. A message may wait behind long
    work, so that one at every tick would pile up."""
    due = due_runs().values_list("pk", flat=True)[:100]
    silent = settings.LEASE_SECONDS  # as long as a worker may be
    return [run_id for run_id in due if cache.add(_enqueued_key(run_id), True, silent)]


def defer(run: Run, seconds: float, **values: object) -> None:
    """Release the run and let it wait for so many seconds; a tick enqueues it again."""
    leases.update_if_owner(run, resume_at=backoff.wait_until(seconds), lease_until=None, **values)


def _enqueued_key(run_id: int) -> str:
    return f"enqueued-run-{run_id}"


def stop_if_asked(lease: HeldLease) -> None:
    """Raise LeaseLost or, when a person has canceled the run, StopRun."""
    lease.check()
    if lease.cancel_requested.is_set():
        raise StopRun(JobStatus.CANCELED, Reason.CANCELED_BY_PERSON)


def stop_if_canceled(run: Run) -> None:
    """Raise StopRun when a person has canceled the run by now: what has not begun does not begin."""
    run.refresh_from_db(fields=["cancel_requested_at"])
    if run.cancel_requested_at is not None:
        raise StopRun(JobStatus.CANCELED, Reason.CANCELED_BY_PERSON)
