"""Import into data sources, refresh them from their file, cancel imports, remove data sources; store uploaded
files until their import ends."""

import logging
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest, Lower
from django.utils.translation import gettext as _

from config.platform import retention
from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs import leases
from config.platform.jobs.enqueue import enqueue_on_commit
from config.platform.jobs.models import OPEN, JobStatus
from segments import alerts, permissions
from segments.models import DataSource, ImportJob, ImportMode, RemovedSource, Segment
from segments.privacy import rejected_files
from segments.sources import data_source, held_imports
from segments.sources.column_plan import ColumnPlan, plans_to_list
from segments.sources.data_source import ensure_data_source
from segments.sources.file_names import SUFFIXES, delete_abandoned_folders, suffix_of, temporary_folder
from segments.sources.files.detect import detect
from segments.sources.files.file_format import FileFormat
from segments.sources.files.read import preview
from segments.sources.files.text_file import FirstRows
from segments.sources.import_plan import key_positions
from segments.store import lake, leaving, members
from segments.store.profiles import delete_of_removed_sources

logger = logging.getLogger(__name__)

KeyColumnDiffers = data_source.KeyColumnDiffers  # callers catch what start_import raises

# The file name contains the ID of the user, who alone can continue the upload.
_TOKEN = re.compile(rf"[0-9a-f]{{32}}-(?P<uploader>\d+)(?:{'|'.join(map(re.escape, SUFFIXES))})")


class SourceHasNoFile(Exception):
    """A data source cannot be read again: its file was uploaded, and uploads are deleted after their import."""

    def __init__(self, source: DataSource) -> None:
        super().__init__(
            _("“%(name)s” was uploaded, and uploaded files are not stored. Import the file again.")
            % {"name": source}
        )


class ImportInProgress(Exception):
    """The data source cannot be removed because an import is open."""

    def __init__(self, job: ImportJob) -> None:
        super().__init__(
            _("“{file}” is being imported into it. Wait until the import ends, or cancel it first.").format(
                file=job.file_name
            )
        )
        self.job = job


@dataclass(frozen=True)
class Loss:
    """The members that a segment loses and keeps."""

    segment: Segment
    lost: int

    @property
    def remaining(self) -> int:
        return max(0, self.segment.member_count - self.lost)


def start_import(
    *,
    path: Path,
    key_column: str,
    source_name: str,
    by: User | None,
    further_key_columns: Sequence[str] = (),
    file_name: str = "",
    choices: Mapping[str, Any] | None = None,
    plans: Sequence[ColumnPlan] = (),
    mode: ImportMode | None = None,
    confirmed_removals: int | None = None,
    wake_worker: bool = True,
) -> ImportJob:
    """Queue the import of a file into a data source, which is created if it is new. ``choices`` are what the
    user chose of the format, and the data source keeps; without them those of the data source hold. Columns
    without one of the ``plans`` get the plan of the data source, or a guess. The data source keeps the ``mode``
    too; in snapshot mode up to ``confirmed_removals`` profiles may leave without a further question.
    ``wake_worker=False`` leaves the import to the caller. Raises FileRefused when the header cannot be used and
    KeyColumnDiffers when the source has another key; nothing is changed then."""
    permissions.check_can_manage_data_sources(by)
    source = DataSource.objects.filter(name__iexact=source_name).first()
    chosen: Mapping[str, Any] = choices if choices is not None else source.file_format if source else {}
    file_format = detect(path, name=file_name or path.name, **chosen)
    names = first_rows(path, file_format, 0).names
    keys = [names[at] for at in key_positions(names, [key_column, *further_key_columns])]
    job = ImportJob(
        file_name=file_name or path.name,
        path=str(path.absolute()),
        requested_by=by,
        file_format=file_format.to_dict(),
        column_plans=plans_to_list(plans),
        confirmed_removals=confirmed_removals,
    )
    _queue(job, source_name, keys, chosen, mode=mode, by=by)
    if wake_worker:
        enqueue_on_commit("segments.tasks.import_file", job.pk)
    return job


@transaction.atomic
def refresh_data_source(source: DataSource, *, by: User | None, wake_worker: bool = True) -> ImportJob:
    """Queue an import of the source's own file or database query, or return the queued one: one that is processing
    may have read older rows, and the new one waits for it. The import reports what is wrong with it. Raises
    SourceHasNoFile."""
    permissions.check_can_manage_data_sources(by)
    if not source.is_refreshable:
        raise SourceHasNoFile(source)
    path = "" if source.has_query else source.path
    queued = ImportJob.objects.filter(source=source, path=path, status=JobStatus.QUEUED, cancel_requested_at=None)
    job = queued.select_for_update(no_key=True).order_by("-pk").first()  # it begins to read after this request
    if job is None:
        file_name = str(source.database_query)[:255] if source.has_query else Path(path).name
        job = ImportJob.objects.create(
            source=source, file_name=file_name, path=path, mode=source.mode, requested_by=by
        )
        held_imports.cancel_replaced(job)
        record("import requested", source, by=by, changes={"file": (None, file_name)})
    if wake_worker:
        enqueue_on_commit("segments.tasks.import_file", job.pk)
    return job


@transaction.atomic
def cancel_import(job: ImportJob, *, by: User | None) -> None:
    """Request cancellation of an import; an import that no worker holds ends at once, as does one whose removals
    are held."""
    permissions.check_can_manage_data_sources(by)
    if not held_imports.cancel_held(job):
        leases.request_cancel(job)
    record("import canceled", job.source, by=by, changes={"file": (job.file_name, None)})


def open_import(source: DataSource) -> ImportJob | None:
    """Return the open import of a data source, or None."""
    return source.imports.filter(status__in=OPEN).order_by("pk").first()


def losses(source: DataSource) -> list[Loss]:
    """Return the segments that lose members with the data source, by name."""
    segments = list(Segment.objects.exclude(member_set=None).order_by(Lower("name")))
    with lake.reading() as reader:
        lost = members.members_of_source(reader, source.pk, [each.member_set_id or 0 for each in segments])
    return [Loss(each, lost[each.member_set_id]) for each in segments if each.member_set_id in lost]


def losses_of_import(job: ImportJob) -> list[Loss]:
    """Return the segments that lose members with the removals of a held import, by name; none when its list is
    gone."""
    path = held_imports.leaving_path(job)
    if path is None:
        return []
    segments = list(Segment.objects.exclude(member_set=None).order_by(Lower("name")))
    with leaving.leaving_in(path) as reader:
        lost = members.members_leaving(reader, [each.member_set_id or 0 for each in segments])
    return [Loss(each, lost[each.member_set_id]) for each in segments if each.member_set_id in lost]


def remove_data_source(source: DataSource, *, by: User) -> int:
    """Remove a data source with its profiles. Returns the number of profiles. Raises ImportInProgress."""
    permissions.check_can_manage_data_sources(by)
    _check_idle(source)  # before the lock as well, which an import holds until its end
    count = _remove(source.pk, by)
    try:
        delete_of_removed_sources()
    except Exception:  # no reader sees the profiles any more; they are deleted later
        logger.exception("data source %s: its profiles will be deleted from the store later", source.pk)
    return count


def store_upload(file: "UploadedFile[Any]", *, by: User) -> str:
    """Store an uploaded file. Returns the token that finds it."""
    token = f"{secrets.token_hex(16)}-{by.pk}{suffix_of(file.name or '') or '.csv'}"
    folder = Path(settings.UPLOAD_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / token).open("xb") as stored:
        for piece in file.chunks(1 << 20):
            stored.write(piece)
    return token


def first_rows(path: Path, file_format: FileFormat, count: int) -> FirstRows:
    """Read the names of the columns and the first rows of a file. Raises FileRefused."""
    with temporary_folder("preview") as folder:
        return preview(path, file_format, rows=count, folder=folder)


def find_upload(token: str, *, by: User) -> Path | None:
    """Return the path of an uploaded file; None when it is gone or another user uploaded it."""
    found = _TOKEN.fullmatch(token)
    if found is None or found["uploader"] != str(by.pk):
        return None
    path = Path(settings.UPLOAD_DIR) / token
    return path if path.is_file() else None


def is_uploaded(path: Path) -> bool:
    """Say whether a file is in the upload folder."""
    return Path(settings.UPLOAD_DIR) in path.parents


def delete_upload(path: Path) -> None:
    """Delete an uploaded file; other files stay."""
    if is_uploaded(path):
        path.unlink(missing_ok=True)


def delete_abandoned_uploads() -> None:
    """Delete uploads older than a day, by the file system's clock, that no import needs, the files of rejected
    rows that are as old, and the temporary files of imports whose worker was killed."""
    folder = Path(settings.UPLOAD_DIR)
    held_imports.cancel_expired()
    rejected_files.delete_older_than(time.time() - retention.REJECTED_ROWS.kept_for.total_seconds())
    found = [path for path in folder.glob("*") if path.is_file()]
    oldest = time.time() - retention.UPLOADS.kept_for.total_seconds()
    old = [path for path in found if path.stat().st_mtime < oldest]
    waiting = ImportJob.objects.filter(status__in=[*OPEN, JobStatus.NEEDS_CONFIRMATION])
    needed = set(waiting.values_list("path", flat=True))
    for path in old:
        if str(path) not in needed:
            path.unlink(missing_ok=True)
    at_work = ImportJob.objects.filter(status__in=OPEN).values_list("pk", "attempt")
    delete_abandoned_folders(frozenset(f"{pk}-{attempt}" for pk, attempt in at_work))


@transaction.atomic
def _queue(
    job: ImportJob,
    source_name: str,
    keys: Sequence[str],
    choices: Mapping[str, Any],
    *,
    mode: ImportMode | None,
    by: User | None,
) -> None:
    """Store the job of an import into a data source, which is created if it is new. Raises KeyColumnDiffers."""
    source = ensure_data_source(source_name, keys, mode=mode, by=by)
    if source.file_format != dict(choices):
        source.file_format = dict(choices)
        source.save(update_fields=["file_format"])
    job.source, job.mode = source, source.mode
    job.save()
    held_imports.cancel_replaced(job)
    record("import requested", source, by=by, changes={"file": (None, job.file_name)})


@transaction.atomic
def _remove(source_id: int, by: User) -> int:
    source = DataSource.objects.select_for_update().filter(pk=source_id).first()
    if source is None:  # another user has just removed it
        return 0
    _check_idle(source)
    lost, people = losses(source), source.profile_count
    for loss in lost:
        Segment.objects.filter(pk=loss.segment.pk).update(member_count=Greatest(F("member_count") - loss.lost, 0))
    names = [loss.segment.name for loss in lost]
    changes: dict[str, tuple[object, object]] = {"customers": (people, 0), "segments": (names or None, None)}
    record("removed", source, by=by, changes=changes)
    alerts.forget_source(source)
    for job in source.imports.all():
        rejected_files.delete(job)
    source.imports.all().delete()
    RemovedSource.objects.create(pk=source.pk)
    source.delete()
    return people


def _check_idle(source: DataSource) -> None:
    if job := open_import(source):
        raise ImportInProgress(job)
