"""Scan watched folders and buckets, and queue the import of the first file that is whole.

The next file waits for the end of the import before it; a file that cannot be imported does not hold it up.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, Q

from config.platform.audit.record import record
from config.platform.jobs import clock
from config.platform.jobs.enqueue import enqueue_on_commit
from config.platform.jobs.models import JobStatus
from segments import alerts
from segments.models import ImportJob, WatchedFile, WatchedPlace
from segments.sources import held_imports
from segments.sources.actions import open_import
from segments.sources.watched_places.place import Place, PlaceRefused, SeenFile
from segments.sources.watched_places.places import place_of

logger = logging.getLogger(__name__)

_SOON: Final = timedelta(minutes=15)
_RETRY_AFTER: Final = timedelta(minutes=5)
_NAME_LENGTH: Final = 255  # of the file name of an import
_PATH_LENGTH: Final = 500


def claim_due() -> Sequence[int]:
    """Return the IDs of the places that are to be scanned now, and note that they are."""
    now = clock.now()
    due = WatchedPlace.objects.alias(due_at=F("scanned_at") + F("interval")).filter(
        Q(scanned_at=None) | Q(due_at__lt=now)
    )
    claimed = list(due.values_list("pk", flat=True))
    WatchedPlace.objects.filter(pk__in=claimed).update(scanned_at=now)
    return claimed


def scan_soon(source_id: int) -> None:
    """Let the place of a data source be scanned with the next tick, because one of its imports has ended."""
    WatchedPlace.objects.filter(source=source_id).update(scanned_at=None)


def retry_later(job: ImportJob) -> None:
    """Let the file of an import be taken again in a few minutes, because it could not be fetched."""
    WatchedFile.objects.filter(job=job).update(is_taken=False, retry_at=clock.now() + _RETRY_AFTER)


def scan(place_id: int) -> ImportJob | None:
    """Look for files in a watched place, and queue the import of the first that is whole, if no import of the
    data source is open. Returns the import."""
    watched = WatchedPlace.objects.select_related("source").filter(pk=place_id).first()
    if watched is None:
        return None
    place = place_of(watched)
    try:
        seen = place.find_files(watched.pattern)
    except PlaceRefused as refusal:
        logger.warning("watched place %s cannot be read", place_id)
        _note_problem(watched, str(refusal))
        return None
    return take_next(place_id, place, seen)


@transaction.atomic
def take_next(place_id: int, place: Place, seen: Sequence[SeenFile]) -> ImportJob | None:
    """Note the files that were seen in a place, and queue the import of the first that is whole and was not taken
    before. Returns the import."""
    watched = (
        WatchedPlace.objects.select_for_update(of=("self",)).select_related("source").filter(pk=place_id).first()
    )
    if watched is None:  # it is watched no longer
        return None
    if watched.problem:
        _forget_problem(watched)
    waiting = _note_seen(watched, seen)
    if open_import(watched.source) is not None:
        return None
    found = _first_whole(waiting, clock.now(), place.settle_seconds)
    return _import(watched, place, found) if found is not None else None


@transaction.atomic
def _note_problem(watched: WatchedPlace, problem: str) -> None:
    """Note why a place cannot be read; notify users when that lasts until the next scan, or that is far off."""
    WatchedPlace.objects.filter(pk=watched.pk).update(problem=problem)
    if watched.problem or watched.interval > _SOON:
        alerts.open_place_unreadable(watched.source, problem)


def _forget_problem(watched: WatchedPlace) -> None:
    """Note that a place can be read again, and close the alert unless it is that of a failed import."""
    watched.problem = ""
    watched.save(update_fields=["problem"])
    last = watched.source.imports.order_by("-pk").first()
    if last is None or last.status != JobStatus.FAILED:
        alerts.close_place_unreadable(watched.source)


def _first_whole(waiting: Sequence[WatchedFile], now: datetime, settle_seconds: int) -> WatchedFile | None:
    """Return the first file that has settled; None also when it is to be tried again later, because files are
    imported in the order of their names."""
    settled = now - timedelta(seconds=settle_seconds)
    found = next((each for each in waiting if each.seen_at <= settled), None)
    return None if found is not None and found.retry_at is not None and found.retry_at > now else found


def _note_seen(watched: WatchedPlace, seen: Sequence[SeenFile]) -> list[WatchedFile]:
    """Note what is in the place; forget files that changed or left before they were taken. Returns those that
    wait, by name."""
    known = {(each.name, each.version): each for each in watched.files.all()}
    present = {(each.name, each.version): each for each in seen}
    gone = [each.pk for version, each in known.items() if not each.is_taken and version not in present]
    WatchedFile.objects.filter(pk__in=gone).delete()
    new = [
        WatchedFile(place=watched, name=each.name, version=each.version, size=each.size)
        for version, each in present.items()
        if version not in known
    ]
    WatchedFile.objects.bulk_create(new)
    return list(watched.files.filter(is_taken=False).order_by("name"))


def _import(watched: WatchedPlace, place: Place, found: WatchedFile) -> ImportJob:
    source = watched.source
    job = ImportJob.objects.create(
        source=source,
        file_name=found.name[-_NAME_LENGTH:],  # the end says what kind of file it is
        path=place.path_of(found.name)[:_PATH_LENGTH],
        mode=source.mode,
    )
    held_imports.cancel_replaced(job)
    found.job, found.is_taken, found.retry_at = job, True, None
    found.save(update_fields=["job", "is_taken", "retry_at"])
    record("import requested", source, by=None, changes={"file": (None, job.file_name)})
    enqueue_on_commit("segments.tasks.import_file", job.pk)
    return job
