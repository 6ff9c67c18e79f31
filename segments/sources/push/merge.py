"""Merge pushed batches into the profile store: one import of a data source at a time, about one a second."""

import time
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from config.platform.jobs import clock
from config.platform.jobs.enqueue import SECONDS_PER_MESSAGE
from config.platform.jobs.models import OPEN, JobStatus
from segments.models import PUSHED, DataSource, ImportJob, ImportMode, PushedBatch, PushSnapshot
from segments.sources import import_job
from segments.sources.push.inbox import new_job

TASK: Final = "segments.tasks.merge_pushed"
_EVERY_SECONDS: Final = 1.0
_MOST_BATCHES: Final = 200
_SOURCES_AT_ONCE: Final = 100
SNAPSHOT_KEPT: Final = timedelta(hours=24)
_JOBS_KEPT: Final = 20  # successful ones of a data source; there may be one a second


def merge_for_a_while(source_id: int) -> bool:
    """Merge the waiting batches of a data source, about once a second, until none waits or some seconds have
    passed. Returns whether there are more. While another import of the source is open, the next tick goes on."""
    ends_at = time.monotonic() + SECONDS_PER_MESSAGE
    while (job := _bind(source_id)) is not None:
        started = time.monotonic()
        ended = import_job.run_import(job.pk)
        if ended is None or ended.is_open:
            return False
        delete_merged(source_id)
        if started > ends_at:
            return True
        if _waiting(source_id).exists():
            time.sleep(max(0.0, started + _EVERY_SECONDS - time.monotonic()))
    return False


def sources_to_merge() -> list[int]:
    """Return the data sources with waiting batches and no open import of them."""
    waiting = PushedBatch.objects.filter(job=None, snapshot=None)
    at_work = ImportJob.objects.filter(path=PUSHED, status__in=OPEN).values("source")
    return list(waiting.exclude(source__in=at_work).values_list("source", flat=True).distinct()[:_SOURCES_AT_ONCE])


def delete_merged(source_id: int | None = None) -> None:
    """Delete the batches of imports that have ended, those of abandoned snapshots, and old successful imports of a
    data source."""
    ended = ImportJob.objects.filter(path=PUSHED).exclude(status__in=[*OPEN, JobStatus.NEEDS_CONFIRMATION])
    PushedBatch.objects.filter(job__in=ended).delete()
    if source_id is None:
        PushSnapshot.objects.filter(job=None, started_at__lt=clock.now() - SNAPSHOT_KEPT).delete()
        return
    done = ended.filter(source=source_id, mode=ImportMode.UPSERT, status=JobStatus.SUCCESSFUL).order_by("-pk")
    ImportJob.objects.filter(pk__in=list(done.values_list("pk", flat=True)[_JOBS_KEPT:])).delete()


@transaction.atomic
def _bind(source_id: int) -> ImportJob | None:
    """Give waiting batches with the same columns to a new import. None when none waits, or an import of pushed
    profiles is open already."""
    source = DataSource.objects.select_for_update(no_key=True).filter(pk=source_id).first()
    if source is None or source.imports.filter(path=PUSHED, status__in=OPEN).exists():
        return None
    waiting = list(_waiting(source_id).order_by("pk").values_list("pk", "columns")[:_MOST_BATCHES])
    if not waiting:
        return None
    _pk, columns = waiting[0]
    alike = [pk for pk, others in waiting if others == columns]
    job = new_job(source, mode=ImportMode.UPSERT, by=None)
    PushedBatch.objects.filter(pk__in=alike).update(job=job)
    return job


def _waiting(source_id: int) -> "QuerySet[PushedBatch]":
    return PushedBatch.objects.filter(source=source_id, job=None, snapshot=None)
