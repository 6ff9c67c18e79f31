"""Import a file into profiles, all or nothing: read the header, infer types, stage, merge, count.

The merge is one commit of the profile store, which carries the job and its counts. A worker that is killed before
it leaves nothing, and another starts over; the import of one that is killed after it is concluded from the commit.
The thread of the lease writes the progress to the job.
"""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.platform.jobs import clock, leases
from config.platform.jobs.models import JobStatus
from segments import alerts, catalog
from segments.catalog import Attribute
from segments.models import AttributeType, DataSource, ImportJob, ImportProblem
from segments.privacy import erase
from segments.sources import actions, csv_reader, staging
from segments.sources.copy_encoder import Column, Encoder, Guess, Problems, TypedBlock
from segments.sources.csv_reader import Block, FileRefused
from segments.store import lake, schema
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
    """The file has no valid row; the transaction is rolled back."""

    def __init__(self, rows_read: int, problems: Problems) -> None:
        super().__init__(rows_read)
        self.rows_read = rows_read
        self.problems = problems

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

    def at(self, done: int, *, rows: int = 0) -> None:
        """Report the bytes done. Raises Canceled and LeaseLost."""
        job = self.job
        job.progress_done, job.rows_read = done, rows
        self.lease.report(
            progress_done=done, progress_total=job.progress_total or 0, rows_read=rows, read_at=job.read_at
        )
        if self.watch:
            self.watch(self.job)
        self.lease.check()
        if self.lease.cancel_requested.is_set():
            raise Canceled

    def repeat(self) -> None:
        """Report the same progress again, while the import waits. Raises Canceled and LeaseLost."""
        self.at(self.job.progress_done, rows=self.job.rows_read)


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
        except (FileRefused, catalog.TooManyAttributes) as refusal:
            _finish(job, JobStatus.FAILED, message=str(refusal))
        except Exception:
            logger.exception("import %s failed", job.pk)
            _finish(
                job,
                JobStatus.FAILED,
                message=_("An unexpected error occurred. See the log for details. Nothing was changed."),
            )
    actions.delete_upload(Path(job.path))
    return job


def _waits_for_another(job_id: int) -> bool:
    source = ImportJob.objects.filter(pk=job_id).values("source")
    at_work = ImportJob.objects.filter(source__in=source, status=JobStatus.PROCESSING)
    return at_work.exclude(pk=job_id).exists()


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
            staging.drop()
    _conclude(job, note)


def _import(job: ImportJob, progress: _Progress) -> dict[str, Any]:
    """Merge the file into the profile store. Returns the note of the commit."""
    path, problems = Path(job.path), Problems()
    columns, key_index, size = _columns(path, job.source, progress)
    encoder = Encoder(columns, key_index, problems)
    with_emails = staging.stage(columns, _converted(path, job.source, encoder, progress))
    staging.keep_last_of_each_key(problems)
    job.read_at = clock.now()
    progress.at((job.progress_total or 0) - size // 2, rows=encoder.rows_read)
    while True:
        erased_until = erase.last_erasure()
        staging.refuse_erased(job.source_id, columns, problems)
        if not staging.count_rows():
            raise NoRowKept(encoder.rows_read, problems)
        try:
            return _merge(
                job, progress, _attributes(columns, with_emails, progress.repeat), problems, erased_until
            )
        except ErasedMeanwhile:
            logger.info("import %s: a person was erased meanwhile; the rows are checked again", job.pk)


def _attributes(
    columns: Sequence[Column], with_emails: Collection[int], waiting: Callable[[], None]
) -> dict[int, Attribute]:
    """Return the attributes of columns by index, after adding new ones to the catalog and to the profile store."""
    wanted = {
        at: Attribute(column.name, column.data_type, has_emails=at in with_emails)
        for at, column in enumerate(columns)
        if column.has_values
    }
    return dict(zip(wanted, schema.ensure_attributes(list(wanted.values()), waiting), strict=True))


def _merge(
    job: ImportJob, progress: _Progress, attributes: Mapping[int, Attribute], problems: Problems, erased_until: int
) -> dict[str, Any]:
    """Merge the staged rows. Returns the note of the commit. Raises ErasedMeanwhile."""
    staging.name_columns(attributes)
    _keep_problems(job, problems)
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
            "refused": problems.count,
            "columns": sorted(each.name for each in given),
        },
    ).run()


def _name(job: ImportJob) -> str:
    """Return the name of the commit of a job in the profile store."""
    return f"import:{job.pk}"


def _check_before_commit(job: ImportJob, progress: _Progress, erased_until: int) -> None:
    """Check that this worker may still commit. Raises LeaseLost, Canceled, CommittedMeanwhile, ErasedMeanwhile."""
    progress.lease.check()
    if progress.lease.cancel_requested.is_set():
        raise Canceled
    if leases.is_lost(job):
        raise leases.LeaseLost(f"import {job.pk}: another worker has claimed it")
    if lake.find_commit(_name(job)) is not None:
        raise CommittedMeanwhile
    if erase.last_erasure() != erased_until:
        raise ErasedMeanwhile


def _columns(path: Path, source: DataSource, progress: _Progress) -> tuple[list[Column], int, int]:
    """Return the columns of the file, the index of the key, and the size in bytes. Infers the types of columns
    that the catalog does not know from the whole file."""
    with csv_reader.opened(path, key=source.key_column) as file:
        names, key_index = file.header.names, file.header.index_of(source.key_column)
    size = path.stat().st_size
    known = catalog.find(names)
    unknown = [name for name in names if name not in known]
    catalog.check_limit(len(unknown))
    # The file is read once or twice, and the merge counts as once more.
    progress.job.progress_total = size * (3 if unknown else 2)
    progress.at(0)
    inferred = _infer(path, source, unknown, progress) if unknown else {}
    columns = [
        Column(known[name].name, known[name].data_type)
        if name in known
        else Column(name, inferred.get(name, AttributeType.TEXT), has_values=name in inferred)
        for name in names
    ]
    return columns, key_index, size


def _infer(
    path: Path, source: DataSource, unknown: Sequence[str], progress: _Progress
) -> dict[str, AttributeType]:
    """Infer the types of unknown columns from the whole file; columns without values are left out. A key is
    text."""
    with csv_reader.opened(path, key=source.key_column) as file:
        names = file.header.names
        guesses = {names.index(name): Guess() for name in unknown}
        for block in file.blocks():
            progress.at(file.position)
            columns = list(zip(*_sound_rows(block, len(names)), strict=True))
            for index, guess in guesses.items():
                if columns:
                    guess.look(columns[index])
    types = {names[index]: guess.data_type for index, guess in guesses.items()}
    key = names[file.header.index_of(source.key_column)]
    return {name: AttributeType.TEXT if name == key else found for name, found in types.items() if found}


def _sound_rows(block: Block, width: int) -> list[list[str]]:
    rows = block.rows if set(map(len, block.rows)) == {width} else [r for r in block.rows if len(r) == width]
    return rows if _is_utf8(rows) else [row for row in rows if _is_utf8([row])]


def _is_utf8(rows: list[list[str]]) -> bool:
    try:
        "".join(map("".join, rows)).encode()
    except UnicodeEncodeError:
        return False
    return True


def _converted(path: Path, source: DataSource, encoder: Encoder, progress: _Progress) -> Iterator[TypedBlock]:
    with csv_reader.opened(path, key=source.key_column) as file:
        before = (progress.job.progress_total or 0) - 2 * path.stat().st_size
        for block in file.blocks():
            if converted := encoder.encode(block):
                yield converted
            progress.at(before + file.position, rows=encoder.rows_read)


@transaction.atomic
def _conclude(job: ImportJob, note: Mapping[str, Any]) -> None:
    """End a job whose rows are committed, with the counts in the note of the commit."""
    source = DataSource.objects.select_for_update(no_key=True).get(pk=job.source_id)
    moment = clock.now()
    alerts.update_after_import(source)
    source.columns = note["columns"]
    if not actions.is_uploaded(Path(job.path)):
        source.path = job.path
    source.refreshed_at = moment
    source.profile_count += note["created"]
    source.save(update_fields=["columns", "path", "refreshed_at", "profile_count"])
    leases.update_if_owner(
        job,
        status=JobStatus.WARNINGS if note["refused"] else JobStatus.SUCCESSFUL,
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
        message="",
    )


@transaction.atomic
def _keep_problems(job: ImportJob, problems: Problems) -> None:
    """Write the problems of this attempt in place of those of an earlier one."""
    job.problems.all().delete()
    ImportProblem.objects.bulk_create(
        [ImportProblem(job=job, line=line, reason=reason) for line, reason in sorted(problems.kept)],
        batch_size=2000,
    )


@transaction.atomic
def _finish_without_rows(job: ImportJob, empty: NoRowKept) -> None:
    """End a job without a valid row as failed, with the reasons of the rows."""
    _finish(job, JobStatus.FAILED, message=empty.sentence)
    _keep_problems(job, empty.problems)
    leases.update_if_owner(job, rows_read=empty.rows_read, rows_refused=empty.problems.count)


@transaction.atomic
def _finish(job: ImportJob, status: JobStatus, *, message: str = "") -> None:
    """End a job that changed nothing."""
    if status == JobStatus.FAILED:
        alerts.update_after_import(job.source, reverse("segments:import", args=[job.pk]), failure=message)
    leases.update_if_owner(
        job, status=status, message=message, finished_at=clock.now(), lease_until=None, rows_read=0
    )
