"""Import a file, or the rows of a database query, into profiles: load, choose types, stage, merge, count.

The merge is one commit of the profile store, which carries the job and its counts. A worker that is killed before
it leaves nothing, and another starts over; the import of one that is killed after it is concluded from the commit.
The thread of the lease writes the progress to the job.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.platform.audit.record import record
from config.platform.jobs import clock, leases
from config.platform.jobs.models import OPEN, JobStatus
from segments import alerts, catalog, hooks
from segments.catalog import Attribute
from segments.models import AttributeChange, DataSource, IdentityRules, ImportJob, ImportMode, ImportProblem
from segments.privacy import erase, rejected_files
from segments.sources import actions, held_imports, present_keys, staging
from segments.sources.column_plan import plans_to_list
from segments.sources.file_names import temporary_folder
from segments.sources.files.file_format import FileRefused
from segments.sources.files.read import LoadedFile
from segments.sources.import_plan import plans_to_store
from segments.sources.in_place import SAMPLE
from segments.sources.prepare import LOADED, decided_plans, interrupted_by, prepare, rejected_rows, why_failed
from segments.sources.source_file import check_unchanged, source_file, version_of
from segments.sources.staging import StagedRows
from segments.sources.watched_places.place import FileUnavailable
from segments.sources.watched_places.scan import retry_later
from segments.store import lake, schema
from segments.store.identity import StoreMismatch
from segments.store.merge import Merge

logger = logging.getLogger(__name__)

# A job that has ended its worker so many times fails.
MAX_ATTEMPTS = 20

Watch = Callable[[ImportJob], None]


class Canceled(Exception):
    """A user requested cancellation."""


class CommittedMeanwhile(Exception):
    """An earlier attempt, whose worker was killed, has committed after all."""


class ErasedMeanwhile(Exception):
    """A person was erased after the rows were checked for erased people."""


class NoRowKept(Exception):
    """The file has no valid row; nothing is changed."""

    def __init__(self, rows_read: int, loaded: LoadedFile) -> None:
        super().__init__(rows_read)
        self.rows_read = rows_read
        self.loaded = loaded

    @property
    def sentence(self) -> str:
        """The message for users."""
        if not self.rows_read:
            return _("The file has no rows below the header. Nothing was changed.")
        sentence = ngettext(
            "The only row was rejected. Nothing was changed.",
            "All %(rows)d rows were rejected. Nothing was changed.",
            self.rows_read,
        )
        return sentence % {"rows": self.rows_read}


@dataclass
class _Progress:
    """Reports progress to the lease and to ``watch``, and stops when the import is canceled or the lease lost."""

    job: ImportJob
    lease: leases.HeldLease
    watch: Watch | None

    def at(self, share: float, rows: int = 0) -> None:
        """Report the share of the work that is done. Raises Canceled and LeaseLost."""
        job = self.job
        job.progress_done, job.rows_read = round(share * (job.progress_total or 0)), rows
        self._report()

    def check(self) -> None:
        """Raise LeaseLost when another worker has the job, and Canceled when a user requested that."""
        self.lease.check()
        if self.lease.cancel_requested.is_set():
            raise Canceled

    def _report(self) -> None:
        job = self.job
        self.lease.report(
            progress_done=job.progress_done,
            progress_total=job.progress_total or 0,
            rows_read=job.rows_read,
            read_at=job.read_at,
        )
        if self.watch:
            self.watch(job)
        self.check()

    def repeat(self) -> None:
        """Report the same progress again, while the import waits. Raises Canceled and LeaseLost."""
        self._report()


def run_import(job_id: int, *, watch: Watch | None = None) -> ImportJob | None:
    """Claim and run an import. ``watch`` is called with the job at each progress. Returns the ended job, or
    None when another worker has it."""
    job = None if _waits_for_another(job_id) else leases.claim(ImportJob(pk=job_id))
    if job is None:
        return None
    if not _begin(job):
        return None if job.is_open else job
    with leases.hold(job) as lease:
        try:
            _import_once(job, _Progress(job, lease, watch))
        except leases.LeaseLost:
            logger.warning("import %s: another worker has taken over", job.pk)
            return None
        except (OperationalError, InterfaceError):
            logger.exception("import %s: the database was away; the import starts over", job.pk)
            raise
        except Canceled:
            _finish(job, JobStatus.CANCELED)
        except NoRowKept as empty:
            _finish_without_rows(job, empty)
        except held_imports.RemovalsHeld as held:
            held_imports.hold(job, held)
            return job  # which needs its file again
        except FileUnavailable as refusal:
            with transaction.atomic():
                _finish(job, JobStatus.FAILED, message=str(refusal))
                retry_later(job)
        except (FileRefused, catalog.TooManyAttributes, StoreMismatch, lake.OutOfMemory) as refusal:
            _finish(job, JobStatus.FAILED, message=why_failed(refusal))
        except Exception:
            logger.exception("import %s failed", job.pk)
            _finish(
                job,
                JobStatus.FAILED,
                message=_("An unexpected error occurred. See the log for details. Nothing was changed."),
            )
    actions.delete_upload(Path(job.path))
    held_imports.delete_list(job)
    return job


def _waits_for_another(job_id: int) -> bool:
    source = ImportJob.objects.filter(pk=job_id).values("source")
    at_work = ImportJob.objects.filter(source__in=source, status=JobStatus.PROCESSING)
    changes = AttributeChange.objects.filter(status__in=OPEN)
    return at_work.exclude(pk=job_id).exists() or changes.exists()


def _begin(job: ImportJob) -> bool:
    """Mark the job as processing. Returns False when another import of the source runs or the job has ended."""
    if job.status == JobStatus.PROCESSING and job.attempt > MAX_ATTEMPTS:
        _finish(job, JobStatus.FAILED, message=_("The import failed after several attempts."))
        return False
    if job.cancel_requested_at is not None:
        _finish(job, JobStatus.CANCELED)
        return False
    try:
        with transaction.atomic():
            started_at = job.started_at or clock.now()
            leases.update_if_owner(job, status=JobStatus.PROCESSING, started_at=started_at, read_at=None)
    except IntegrityError:  # another import of this source has just started
        leases.release(job)
        return False
    return True


def _import_once(job: ImportJob, progress: _Progress) -> None:
    """Import the file, unless an earlier attempt has committed it, and conclude the job."""
    note = lake.find_commit(_name(job))
    while note is None:
        try:
            note = _import(job, progress)
        except schema.TypeDiffers:  # another import has just added an attribute: convert again
            logger.info("import %s: the catalog has changed; the import starts over", job.pk)
        except CommittedMeanwhile:
            note = lake.find_commit(_name(job))
        finally:
            with lake.temporary_tables() as connection:
                staging.drop(connection, LOADED, SAMPLE)
    _conclude(job, note)


def _import(job: ImportJob, progress: _Progress) -> dict[str, Any]:
    """Merge the file into the profile store. Returns the note of the commit."""
    with (
        temporary_folder(f"{job.pk}-{job.attempt}") as folder,
        source_file(job, folder, progress.check) as path,
    ):
        version = version_of(path)
        job.progress_total = version.size
        staged = _prepare(job, progress, path, folder)
        check_unchanged(path, version)
        rows_read = staged.loaded.records
        job.read_at = clock.now()
        progress.at(0.99, rows_read)
        while True:
            erased_until = erase.last_erasure()
            with lake.temporary_tables():
                staged = staging.refuse_erased(job.source_id, staged)
            if not staged.loaded.kept:
                _keep_rejected_rows(job, staged.loaded, erased_until)
                raise NoRowKept(rows_read, staged.loaded)
            _check_removals(job, staged, erased_until)
            try:
                note = _merge(job, progress, staged, erased_until)
                _keep_rejected_rows(job, staged.loaded, erased_until)
                return note
            except ErasedMeanwhile:
                logger.info("import %s: a person was erased meanwhile; the rows are checked again", job.pk)


def _prepare(job: ImportJob, progress: _Progress, path: Path, folder: Path) -> StagedRows:
    """Load the file at ``path``, convert its rows, and reject those that cannot be merged."""
    lease = progress.lease
    try:
        with (
            lake.temporary_tables() as connection,
            interrupted_by(connection, lease.cancel_requested, lease.lost),
        ):
            staged = prepare(connection, job, path, folder, progress.at)
            if job.mode == ImportMode.SNAPSHOT:
                keys = f"SELECT key FROM {staging.TYPED}"  # noqa: S608 -- a name of ours
                present_keys.collect(connection, staged.loaded, staged.keys, keys)
            # Before others are rejected, so that no text of an erased person is kept.
            staged = staging.refuse_erased(job.source_id, staged)
            return staging.reject_unusable(staged)
    except lake.StoreError:  # perhaps because it was interrupted
        progress.check()
        raise


def _check_removals(job: ImportJob, staged: StagedRows, erased_until: int) -> None:
    """Check the removals before anything is written, new attributes too. Raises RemovalsHeld."""
    if job.mode != ImportMode.SNAPSHOT:
        return
    try:
        with lake.reading() as reader:
            held_imports.check_removals(job, staged.loaded, reader)
    except held_imports.RemovalsHeld:
        _keep_rejected_rows(job, staged.loaded, erased_until)
        _keep_problems(job, staged.loaded)
        leases.update_if_owner(job, rows_refused=staged.loaded.rejected.count)
        raise


def _keep_rejected_rows(job: ImportJob, loaded: LoadedFile, erased_until: int) -> None:
    """Keep the file of the rejected rows, unless a person was erased meanwhile."""
    rejected_files.store(job, loaded.rejected.path)
    if erase.last_erasure() != erased_until:
        rejected_files.delete(job)


def _merge(job: ImportJob, progress: _Progress, staged: StagedRows, erased_until: int) -> dict[str, Any]:
    """Merge the staged rows. Returns the note of the commit. Raises ErasedMeanwhile."""
    attributes = _attributes(staged, progress)
    with lake.temporary_tables():
        staging.name_columns(staged, attributes)
        misfits = staged.misfits()
    _keep_details(job, staged)
    given = list(attributes.values())
    return Merge(
        source_id=job.source_id,
        attributes=given,
        kept=catalog.others_than(given),
        job=_name(job),
        moment=clock.now(),
        check=lambda: _check_before_commit(job, progress, erased_until),
        waiting=progress.repeat,
        note={
            "rows_read": job.rows_read,
            "refused": staged.loaded.rejected.count,
            "misfits": misfits,
            "columns": sorted(each.name for each in given),
        },
        find_leaving=partial(held_imports.check_removals, job, staged.loaded)
        if job.mode == ImportMode.SNAPSHOT
        else None,
    ).run()


def _attributes(staged: StagedRows, progress: _Progress) -> dict[int, Attribute]:
    """Return the attributes of columns by position, after adding new ones to the catalog and to the profile
    store."""
    wanted = staged.attributes()
    return dict(zip(wanted, schema.ensure_attributes(list(wanted.values()), progress.repeat), strict=True))


def _name(job: ImportJob) -> str:
    """Return the name of the commit of a job in the profile store."""
    return f"import:{job.pk}"


def _check_before_commit(job: ImportJob, progress: _Progress, erased_until: int) -> None:
    """Check that this worker may still commit. Raises LeaseLost, Canceled, CommittedMeanwhile, ErasedMeanwhile."""
    progress.check()
    if leases.is_lost(job):
        raise leases.LeaseLost(f"import {job.pk}: another worker has claimed it")
    if lake.find_commit(_name(job)) is not None:
        raise CommittedMeanwhile
    if erase.last_erasure() != erased_until:
        raise ErasedMeanwhile


@transaction.atomic
def _conclude(job: ImportJob, note: Mapping[str, Any]) -> None:
    """End a job whose rows are committed, with the counts in the note of the commit."""
    source = DataSource.objects.select_for_update(no_key=True).get(pk=job.source_id)
    moment = clock.now()
    alerts.update_after_import(source)
    source.columns = note["columns"]
    if job.path and not (job.is_pushed or source.is_watching or actions.is_uploaded(Path(job.path))):
        source.path = job.path
    source.refreshed_at = moment
    removed = note.get("removed", 0)  # an earlier release wrote notes without it
    if removed:
        before = {"customers": (source.profile_count, source.profile_count + note["created"] - removed)}
        record("profiles removed", source, by=job.requested_by, changes={"file": (None, job.file_name), **before})
    if "unified" in note:
        IdentityRules.objects.update(counts=note["unified"])
    source.profile_count += note["created"] - removed
    source.column_plans = job.column_plans
    source.save(update_fields=["columns", "path", "refreshed_at", "profile_count", "column_plans"])
    hooks.source_followers.imported(source)
    leases.update_if_owner(
        job,
        status=JobStatus.WARNINGS if note["refused"] or note["misfits"] else JobStatus.SUCCESSFUL,
        finished_at=moment,
        lease_until=None,
        progress_done=job.progress_total or 0,
        progress_total=job.progress_total,
        read_at=job.read_at,
        rows_read=note["rows_read"],
        rows_created=note["created"],
        rows_updated=note["updated"],
        rows_unchanged=note["unchanged"],
        rows_refused=note["refused"],
        profiles_removed=removed,
        misfits=note["misfits"],
        message="",
    )


@transaction.atomic
def _keep_details(job: ImportJob, staged: StagedRows) -> None:
    """Write the rejected rows of this attempt in place of those of an earlier one, and the plans that it used."""
    _keep_problems(job, staged.loaded)
    used = plans_to_store(staged.plans, decided_plans(job))
    leases.update_if_owner(job, column_plans=plans_to_list(used))


def _keep_problems(job: ImportJob, loaded: LoadedFile) -> None:
    job.problems.all().delete()
    ImportProblem.objects.bulk_create(
        [
            ImportProblem(job=job, line=line, column=column, reason=reason)
            for line, column, reason in rejected_rows(loaded)
        ],
        batch_size=2000,
    )


@transaction.atomic
def _finish_without_rows(job: ImportJob, empty: NoRowKept) -> None:
    """End a job without a valid row as failed, with the reasons of the rows."""
    _finish(job, JobStatus.FAILED, message=empty.sentence)
    _keep_problems(job, empty.loaded)
    leases.update_if_owner(job, rows_read=empty.rows_read, rows_refused=empty.loaded.rejected.count)


@transaction.atomic
def _finish(job: ImportJob, status: JobStatus, *, message: str = "") -> None:
    """End a job that changed nothing."""
    if status == JobStatus.FAILED:
        alerts.update_after_import(job.source, reverse("segments:import", args=[job.pk]), failure=message)
    else:
        alerts.close_removals_held(job.source)
    leases.update_if_owner(
        job, status=status, message=message, finished_at=clock.now(), lease_until=None, rows_read=0
    )
