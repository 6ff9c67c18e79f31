"""Claim a run for a worker, defer it, and end the database sessions of workers that lost it.

A worker that is frozen, or cut off with its machine, keeps its session, and with it the slots of the connection:
advisory locks that no other session could take until it wakes. So a session says which run and attempt it works
for, and the worker that takes the run over ends the sessions of earlier attempts. They can write nothing more.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection as database
from django.db.models import Q, QuerySet

from config.platform.jobs import backoff, clock, leases
from config.platform.jobs.enqueue import forget_waiting
from config.platform.jobs.leases import HeldLease
from config.platform.jobs.models import JobStatus
from exports.models import Run, Stage
from exports.state.status import Reason, StopRun

WORK_ON_RUN = "exports.tasks.work_on_run"


def due_runs() -> QuerySet[Run]:
    """Select open runs that no worker holds and that wait for nothing, the oldest first. A run that is to be
    canceled does not wait: the request may have come in the moment in which the run was deferred."""
    waits_for_nothing = backoff.where_wait_is_over("resume_at") | Q(cancel_requested_at__isnull=False)
    return leases.claimable(Run).filter(waits_for_nothing).order_by("id")


def claim(run_id: int) -> Run | None:
    """Take the run, or None when it waits, has ended, or someone was faster."""
    forget_waiting(WORK_ON_RUN, run_id)
    run = due_runs().filter(pk=run_id).first()
    claimed = leases.claim(run) if run else None
    if claimed is not None:
        leases.update_if_owner(claimed, resume_at=None, reason="", message="")
    return claimed


def runs_to_enqueue() -> list[int]:
    """Return the ids of the first due runs."""
    return list(due_runs().values_list("pk", flat=True)[:100])


def defer(run: Run, seconds: float, **values: object) -> None:
    """Release the run and let it wait for so many seconds; a tick enqueues it again."""
    leases.update_if_owner(run, resume_at=backoff.wait_until(seconds), lease_until=None, **values)


def enter_delivery(run: Run, lease: HeldLease, *, planned: int = 0, to_remove: int = 0, **counts: object) -> None:
    """Let a planned run enter delivery, with the counts of its plan, in the transaction of the plan. Progress
    counts what is delivered from here on, and is written with each result."""
    lease.report()
    leases.update_if_owner(
        run,
        stage=Stage.DELIVER,
        planned_at=clock.now(),
        planned=planned,
        to_remove=to_remove,
        progress_done=0,
        progress_total=planned + to_remove,
        **counts,
    )


def stop_if_canceled(run: Run, lease: HeldLease) -> None:
    """Raise StopRun when a user has canceled the run by now, LeaseLost when another worker has it: what has not
    begun does not begin."""
    lease.check()
    run.refresh_from_db(fields=["cancel_requested_at"])
    if run.cancel_requested_at is not None:
        raise StopRun(JobStatus.CANCELED, Reason.CANCELED_BY_PERSON)


@contextmanager
def exclusive_session(run: Run) -> Iterator[None]:
    """Be the one session that works on ``run`` for as long as the block lasts."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE %s AND application_name <> %s AND pid <> pg_backend_pid()"
            " AND datname = current_database() AND usename = current_user",
            [f"{_name(run)} attempt %", _session_name(run)],
        )
        cursor.execute("SELECT set_config('application_name', %s, false)", [_session_name(run)])
    try:
        yield
    finally:
        _forget_name()


def reset_closed_session() -> None:
    """Let the next query open a new session when this one was ended."""
    if not database.in_atomic_block:  # there, Django would take the open transaction for a fault
        database.close_if_unusable_or_obsolete()


def _forget_name() -> None:
    reset_closed_session()
    with database.cursor() as cursor:
        cursor.execute("SELECT set_config('application_name', '', false)")


def _name(run: Run) -> str:
    return f"run {run.pk}"


def _session_name(run: Run) -> str:
    return f"{_name(run)} attempt {run.attempt}"
