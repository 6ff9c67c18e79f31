"""Start retries of failed runs whose time has come.

A retry is a run of its own, so that the counts and the history of each stay true. It plans again, so that
contacts already sent are not sent twice.
"""

from django.db import transaction
from django.utils.translation import gettext as _

from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from exports import policies
from exports.actions import list_cleanup, runs
from exports.models import Export, Run, Trigger
from exports.reporting import alerts
from exports.state.status import Reason, change_status

_AT_ONCE = 100


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
        alerts.of_end(failed)
