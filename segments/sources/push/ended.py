"""Conclude ended imports of pushed batches: delete what is merged, keep what is not after a failure."""

from collections import defaultdict
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from config.platform import retention
from config.platform.jobs import clock
from config.platform.jobs.models import ENDED_WELL, OPEN, JobStatus
from segments.models import PUSHED, DataSource, ImportJob, ImportMode, PushedBatch, PushSnapshot

_FIRST_WAIT: Final = timedelta(seconds=10)
_LONGEST_WAIT: Final = timedelta(hours=1)
_BATCHES_AT_ONCE: Final = 2  # of up to 10 MB


def conclude_all_ended() -> None:
    """Conclude the ended imports of all data sources, and delete abandoned snapshots."""
    for source_id in _ended().values_list("source", flat=True).distinct():
        with transaction.atomic():
            source = DataSource.objects.select_for_update(no_key=True).filter(pk=source_id).first()
            if source is not None:
                conclude_ended(source)
    PushSnapshot.objects.filter(job=None, started_at__lt=retention.PUSH_SNAPSHOTS.cutoff()).delete()


def conclude_ended(source: DataSource) -> None:
    """Conclude the ended imports of a data source, whose row is locked. The batches of a failed one wait again,
    and a snapshot that failed can be finished again. Batches whose rows were all rejected are deleted as
    merged ones are, and those of canceled imports. Of old imports the newest stay."""
    # By their IDs: an import that ends during this is concluded the next time.
    jobs = list(_ended().filter(source=source).values_list("job", flat=True).distinct())
    ended = PushedBatch.objects.filter(job__in=jobs)
    failed = ended.filter(job__status=JobStatus.FAILED)
    _reopen_snapshots(failed.filter(job__mode=ImportMode.SNAPSHOT))
    _retry_later(failed.filter(job__mode=ImportMode.UPSERT, job__rows_read=0))
    _drop_replaced(source, ended.filter(job__status__in=ENDED_WELL))
    ended.delete()
    for status in (JobStatus.SUCCESSFUL, JobStatus.FAILED):
        upserts = ImportJob.objects.filter(source=source, path=PUSHED, mode=ImportMode.UPSERT, status=status)
        old = upserts.order_by("-pk").values_list("pk", flat=True)[retention.PUSH_IMPORTS.most :]
        ImportJob.objects.filter(pk__in=list(old)).delete()


def wait_after(failed_imports: int) -> timedelta:
    """Return how long a batch waits after so many failed imports."""
    return min(_FIRST_WAIT * (1 << min(failed_imports, 20)), _LONGEST_WAIT)


def _ended() -> "QuerySet[PushedBatch]":
    """Return the batches whose import has ended."""
    unfinished = [*OPEN, JobStatus.NEEDS_CONFIRMATION]
    return PushedBatch.objects.exclude(job=None).exclude(job__status__in=unfinished)


def _reopen_snapshots(failed: "QuerySet[PushedBatch]") -> None:
    """Let the snapshots of failed imports be finished again."""
    jobs = list(failed.values_list("job", flat=True).distinct())
    PushedBatch.objects.filter(job__in=jobs).update(job=None)
    PushSnapshot.objects.filter(job__in=jobs).update(job=None, finished_at=None)


def _retry_later(failed: "QuerySet[PushedBatch]") -> None:
    """Let the batches of failed imports wait, the longer the more imports of them have failed."""
    by_count: dict[int, list[int]] = defaultdict(list)
    for pk, count in failed.values_list("pk", "failed_imports"):
        by_count[count + 1].append(pk)
    for count, batches in by_count.items():
        due_at = clock.now() + wait_after(count)
        PushedBatch.objects.filter(pk__in=batches).update(job=None, failed_imports=count, retry_at=due_at)


def _drop_replaced(source: DataSource, merged: "QuerySet[PushedBatch]") -> None:
    """Drop profiles that wait after a failed import when a later push, which is merged, has replaced them."""
    waiting = source.pushed_batches.filter(job=None, snapshot=None, failed_imports__gt=0)
    if not waiting.exists() or not merged.exists():
        return
    snapshots = PushSnapshot.objects.filter(job__in=merged.exclude(snapshot=None).values("job"))
    for finished_at in snapshots.values_list("finished_at", flat=True):
        waiting.filter(received_at__lt=finished_at).delete()
    last_batch: dict[str, int] = {}
    upserts = merged.filter(snapshot=None).order_by("pk").values_list("pk", "keys")
    for pk, keys in upserts.iterator(chunk_size=_BATCHES_AT_ONCE):
        last_batch.update(dict.fromkeys(keys, pk))
    for batch in waiting.order_by("pk").iterator(chunk_size=_BATCHES_AT_ONCE):
        rows = zip(batch.keys, batch.lines, strict=True)
        batch.keep_rows([(key, line) for key, line in rows if last_batch.get(key, 0) < batch.pk])
