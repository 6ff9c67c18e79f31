"""Celery tasks of segments. All state is in rows, so that a lost or repeated message changes nothing."""

from celery import shared_task
from django.db.models import Exists, OuterRef

from config.platform.jobs import leases
from config.platform.jobs.enqueue import enqueue, enqueue_unless_waiting, forget_waiting
from config.platform.jobs.models import JobStatus
from config.platform.schedules import ticks
from segments import maintenance, refresh, refresh_job, unification
from segments.attribute_changes import job as attribute_changes
from segments.models import (
    AttributeChange,
    ImportJob,
    SegmentRefresh,
    SegmentSchedule,
    SegmentTick,
    SourceSchedule,
    SourceTick,
    Unification,
)
from segments.privacy import erase
from segments.sources import actions, import_job, schedules
from segments.sources.push import ended, merge
from segments.sources.watched_places import scan

_IMPORT, _REFRESH = "segments.tasks.import_file", "segments.tasks.refresh_segment"
_UNIFY, _CHANGE = "segments.tasks.unify", "segments.tasks.change_attribute"
_JOBS_PER_TICK = 100


@shared_task
def import_file(job_id: int) -> None:
    forget_waiting(_IMPORT, job_id)
    job = import_job.run_import(job_id)
    if job is not None:
        scan.scan_soon(job.source_id)


@shared_task
def merge_pushed(source_id: int) -> None:
    """Merge pushed profiles of a data source, about once a second, as long as there are any."""
    forget_waiting(merge.TASK, source_id)
    if merge.merge_for_a_while(source_id):
        enqueue_unless_waiting(merge.TASK, source_id)


@shared_task
def scan_watched_place(place_id: int) -> None:
    scan.scan(place_id)


@shared_task
def refresh_segment(job_id: int) -> None:
    forget_waiting(_REFRESH, job_id)
    refresh_job.run_refresh(job_id)


@shared_task
def unify(job_id: int) -> None:
    forget_waiting(_UNIFY, job_id)
    unification.run_unification(job_id)


@shared_task
def change_attribute(job_id: int) -> None:
    forget_waiting(_CHANGE, job_id)
    attribute_changes.run_change(job_id)


@shared_task
def enqueue_pending() -> None:
    """Enqueue every due job that no worker holds again, and the watched folders and buckets that are to be
    scanned; delete abandoned uploads."""
    at_work = ImportJob.objects.filter(source=OuterRef("source"), status=JobStatus.PROCESSING).exclude(
        pk=OuterRef("pk")
    )
    due = {
        _CHANGE: leases.claimable(AttributeChange),
        _IMPORT: leases.claimable(ImportJob).exclude(Exists(at_work)),
        _REFRESH: leases.claimable(SegmentRefresh),
        _UNIFY: leases.claimable(Unification),
    }
    for task, jobs in due.items():
        for job_id in jobs.order_by("pk").values_list("pk", flat=True)[:_JOBS_PER_TICK]:
            enqueue_unless_waiting(task, job_id)
    for place_id in scan.claim_due():
        enqueue("segments.tasks.scan_watched_place", place_id)
    for source_id in merge.sources_to_merge():
        enqueue_unless_waiting(merge.TASK, source_id)
    ended.conclude_all_ended()
    actions.delete_abandoned_uploads()
    if erase.purge_is_due():
        enqueue("segments.tasks.purge_erased")


@shared_task
def purge_erased() -> None:
    """Delete the files of the profile store that contain erased people."""
    maintenance.purge_erased()


@shared_task
def maintain_store() -> None:
    """Tidy the profile store."""
    maintenance.tidy()


@shared_task
def start_due() -> None:
    """Start the imports and refreshes that are due by the schedules of data sources and segments."""
    started = ticks.until_all_are_started(schedules.start_due_imports)
    started += ticks.until_all_are_started(refresh.start_due_refreshes)
    if started:
        enqueue("segments.tasks.enqueue_pending")


@shared_task
def tend_schedules() -> None:
    """Adjust due moments to changed time zones, and delete old ticks."""
    ticks.recompute_due(SegmentSchedule.objects.all())
    ticks.recompute_due(SourceSchedule.objects.all())
    ticks.forget_old(SegmentTick.objects.all())
    ticks.forget_old(SourceTick.objects.all())
