"""Start retries: of failed runs whose time has come, and of contacts that a list rejected.

A retry is a run of its own, so that the counts and the history of each stay true. It plans again, so that
contacts already sent are not sent twice.
"""

from django.db import connection as database
from django.db import transaction
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from exports import permissions, policies
from exports.actions import list_cleanup, runs
from exports.evidence import job as evidence
from exports.models import Export, OutcomeKind, Run, Trigger
from exports.reporting import alerts, run_events
from exports.state.status import Reason, change_status

_AT_ONCE = 100


def check_can_retry_rejected(run: Run) -> None:
    """Raise policies.Refusal when no contact was rejected, or when the export sends to another list by now."""
    export = run.export
    if not run.rejected:
        raise policies.Refusal(_("Run %(number)s had no rejected contacts.") % {"number": run.number})
    if export.connection is None or (export.connection.account, export.list_id) != (run.account, run.list_id):
        raise policies.Refusal(_("The export now sends to another list. This run rejected no contacts there."))
    policies.check_can_run(export)


def can_retry_rejected(run: Run) -> bool:
    try:
        check_can_retry_rejected(run)
    except policies.Refusal:
        return False
    return True


@transaction.atomic
def retry_rejected(run: Run, *, code: str = "", by: User) -> Run:
    """Queue a run that sends the rejected contacts of ``run`` again, those of one ``code`` if it is given.
    Raises PermissionDenied, and policies.Refusal."""
    export = Export.objects.select_for_update(of=("self",)).select_related("connection").get(pk=run.export_id)
    permissions.check_can_manage(by, export)
    check_can_retry_rejected(run)
    people = _mark_rejected(run, code)
    if not people:
        raise policies.Refusal(
            _("No contacts to retry: they were delivered since, or the results of this run are no longer stored.")
        )
    started = runs.start_run(export, by=by)
    record("asked_again", export, by=by, changes={"run": (run.number, started.number), "people": (None, people)})
    return started


def _mark_rejected(run: Run, code: str) -> int:
    """Let the next plan send the rejected contacts again. Returns how many they are."""
    with database.cursor() as cursor:
        cursor.execute(
            """
            UPDATE exports_refused refused SET ask_again = true
              FROM exports_deliveredset known, exports_outcome outcome
             WHERE known.export_id = %(export)s AND known.account = %(account)s AND known.list_id = %(list)s
               AND refused.delivered_set_id = known.id AND refused.email = outcome.email
               AND outcome.run_id = %(run)s AND outcome.kind = %(kind)s AND %(code)s IN ('', outcome.code)
            """,
            {
                "export": run.export_id,
                "account": run.account,
                "list": run.list_id,
                "run": run.pk,
                "kind": OutcomeKind.REJECTED.value,
                "code": code,
            },
        )
        return int(cursor.rowcount)


def start_due() -> None:
    """Start the retries whose time has come."""
    due = Run.objects.filter(status=JobStatus.FAILURE, resume_at__lte=clock.now()).order_by("resume_at")
    for run_id, export_id in due.values_list("pk", "export_id")[:_AT_ONCE]:
        _start(run_id, export_id)


@transaction.atomic
def _start(run_id: int, export_id: int) -> None:
    """Start exactly one retry, however many workers look at the same moment. One that cannot start is given up."""
    export = Export.objects.select_for_update(of=("self",)).filter(pk=export_id).first()
    failed_ones = Run.objects.select_for_update().filter(pk=run_id, status=JobStatus.FAILURE)
    failed = failed_ones.exclude(resume_at=None).first()  # locked, so that it is not canceled meanwhile
    if export is None or failed is None:
        return
    try:
        if failed.is_cleanup:
            list_cleanup.retry(failed)
        else:
            runs.start_run(export, by=None, trigger=Trigger.RETRY, retry_of=failed)
    except policies.Refusal as refusal:
        message = _("%(failure)s It cannot be retried: %(why)s")
        words = message % {"failure": failed.message, "why": refusal.sentence}
        change_status(failed, JobStatus.FAILED, Reason(failed.reason), message=words.strip(), resume_at=None)
        run_events.emit_status(failed)
        evidence.request(failed)
        alerts.update_alerts(failed)
