"""Hold the removals of an import until a user confirms them.

A held import has written nothing. Its file is kept, and imported from the start once it is confirmed, so that the
removals are counted again. If they became more, they are held again.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.platform import retention
from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs import clock, leases
from config.platform.jobs.enqueue import enqueue_on_commit
from config.platform.jobs.models import OPEN, JobStatus
from config.platform.web.formats import number
from segments import alerts, permissions
from segments.models import DataSource, ImportJob
from segments.sources.files.read import LoadedFile
from segments.sources.removal_guard import FileComparison, ImportGuard, find_guard
from segments.store import leaving
from segments.store.lake import Reader

# A held import that no user confirms is canceled after so many days, and its file deleted.
_KEYS_AT_ONCE: Final = 100_000


class RemovalsHeld(Exception):
    """A guard holds the removals of an import."""

    def __init__(self, found: FileComparison, guard: ImportGuard) -> None:
        super().__init__(guard)
        self.found = found
        self.guard = guard


def check_removals(job: ImportJob, loaded: LoadedFile, reader: Reader) -> int:
    """Find the profiles that leave with an import, in the table LEAVING, and return how many they are. Raises
    RemovalsHeld after a guard has noted their IDs."""
    count, known, unreadable = leaving.find_leaving(reader, job.source_id)
    found = FileComparison(count, known, loaded.records, unreadable, bool(loaded.merged_lines))
    if guard := find_guard(found, job.confirmed_removals):
        path = _path(job)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        leaving.write_leaving_ids(reader, unfinished)
        unfinished.replace(path)
        raise RemovalsHeld(found, guard)
    return count


@transaction.atomic
def hold(job: ImportJob, held: RemovalsHeld) -> None:
    """End the work on a job, which has changed nothing, until a user confirms its removals. Raises LeaseLost."""
    leases.update_if_owner(
        job,
        status=JobStatus.NEEDS_CONFIRMATION,
        finished_at=clock.now(),
        lease_until=None,
        to_remove=held.found.leaving,
        profiles_before=held.found.known,
        removal_guard=held.guard,
        rows_read=job.rows_read,
        read_at=job.read_at,
        message="",
    )
    cancel_replaced(job)
    alerts.open_removals_held(job.source, reverse("segments:import", args=[job.pk]), held_sentence(job))


def held_sentence(job: ImportJob) -> str:
    """Return how many profiles would leave with a held import."""
    return leaving_sentence(job.to_remove, job.profiles_before)


def leaving_sentence(count: int, known: int) -> str:
    """Return how many of the known profiles would leave."""
    if not count:
        return _("No customers would be removed.")
    sentence = ngettext(
        "%(leaving)s of %(known)s customers is not in the file and would be removed.",
        "%(leaving)s of %(known)s customers are not in the file and would be removed.",
        count,
    )
    return sentence % {"leaving": number(count), "known": number(known)}


def guard_sentence(job: ImportJob) -> str:
    """Return why the removals of an import are held."""
    return str(ImportGuard(job.removal_guard).label) if job.removal_guard else ""


def is_held(job: ImportJob) -> bool:
    """Say whether the removals of an import await confirmation."""
    return job.status == JobStatus.NEEDS_CONFIRMATION


def keys_to_remove(job: ImportJob, limit: int | None = None) -> Iterator[str] | None:
    """Return the keys of the profiles that would leave with a held import, in their order; None when the list is
    gone."""
    path = leaving_path(job)
    return _keys_in(path, limit) if path is not None else None


def leaving_path(job: ImportJob) -> Path | None:
    """Return the file with the IDs of the profiles that would leave with a held import; None when it is gone."""
    path = _path(job)
    return path if is_held(job) and path.is_file() else None


def _keys_in(path: Path, limit: int | None) -> Iterator[str]:
    """Read keys in steps, so that no transaction is open while a user downloads them."""
    after, remaining = "", limit
    while remaining is None or remaining > 0:
        step = _KEYS_AT_ONCE if remaining is None else min(_KEYS_AT_ONCE, remaining)
        with leaving.leaving_in(path) as reader:
            keys = leaving.leaving_keys(reader, step, after=after)
        yield from keys
        if len(keys) < step:
            return
        after, remaining = keys[-1], None if remaining is None else remaining - len(keys)


@transaction.atomic
def confirm_removals(job: ImportJob, *, count: int, by: User | None, wake_worker: bool = True) -> bool:
    """Queue a held import again, which may now remove up to ``count`` profiles, and no more than it was held
    with. Returns False when it is not held any more. Raises PermissionDenied."""
    permissions.check_can_manage_data_sources(by)
    held = ImportJob.objects.select_for_update(of=("self",)).select_related("source").get(pk=job.pk)
    if not is_held(held):
        return False
    confirmed = min(count, held.to_remove)
    ImportJob.objects.filter(pk=held.pk).update(
        status=JobStatus.QUEUED,
        confirmed_removals=confirmed,
        cancel_requested_at=None,
        started_at=None,
        finished_at=None,
        read_at=None,
        rows_read=0,
        rows_refused=0,
        progress_done=0,
    )
    record("removals confirmed", held.source, by=by, changes={"customers": (None, confirmed)})
    if wake_worker:
        enqueue_on_commit("segments.tasks.import_file", held.pk)
    return True


@transaction.atomic
def cancel_held(job: ImportJob, message: str = "") -> bool:
    """Cancel an import if its removals are held. Returns whether they were."""
    if not _cancel(job, message):
        return False
    alerts.close_removals_held(job.source)
    return True


def cancel_replaced(job: ImportJob) -> None:
    """Cancel the held imports of the same data source that are older: their files are out of date. The alert stays
    until this job ends, so that removals that are held every night are one condition."""
    older = ImportJob.objects.filter(source=job.source_id, status=JobStatus.NEEDS_CONFIRMATION, pk__lt=job.pk)
    for each in older:
        _cancel(each, _("A later import has replaced this one. No rows were imported."))


def _cancel(job: ImportJob, message: str) -> bool:
    held = ImportJob.objects.filter(pk=job.pk, status=JobStatus.NEEDS_CONFIRMATION)
    if not held.update(status=JobStatus.CANCELED, finished_at=clock.now(), message=message):
        return False
    transaction.on_commit(lambda: delete_list(job))
    return True


def cancel_expired() -> None:
    """Cancel the imports that are held for too long, and delete the lists of those that are not held any more."""
    held_for = retention.HELD_IMPORTS
    held = ImportJob.objects.filter(status=JobStatus.NEEDS_CONFIRMATION)
    for job in held.filter(finished_at__lt=held_for.cutoff()).select_related("source"):
        cancel_held(
            job, _("The removals were not confirmed within %(days)d days.") % {"days": held_for.kept_for.days}
        )
    waiting = ImportJob.objects.filter(status__in=[*OPEN, JobStatus.NEEDS_CONFIRMATION])
    needed = set(waiting.values_list("pk", flat=True))
    for path in _folder().glob("*"):
        if not path.stem.isdigit() or int(path.stem) not in needed:
            path.unlink(missing_ok=True)


def cancel_uploads() -> None:
    """Cancel the held imports of uploaded files and delete these files: each may name a person who was erased."""
    held = ImportJob.objects.filter(status=JobStatus.NEEDS_CONFIRMATION)
    for job in held.filter(path__startswith=f"{settings.UPLOAD_DIR}/").select_related("source"):
        if cancel_held(job, _("A customer was erased, so the uploaded file was deleted. Import it again.")):
            Path(job.path).unlink(missing_ok=True)


def find_held(source: DataSource) -> ImportJob | None:
    """Return the import of a data source whose removals are held, or None."""
    return source.imports.filter(status=JobStatus.NEEDS_CONFIRMATION).order_by("-pk").first()


def delete_list(job: ImportJob) -> None:
    """Delete the list of the profiles that would leave with an import."""
    with suppress(OSError):
        _path(job).unlink(missing_ok=True)


def _path(job: ImportJob) -> Path:
    return _folder() / f"{job.pk}.parquet"


def _folder() -> Path:
    return Path(settings.UPLOAD_DIR) / "leaving"
