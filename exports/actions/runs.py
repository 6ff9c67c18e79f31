"""Start, skip, confirm and cancel runs. Each action is atomic and recorded in the audit."""

from django.db import transaction
from django.db.models import Max, Q
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs import clock
from config.platform.jobs.enqueue import enqueue_on_commit
from config.platform.jobs.models import OPEN, JobStatus
from exports import permissions, policies
from exports.evidence import job as evidence
from exports.models import Export, Run, RunEvent, RunKind, Stage, Trigger
from exports.models.snapshot import ORDINARY, RunOptions
from exports.reporting import alerts, run_events
from exports.state.status import Reason, change_status


@transaction.atomic
def start_run(
    export: Export,
    *,
    by: User | None,
    trigger: Trigger = Trigger.MANUAL,
    retry_of: Run | None = None,
    options: RunOptions = ORDINARY,
) -> Run:
    """Queue a run and enqueue its task. The run takes the place of a retry that was still to come.

    Raises policies.Refusal when a run is under way (the export's row is locked, so that exactly one of two clicks
    gets through), or when nothing could be sent."""
    export = Export.objects.select_for_update(of=("self",)).get(pk=export.pk)
    policies.check_can_run(export)
    if options.resubscribe and not policies.may_resubscribe(export):
        raise policies.Refusal(policies.nobody_is_subscribed_again())
    waiting = export.runs.filter(status=JobStatus.FAILURE).exclude(kind=RunKind.LIST_CLEANUP)
    waiting.exclude(resume_at=None).update(resume_at=None)
    run = new_run(export, trigger, by, retry_of=retry_of, options=options)
    if trigger != Trigger.SYSTEM:  # the record of the system refresh names the user
        asked: dict[str, tuple[object, object]] = {name: (None, value) for name, value in run.options.items()}
        record("run", export, by=by, changes={"run": (None, run.number), **asked})
    run_events.emit_status(run)
    enqueue_on_commit("exports.tasks.work_on_run", run.pk)
    return run


@transaction.atomic
def skip_run(export: Export, *, trigger: Trigger, message: str) -> Run | None:
    """Note that the export was due and did not run, because of what ``message`` says of something that it depends
    on. None while a run is under way, which speaks for the export."""
    export = Export.objects.select_for_update(of=("self",)).get(pk=export.pk)
    if policies.open_run(export):
        return None
    run = new_run(export, trigger, None)
    change_status(run, JobStatus.SKIPPED, Reason.UPSTREAM_FAILED, message=message, stage=Stage.COMPLETE)
    run_events.emit_status(run)
    evidence.request(run)
    alerts.update_alerts(run)
    return run


def confirm_removals(run: Run, *, people: int, how: str, by: User | None) -> Run:
    """Start a run that removes up to ``people`` contacts that a guard holds, by the policy that was shown; it
    computes again who they are. Raises PermissionDenied and policies.Refusal. (For a list cleanup:
    list_cleanup.restart.)"""
    if by is not None:
        permissions.check_can_confirm(by, run)
    policies.check_can_confirm(run)
    if how != run.export.removal:
        raise policies.Refusal(removal_has_changed())
    agreed = {"how": how, "unsubscribes_everywhere": policies.reaches_everywhere(run)}
    return start_run(run.export, by=by, options=RunOptions(confirmed_removals=people, removal=agreed))


def removal_has_changed() -> str:
    """Say that contacts would be removed in another way than the user saw."""
    return _("The setting for contacts who left the segments has changed. Reload the page and try again.")


@transaction.atomic
def cancel_run(run: Run, *, by: User | None) -> None:
    """Ask a run to stop, or not to try it again; what is sent stays sent. Raises policies.Refusal when it has
    ended."""
    run = Run.objects.select_for_update().get(pk=run.pk)
    policies.check_can_cancel(run)
    record("canceled", run.export, by=by, changes={"run": (run.number, None)})
    if run.next_try_at is not None:
        change_status(run, JobStatus.CANCELED, Reason.CANCELED_BY_PERSON, by=by, resume_at=None)
        run_events.emit_status(run)
        evidence.request(run)
        return
    # The worker of the run sees this within a second; where none has it, the message wakes one.
    Run.objects.filter(pk=run.pk).update(cancel_requested_at=clock.now(), resume_at=None)
    enqueue_on_commit("exports.tasks.work_on_run", run.pk)


def new_run(
    export: Export,
    trigger: Trigger,
    by: User | None,
    *,
    retry_of: Run | None = None,
    options: RunOptions = ORDINARY,
    kind: RunKind = RunKind.EXPORT,
    **values: object,
) -> Run:
    """The next run of an export whose row is locked, to be enqueued. A retry is asked what the failed run was
    asked."""
    kept = retry_of.options if retry_of else options.keep()
    run = Run.objects.create(
        export=export,
        kind=RunKind.RESTORE if kept.get("restores") else kind,
        number=(export.runs.aggregate(last=Max("number"))["last"] or 0) + 1,
        trigger=trigger,
        requested_by=by,
        retry_of=retry_of,
        retries=retry_of.retries + 1 if retry_of else 0,
        options=kept,
        **values,
    )
    RunEvent.objects.create(run=run, to_status=run.status, by_name=str(by) if by else "")
    return run


def stop_cleanup_of_current_list(export: Export, by: User | None) -> None:
    """Cancel cleanups of the list to which the export sends again."""
    if export.connection is None:
        return
    mine = export.runs.filter(
        kind=RunKind.LIST_CLEANUP,
        account=export.connection.account,
        list_id=export.list_id,
        cancel_requested_at=None,
    )
    for run in mine.filter(Q(status__in=OPEN) | Q(status=JobStatus.FAILURE, resume_at__isnull=False)):
        cancel_run(run, by=by)
