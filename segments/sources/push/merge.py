"""Merge pushed batches into the profile store: one import of a data source at a time, about one a second.

While the removals of a snapshot await confirmation, later batches wait too: they are newer than the snapshot.
"""

import time
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet

from config.platform.jobs import clock
from config.platform.jobs.enqueue import SECONDS_PER_MESSAGE
from config.platform.jobs.models import OPEN, JobStatus
from segments.models import PUSHED, DataSource, ImportJob, ImportMode, PushedBatch
from segments.sources import import_job
from segments.sources.push.ended import conclude_ended
from segments.sources.push.inbox import new_job

TASK: Final = "segments.tasks.merge_pushed"
_EVERY_SECONDS: Final = 1.0
# The most that one import merges; a single batch is never more.
_MOST_BATCHES: Final = 200
_MOST_ROWS: Final = 100_000
_MOST_BYTES: Final = 64 * 2**20
_SOURCES_AT_ONCE: Final = 100
# Imports of pushed batches start after these.
_GO_FIRST: Final = Q(path=PUSHED, status__in=OPEN) | Q(status=JobStatus.NEEDS_CONFIRMATION)


def merge_for_a_while(source_id: int) -> bool:
    """Merge the waiting batches of a data source, about once a second, until none waits or some seconds have
    passed. Returns whether there are more. While another import of the source is open, the next tick goes on."""
    ends_at = time.monotonic() + SECONDS_PER_MESSAGE
    while (job := _bind(source_id)) is not None:
        started = time.monotonic()
        ended = import_job.run_import(job.pk)
        if ended is None or ended.is_open:
            return False
        if started > ends_at:
            return True
        if _waiting().filter(source=source_id).exists():
            time.sleep(max(0.0, started + _EVERY_SECONDS - time.monotonic()))
    return False


def sources_to_merge() -> list[int]:
    """Return the data sources with batches that can be merged now."""
    occupied = ImportJob.objects.filter(_GO_FIRST).values("source")
    waiting = _waiting().exclude(source__in=occupied)
    return list(waiting.values_list("source", flat=True).distinct()[:_SOURCES_AT_ONCE])


@transaction.atomic
def _bind(source_id: int) -> ImportJob | None:
    """Give the first waiting batches to a new import. None when none waits, or others go first."""
    source = DataSource.objects.select_for_update(no_key=True).filter(pk=source_id).first()
    if source is None:
        return None
    conclude_ended(source)
    if source.imports.filter(_GO_FIRST).exists():
        return None
    group = _first_group(source_id)
    if not group:
        return None
    first = PushedBatch.objects.only("pushed_by").select_related("pushed_by").get(pk=group[0])
    job = new_job(source, mode=ImportMode.UPSERT, by=first.pushed_by)
    PushedBatch.objects.filter(pk__in=group).update(job=job)
    return job


def _first_group(source_id: int) -> list[int]:
    """Return the first waiting batches that can be one import. Batches whose import has failed are a group of
    their own, which is smaller after each failure, so that a batch that cannot be imported holds no other."""
    fields = ("pk", "columns", "failed_imports", "size", "byte_count")
    waiting = _waiting().filter(source=source_id).order_by("pk").values_list(*fields)[:_MOST_BATCHES]
    group: list[int] = []
    alike: tuple[list[str], int] | None = None
    rows = size = 0
    for pk, columns, failed_imports, row_count, byte_count in waiting:
        rows, size = rows + row_count, size + byte_count
        is_full = rows > _MOST_ROWS or size > _MOST_BYTES or len(group) >= _most_batches(failed_imports)
        if group and (alike != (columns, failed_imports) or is_full):
            break
        alike = (columns, failed_imports)
        group.append(pk)
    return group


def _most_batches(failed_imports: int) -> int:
    return max(1, _MOST_BATCHES >> 3 * failed_imports)


def _waiting() -> "QuerySet[PushedBatch]":
    """Return the batches of upserts that no import has and that are due."""
    is_due = Q(retry_at=None) | Q(retry_at__lte=clock.now())
    return PushedBatch.objects.filter(is_due, job=None, snapshot=None)
