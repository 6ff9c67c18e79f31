"""Work on a run, from its claim to its end. Tasks and commands call ``run_slice`` with the id of a run.

1. Claim the run: one worker at a time holds its lease (state/claim.py).
2. Check: is the connection usable, are the segments refreshed, what is the list like? Freeze the settings
   (check.py).
3. Plan: compare the members of the segments with the list state; write batches and removals (plan.py).
4. Deliver: send batches, record each result with the list state (delivery/loop.py, results/record.py).
5. Complete: sum the counts, derive the status, notify (complete.py, final_status.py, reporting/alerts.py).

Each stage is entered by one committed write, so a worker that takes a run over goes on where it stood.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import structlog
from django.utils.translation import gettext as _

from config.platform.jobs import leases
from config.platform.jobs.leases import HeldLease, LeaseExpired, LeaseLost
from config.platform.jobs.models import JobStatus
from connections.credentials import Paused
from connections.destinations.errors import DestinationError, NeedsAdministrator, PermanentError
from connections.vault import NotConnected, mark_reconnect_needed
from exports.delivery import loop
from exports.delivery.loop import SliceEnd
from exports.models import Run, RunKind, Stage
from exports.removal import removal_plan, restore
from exports.run import check, complete, list_cleanup, plan
from exports.state import claim, retry_policy
from exports.state.status import Reason, StopRun

logger = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 1.0
# How often a run looks whether its connection is still paused.
PAUSE_LOOK_SECONDS = 2.0


class Next(Enum):
    """What the caller does after a slice."""

    NOTHING = "nothing"  # it has ended, waits for its time, or another worker has it
    ENQUEUE_AGAIN = "enqueue_again"  # there is more to do at once


@dataclass(frozen=True)
class Steps:
    """How runs of one kind are checked and planned; all are delivered and completed alike."""

    check: Callable[[Run], bool]
    plan: Callable[[Run, HeldLease], None]


STEPS: dict[str, Steps] = {
    RunKind.EXPORT: Steps(check.check, plan.plan),
    RunKind.RESTORE: Steps(check.check_restore, restore.plan),
    RunKind.LIST_CLEANUP: Steps(list_cleanup.check, list_cleanup.plan),
}


def run_slice(run_id: int) -> Next:
    """Work on a run for one slice, if it is due and no other worker holds it."""
    run = claim.claim(run_id)
    if run is None:
        return Next.NOTHING
    with structlog.contextvars.bound_contextvars(run=run.pk):
        return _work_on(run)


def _work_on(run: Run) -> Next:
    try:
        with leases.hold(run) as lease:
            return _go_through_stages(run, lease)
    except LeaseExpired:
        logger.warning("run %s: the lease was not confirmed in time, so sending stopped", run.pk)
        claim.reset_closed_session()
        leases.release(run)  # no call is out any more; without effect where another worker has it
        return Next.NOTHING
    except LeaseLost:
        logger.warning("run %s: taken over by another worker", run.pk)
        return Next.NOTHING
    except Exception:
        claim.reset_closed_session()
        if leases.is_lost(run):  # the worker that took it over has ended this session
            logger.warning("run %s: taken over by another worker", run.pk)
            return Next.NOTHING
        logger.exception("run %s: unexpected error", run.pk)
        return _after_error(run.pk, run.attempt, Reason.UNEXPECTED_ERROR, _("See the log of the worker."))


def _go_through_stages(run: Run, lease: HeldLease) -> Next:
    steps = STEPS[run.kind]
    try:
        claim.stop_if_canceled(run, lease)
        if _waits_for_pause(run):
            return Next.NOTHING
        if run.stage == Stage.CHECK and not steps.check(run):
            return Next.NOTHING
        planned_with: removal_plan.WantsVersion | None = None
        if run.stage == Stage.PLAN:
            planned_with = removal_plan.wants_version(run)
            steps.plan(run, lease)
            claim.stop_if_canceled(run, lease)
        if run.stage == Stage.DELIVER:
            end = loop.deliver(run, lease, wants_version=planned_with)
            if end != SliceEnd.ALL_SENT:
                return _go_on_later(run, end)
        complete.complete(run)
    except StopRun as ended:
        complete.end(run, ended)
    except NeedsAdministrator as needed:
        _tell_administrators(run, needed)
        complete.end(run, StopRun(JobStatus.FAILED, Reason.RECONNECT_NEEDED, needed.sentence))
    except Paused:  # since this slice began
        claim.defer(run, PAUSE_LOOK_SECONDS, reason=Reason.CONNECTION_PAUSED)
    except NotConnected as missing:
        complete.end(run, StopRun(JobStatus.FAILED, Reason.CONNECTION_NOT_READY, str(missing)))
    except PermanentError as refused:
        complete.end(run, StopRun(JobStatus.FAILED, loop.why_stopped(refused), refused.sentence))
    except DestinationError as trouble:
        return _after_error(run.pk, run.attempt, Reason.DESTINATION_UNAVAILABLE, trouble.sentence)
    return Next.NOTHING


def _waits_for_pause(run: Run) -> bool:
    """Let the run wait while an administrator has paused its connection."""
    if run.connection is None or not run.connection.is_paused:
        return False
    claim.defer(run, PAUSE_LOOK_SECONDS, reason=Reason.CONNECTION_PAUSED)
    return True


def _go_on_later(run: Run, end: SliceEnd) -> Next:
    if end == SliceEnd.MORE_TO_SEND:
        leases.release(run)
        return Next.ENQUEUE_AGAIN
    if end == SliceEnd.NO_SLOT:
        claim.defer(run, LOOK_AGAIN_SECONDS, reason=Reason.CONNECTION_BUSY)
    else:
        claim.defer(run, loop.seconds_until_due(run), reason=Reason.WAITING_FOR_DESTINATION)
    return Next.NOTHING


def _tell_administrators(run: Run, needed: NeedsAdministrator) -> None:
    if run.connection is not None:
        mark_reconnect_needed(run.connection, needed.sentence)


def _after_error(run_id: int, attempt: int, reason: Reason, message: str) -> Next:
    """Let the run wait, longer after each error; after too many it fails."""
    run = Run.objects.get(pk=run_id)
    if run.attempt != attempt or not run.is_open:
        return Next.NOTHING
    policy, errors = retry_policy.RUN_ERRORS, run.errors + 1
    try:
        if policy.is_exhausted(errors):
            complete.end(run, StopRun(JobStatus.FAILED, reason, message))
        else:
            claim.defer(run, policy.seconds_after(errors), errors=errors, reason=reason, message=message)
    except LeaseLost:
        logger.warning("run %s: taken over by another worker", run_id)
    return Next.NOTHING
