"""Change the list of an export or remove the export, and start the cleanup of the list that it leaves.

An export whose list is to be cleaned up first stays until that run has ended, as “Being removed”. When the run
does not end well the export is kept, so that the contacts that it added are not forgotten.
"""

from dataclasses import replace

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs import clock
from config.platform.jobs.enqueue import enqueue_on_commit
from config.platform.jobs.models import ENDED_WELL, OPEN, JobStatus
from config.platform.web.versions import take_version
from connections.models import Connection
from connections.permissions import check_can_use, user_can_use_all
from exports import permissions, policies
from exports.actions import manage, runs
from exports.actions.manage import ExportSettings
from exports.models import DeliveredSet, Export, ListCleanup, Run, RunKind, Trigger
from exports.models.snapshot import ORDINARY, RunOptions
from exports.removal import list_cleanup
from exports.removal.list_cleanup import AbandonedList, CleanupSettings
from exports.reporting import run_events


@transaction.atomic
def move(
    export: Export, settings: ExportSettings, wanted: CleanupSettings, *, version: int, by: User | None
) -> Export:
    """Edit an export and, where ``wanted`` says so, start the cleanup of the list that it leaves. Raises what
    manage.edit does."""
    left = list_cleanup.left_by_moving(export, settings.connection, settings.list_id)
    edited = manage.edit(export, settings, version=version, by=by)
    if left is not None and wanted.is_wanted:
        _start(edited, left, wanted, by)
    return edited


@transaction.atomic
def remove(export: Export, wanted: CleanupSettings, *, by: User | None) -> Run | None:
    """Remove an export at once or, where ``wanted`` says so, once its list is cleaned up by the run that is
    returned. Raises PermissionDenied and policies.Refusal."""
    export = Export.objects.select_for_update(of=("self",)).select_related("connection").get(pk=export.pk)
    if by is not None:
        permissions.check_can_manage(by, export)
    left = list_cleanup.left_by_removing(export)
    if left is None or not wanted.is_wanted:
        manage.remove(export, by=by)
        return None
    policies.check_stays(export)
    policies.check_can_remove(export)
    take_version(export, export.version)  # a user who is editing it is told
    export.removal_asked_at, export.removal_asked_by = clock.now(), by
    export.save(update_fields=["removal_asked_at", "removal_asked_by"])
    run = _start(export, left, wanted, by)
    record("removal_asked", export, by=by, changes={"run": (None, run.number)}, version=export.version)
    return run


@transaction.atomic
def clean_up_former_list(export: Export, set_id: int, wanted: CleanupSettings, *, by: User | None) -> Run | None:
    """Start the cleanup of a list that the export has left earlier, where ``wanted`` says so. Raises
    PermissionDenied and policies.Refusal."""
    export = Export.objects.select_for_update(of=("self",)).select_related("connection").get(pk=export.pk)
    if by is not None:
        permissions.check_can_manage(by, export)
    policies.check_stays(export)
    left = list_cleanup.find_former_list(export, set_id, by=by)
    if left is None:
        raise policies.Refusal(nothing_to_clean_up())
    return _start(export, left, wanted, by) if wanted.is_wanted else None


def nothing_to_clean_up() -> str:
    """Say why there is nothing to clean up on a former list."""
    return _("The export sends to this list again, or no longer has contacts on it.")


@transaction.atomic
def restart(run: Run, *, people: int, how: str, by: User | None) -> Run:
    """Start a list cleanup again that was held, failed or canceled, of up to about ``people`` contacts, which are
    removed as the user saw it. Raises PermissionDenied and policies.Refusal."""
    export = Export.objects.select_for_update(of=("self",)).get(pk=run.export_id)
    if by is not None:
        permissions.check_can_confirm(by, run)
    policies.check_can_restart_cleanup(run)
    asked = CleanupSettings.asked_of(run)
    if how != asked.how:
        raise policies.Refusal(runs.removal_has_changed())
    wanted = replace(asked, unsubscribes_everywhere=policies.reaches_everywhere(run), people=people)
    return _start(export, AbandonedList(run.cleanup.delivered_set, run.connection), wanted, by)


@transaction.atomic
def retry(failed: Run) -> Run:
    """Start the automatic retry of a failed list cleanup. Raises policies.Refusal."""
    if failed.connection is None:
        raise policies.Refusal(_("No connection gives access to that list anymore."))
    Run.objects.filter(pk=failed.pk).update(resume_at=None)
    run = _new_run(
        failed.export, failed.cleanup.delivered_set, failed.connection, Trigger.RETRY, None, retry_of=failed
    )
    enqueue_on_commit("exports.tasks.work_on_run", run.pk)
    return run


def finish_removals() -> None:
    """Remove exports whose list cleanup ended well, and keep those whose cleanup did not."""
    for pk in Export.objects.filter(removal_asked_at__isnull=False).order_by("pk").values_list("pk", flat=True):
        _finish(pk)


@transaction.atomic
def _finish(export_id: int) -> None:
    export = Export.objects.select_for_update(of=("self",), skip_locked=True).filter(pk=export_id).first()
    if export is None or not export.is_being_removed or policies.open_cleanup(export):
        return
    run = export.runs.filter(kind=RunKind.LIST_CLEANUP).order_by("pk").last()
    by = export.removal_asked_by
    if run is not None and _went_well(run):
        record("list_cleared", export, by=by, changes={"removed": (run.removed, None), "kept": (run.kept, None)})
        manage.remove(export, by=by)
        return
    Export.objects.filter(pk=export.pk).update(removal_asked_at=None, removal_asked_by=None)
    changes = {"run": (None, run.number if run else None)}
    record("kept", export, by=None, changes=changes, version=export.version)


def _went_well(run: Run) -> bool:
    ended_well = run.status in ENDED_WELL
    return ended_well and not run.removals_held and not run.not_removed


def _start(export: Export, left: AbandonedList, wanted: CleanupSettings, by: User | None) -> Run:
    connection = _find_connection(left, wanted, by)
    if wanted.people <= 0:
        raise policies.Refusal(_("Check the number of contacts first, then choose."))
    _check_is_only_cleanup(export, left)
    trigger = Trigger.MANUAL if by else Trigger.COMMAND
    run = _new_run(export, left.delivered_set, connection, trigger, by, options=wanted.options())
    asked: dict[str, tuple[object, object]] = {name: (None, value) for name, value in run.options.items()}
    record(
        "cleared",
        export,
        by=by,
        changes={"run": (None, run.number), "list": (left.delivered_set.title, None), **asked},
    )
    enqueue_on_commit("exports.tasks.work_on_run", run.pk)
    return run


def _new_run(
    export: Export,
    delivered_set: DeliveredSet,
    connection: Connection | None,
    trigger: Trigger,
    by: User | None,
    *,
    retry_of: Run | None = None,
    options: RunOptions = ORDINARY,
) -> Run:
    """Queue the run of a list cleanup."""
    run = runs.new_run(
        export,
        trigger,
        by,
        retry_of=retry_of,
        options=options,
        kind=RunKind.LIST_CLEANUP,
        account=delivered_set.account,
        list_id=delivered_set.list_id,
    )
    ListCleanup.objects.create(run=run, delivered_set=delivered_set, connection=connection)
    run_events.emit_status(run)
    return run


def _check_is_only_cleanup(export: Export, left: AbandonedList) -> None:
    """Refuse a second cleanup of a list while one is open, and cancel the retry of a failed one."""
    earlier = export.runs.filter(cleanup__delivered_set=left.delivered_set)
    if run := earlier.filter(status__in=OPEN).first():
        raise policies.Refusal(policies.already_running(run))
    earlier.filter(status=JobStatus.FAILURE).update(resume_at=None)


def _find_connection(left: AbandonedList, wanted: CleanupSettings, by: User | None) -> Connection:
    """Return the connection to use. Raises policies.Refusal and PermissionDenied when it, or the user, may not
    do what is asked."""
    if left.connection is None:
        raise policies.Refusal(
            _("No connection gives access to “%(list)s” anymore.") % {"list": left.delivered_set.title}
        )
    connection = Connection.objects.get(pk=left.connection.pk)
    if by is not None:
        check_can_use(by, connection)
        if wanted.unsubscribes_everywhere and not user_can_use_all(by):
            raise PermissionDenied(
                _("Only an administrator can unsubscribe contacts from all lists of the client.")
            )
    policies.check_can_be_put_on(connection)
    if why := list_cleanup.why_forbidden(connection, left.delivered_set.list_id, wanted.how):
        raise policies.Refusal(why)
    return connection
