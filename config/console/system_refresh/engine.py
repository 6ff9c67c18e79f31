"""Work on a system refresh in looks: each notes which jobs have ended, and begins those that wait for nothing
any more. A look works in short transactions under the fence, so that a killed worker leaves nothing half
done and the next look goes on.
"""

import logging
from collections.abc import Iterable

from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.utils.translation import gettext as _

from config.console.models import RefreshStep, SystemRefresh
from config.console.system_refresh import stages
from config.platform.jobs import clock, leases
from config.platform.jobs.leases import LeaseLost
from config.platform.jobs.models import OPEN, JobStatus

logger = logging.getLogger(__name__)

# So many jobs are begun in one look, which has to end before its lease does.
MOST_BEGUN = 50
# What depends on steps that ended otherwise is not tried.
SUCCEEDED = (JobStatus.SUCCESSFUL, JobStatus.WARNINGS)


def refresh_to_advance() -> SystemRefresh | None:
    """Return the system refresh to work on: the one that is processing, else the one that is queued. None when
    another worker holds it."""
    first = SystemRefresh.objects.filter(status__in=OPEN).order_by("pk").first()
    return leases.claimable(SystemRefresh).filter(pk=first.pk).first() if first else None


def advance(refresh_id: int) -> None:
    """Look at the refresh once, unless another worker does."""
    refresh = leases.claim(SystemRefresh(pk=refresh_id))
    if refresh is None:
        return
    try:
        if refresh.status == JobStatus.PROCESSING or _begin(refresh):
            _advance_once(refresh)
        leases.release(refresh)
    except LeaseLost:
        logger.warning("system refresh %s: another worker has taken over", refresh.pk)


def _begin(refresh: SystemRefresh) -> bool:
    """Write down what is to be done; False while another refresh is at work."""
    try:
        with transaction.atomic():
            leases.update_if_owner(refresh, status=JobStatus.PROCESSING, started_at=clock.now())
            stages.plan_steps(refresh)
    except IntegrityError:  # the database lets one refresh work at a time
        refresh.refresh_from_db()
        return False
    return True


def _advance_once(refresh: SystemRefresh) -> None:
    under_way = list(_open_steps(refresh))
    for step in under_way:
        _copy_job_status(refresh, step)
    still_open = [step for step in under_way if step.is_open]
    if refresh.cancel_requested_at:
        _cancel(refresh, still_open)
    else:
        _begin_or_skip(refresh, still_open)
    _conclude(refresh)


def _open_steps(refresh: SystemRefresh) -> "Iterable[RefreshStep]":
    steps = refresh.steps.filter(status__in=OPEN).order_by("pk")
    return steps.select_related("import_job", "segment_refresh", "run__export")


def _copy_job_status(refresh: SystemRefresh, step: RefreshStep) -> None:
    """Follow the job of the step."""
    job = step.job
    if job is None or job.status == step.status:
        return
    _write(refresh, step, status=job.status, finished_at=job.finished_at, message=job.message)


def _begin_or_skip(refresh: SystemRefresh, steps: Iterable[RefreshStep]) -> None:
    """Begin the steps that wait for nothing, and skip those that depend on a failed one."""
    ends = dict(refresh.steps.values_list("pk", "status"))
    begun = 0
    for step in steps:
        if step.job is not None:
            continue
        before = {pk: ends[pk] for pk in step.waits_for if ends[pk] not in SUCCEEDED}
        in_the_way = [pk for pk, status in before.items() if status not in OPEN]
        if in_the_way:
            _skip(refresh, step, in_the_way[0])
        elif not before and begun < MOST_BEGUN:
            begun += _start(refresh, step)
        ends[step.pk] = step.status


@transaction.atomic
def _start(refresh: SystemRefresh, step: RefreshStep) -> bool:
    """Queue the step's job, in the transaction that notes it; False when there is nothing to wait for by now."""
    leases.lock_attempt(refresh)
    stage = stages.stage_of(step.kind)
    try:
        with transaction.atomic():
            job = stage.begin(step.target_id)
    except stages.NotNow:
        return False
    except stages.CannotBegin as reason:
        return _end_unstarted(refresh, step, reason.status, str(reason))
    except (OperationalError, InterfaceError):
        raise  # the database is away: the next look tries again
    except Exception:  # one thing that cannot be begun must not keep back all others
        logger.exception("system refresh %s: %s “%s” could not be begun", refresh.pk, step.kind, step.name)
        return _end_unstarted(
            refresh, step, JobStatus.FAILED, _("An unexpected error occurred. See the log for details.")
        )
    _write(refresh, step, status=job.status, **{stage.field: job})
    return True


def _end_unstarted(refresh: SystemRefresh, step: RefreshStep, status: JobStatus, message: str) -> bool:
    """End a step that cannot be begun; nothing was."""
    _write(refresh, step, status=status, message=message, finished_at=clock.now())
    return False


@transaction.atomic
def _skip(refresh: SystemRefresh, step: RefreshStep, blocked_by: int) -> None:
    leases.lock_attempt(refresh)
    cause = RefreshStep.objects.get(pk=blocked_by)
    message = stages.why_skipped(cause)
    stage = stages.stage_of(step.kind)
    job = stage.skip(step.target_id, message)
    _write(
        refresh,
        step,
        status=JobStatus.SKIPPED,
        message=message,
        blocked_by=cause,
        finished_at=clock.now(),
        **({stage.field: job} if job else {}),
    )


def _cancel(refresh: SystemRefresh, steps: Iterable[RefreshStep]) -> None:
    """Stop what is at work, and begin nothing more."""
    for step in steps:
        with transaction.atomic():
            leases.lock_attempt(refresh)
            job = step.job
            if job is None:
                _write(refresh, step, status=JobStatus.CANCELED, finished_at=clock.now())
            elif job.cancel_requested_at is None:
                stages.stage_of(step.kind).cancel(job)


def _conclude(refresh: SystemRefresh) -> None:
    """Write how far it is; and end it once every step has ended."""
    ends = list(refresh.steps.values_list("status", flat=True))
    done = sum(status not in OPEN for status in ends)
    if done < len(ends):
        leases.update_if_owner(refresh, progress_done=done, progress_total=len(ends))
        return
    leases.update_if_owner(
        refresh,
        status=JobStatus.CANCELED if refresh.cancel_requested_at else _final_status(ends),
        message="" if ends else _("There is nothing to refresh."),
        finished_at=clock.now(),
        lease_until=None,
        progress_done=done,
        progress_total=done,
    )


def _final_status(ends: list[str]) -> JobStatus:
    """Successful when all went well, Failed when something failed and nothing went well, else in between."""
    if set(ends) <= {JobStatus.SUCCESSFUL}:
        return JobStatus.SUCCESSFUL
    if JobStatus.FAILED in ends and not any(status in SUCCEEDED for status in ends):
        return JobStatus.FAILED
    return JobStatus.WARNINGS


def _write(refresh: SystemRefresh, step: RefreshStep, **values: object) -> None:
    """Change a step, under the fence."""
    with transaction.atomic():
        leases.lock_attempt(refresh)
        RefreshStep.objects.filter(pk=step.pk).update(**values)
    for name, value in values.items():
        setattr(step, name, value)
