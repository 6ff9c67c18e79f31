"""Previews as jobs: asked for on a page, worked out by a worker, kept for a while."""

import logging

from django.db import DatabaseError, transaction
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.jobs import clock, leases
from config.platform.jobs.enqueue import enqueue_on_commit
from config.platform.jobs.models import OPEN, JobStatus
from connections.destinations.errors import DestinationError
from connections.vault import NotConnected
from exports import permissions, policies
from exports.actions import runs
from exports.models import Export, ExportPreview, Run
from exports.preview import dry_run, summary
from exports.state import retry_policy
from segments import actions as segment_actions
from segments.privacy import erase

logger = logging.getLogger(__name__)


@transaction.atomic
def request(export: Export, *, by: User) -> ExportPreview:
    """Ask for a preview of ``export`` as it is now; while one is being worked out, that one. Raises
    PermissionDenied and policies.Refusal."""
    export = Export.objects.select_for_update(of=("self",)).select_related("connection").get(pk=export.pk)
    permissions.check_can_manage(by, export)
    policies.check_can_preview(export)
    open_one = export.previews.filter(status__in=OPEN).first()
    if open_one is not None:
        return open_one
    export.previews.all().delete()
    job = ExportPreview.objects.create(export=export, export_version=export.version, requested_by=by)
    enqueue_on_commit("exports.tasks.work_out_preview", job.pk)
    return job


@transaction.atomic
def refresh_and_run(export: Export, *, by: User) -> Run:
    """Ask for a refresh of the export's segments, and for a run, which waits until they are refreshed. Raises
    PermissionDenied and policies.Refusal."""
    permissions.check_can_manage(by, export)
    for segment in export.segments.order_by("pk"):
        segment_actions.request_refresh(segment, by=by)
    return runs.start_run(export, by=by)


def due() -> list[int]:
    """Return the ids of previews that no worker holds."""
    return list(leases.claimable(ExportPreview).order_by("pk").values_list("pk", flat=True)[:100])


def work_out(preview_id: int) -> None:
    """Compute a preview, unless another worker holds it."""
    job = leases.claim(ExportPreview(pk=preview_id))
    if job is None:
        return
    if job.attempt > retry_policy.PREVIEW_ATTEMPTS:
        _end(job, JobStatus.FAILED, _("The preview failed after several attempts."))
        return
    leases.update_if_owner(job, status=JobStatus.PROCESSING, started_at=clock.now())
    erased_until = erase.last_erasure()
    try:
        with leases.hold(job):
            outline, sample = summary.outline(job)
        with transaction.atomic():
            dry_run.check_erasures(erased_until)
            _end(job, JobStatus.SUCCESSFUL, outline=outline, sample=sample)
    except dry_run.PersonErased:
        leases.release(job)
        enqueue_on_commit("exports.tasks.work_out_preview", job.pk)
    except leases.LeaseLost:
        logger.warning("preview %s: another worker has taken over", job.pk)
    except (DestinationError, NotConnected) as trouble:
        _end(job, JobStatus.FAILED, getattr(trouble, "sentence", str(trouble)))
    except DatabaseError:
        logger.exception("preview %s failed", job.pk)
        _end(
            job, JobStatus.FAILED, _("The preview timed out, or the database was not available. Try again later.")
        )


def _end(job: ExportPreview, status: JobStatus, message: str = "", **values: object) -> None:
    try:
        leases.update_if_owner(
            job, status=status, message=message, finished_at=clock.now(), lease_until=None, **values
        )
    except leases.LeaseLost:
        logger.warning("preview %s: another worker has taken over", job.pk)
