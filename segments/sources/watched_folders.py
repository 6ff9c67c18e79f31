"""Import the files that arrive in watched folders: whole ones, each version once, in the order of their names.

A file is taken when its size and its time of change have stayed the same for WATCH_SETTLE_SECONDS. The next one
waits for the end of the import before it; a file that cannot be imported does not hold it up.
"""

import fnmatch
import logging
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.jobs import clock
from config.platform.jobs.enqueue import enqueue_on_commit
from config.platform.jobs.models import OPEN, JobStatus
from segments import permissions
from segments.models import DataSource, ImportJob, ImportMode, WatchedFile, WatchedFolder
from segments.sources import held_imports
from segments.sources.actions import cancel_import, open_import
from segments.sources.data_source import ensure_data_source
from segments.sources.file_names import is_in_source_folder

logger = logging.getLogger(__name__)

_EVERY: Final = timedelta(seconds=15)
# Names that programs give to files which they are still writing, and hidden files.
_UNFINISHED: Final = (".*", "*.part", "*.tmp", "*.filepart", "*.crdownload", "*~")


class FolderRefused(Exception):
    """A folder cannot be watched; the message is for users. ``field`` is the field that is wrong."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class SeenFile:
    """A file as it is in the folder now."""

    name: str
    size: int
    modified_ns: int


@transaction.atomic
def watch_folder(
    *,
    source_name: str,
    key_columns: Sequence[str],
    folder: str,
    pattern: str,
    by: User | None,
    mode: ImportMode | None = None,
) -> WatchedFolder:
    """Let a data source, which is created if it is new, import the files that arrive in a folder. Raises
    FolderRefused and KeyColumnDiffers."""
    permissions.check_can_manage_databases(by)
    folder, pattern = folder.strip(), pattern.strip()
    find_files(folder, pattern)
    source = ensure_data_source(source_name, key_columns, mode=mode, by=by)
    before = WatchedFolder.objects.filter(source=source).first()
    watched, _created = WatchedFolder.objects.update_or_create(
        source=source, defaults={"folder": folder, "pattern": pattern, "scanned_at": None, "problem": ""}
    )
    if str(before or "") != str(watched):
        record(
            "edited", source, by=by, changes={"watched_folder": (str(before) if before else None, str(watched))}
        )
    return watched


@transaction.atomic
def stop_watching(source: DataSource, *, by: User | None) -> None:
    """Stop watching the folder of a data source, and cancel the open and held imports of its files, which could
    not be checked any more; what was imported stays."""
    permissions.check_can_manage_databases(by)
    watched = WatchedFolder.objects.select_for_update().filter(source=source).first()
    if watched is not None:
        unfinished = ImportJob.objects.filter(status__in=[*OPEN, JobStatus.NEEDS_CONFIRMATION])
        for job in unfinished.filter(watched_file__folder=watched):
            cancel_import(job, by=by)
        record("edited", source, by=by, changes={"watched_folder": (str(watched), None)})
        watched.delete()


def find_files(folder: str, pattern: str) -> list[SeenFile]:
    """Return the files of a folder that fit the pattern, by name, except links and those with a name of
    unfinished ones. Raises FolderRefused."""
    real = _allowed_folder(folder)
    if not pattern or "/" in pattern or pattern.startswith("."):
        raise FolderRefused(
            _("The pattern is that of file names in this folder, such as customers-*.csv."), "pattern"
        )
    found = []
    try:
        for path in real.iterdir():
            name = path.name
            is_unfinished = any(fnmatch.fnmatchcase(name, each) for each in _UNFINISHED)
            if (
                is_unfinished
                or not fnmatch.fnmatchcase(name, pattern)
                or len(name) > 255
                or not name.isprintable()
            ):
                continue
            try:
                state = path.lstat()
            except FileNotFoundError:  # it has just been moved away
                continue
            if stat.S_ISREG(state.st_mode):
                found.append(SeenFile(name, state.st_size, state.st_mtime_ns))
    except OSError as error:
        reason = error.strerror or str(error)
        raise FolderRefused(_("The folder cannot be read: %(reason)s.") % {"reason": reason}, "folder") from error
    return sorted(found, key=lambda each: each.name)


def claim_due() -> Sequence[int]:
    """Return the IDs of the folders that are to be scanned now, and note that they are."""
    now = clock.now()
    due = WatchedFolder.objects.filter(Q(scanned_at=None) | Q(scanned_at__lt=now - _EVERY))
    claimed = list(due.values_list("pk", flat=True))
    WatchedFolder.objects.filter(pk__in=claimed).update(scanned_at=now)
    return claimed


def scan_soon(source_id: int) -> None:
    """Let the folder of a data source be scanned with the next tick, because one of its imports has ended."""
    WatchedFolder.objects.filter(source=source_id).update(scanned_at=None)


def scan(folder_id: int) -> ImportJob | None:
    """Look for files in a watched folder, and queue the import of the first that is whole, if no import of the
    data source is open. Returns the import."""
    watched = WatchedFolder.objects.select_related("source").filter(pk=folder_id).first()
    if watched is None:
        return None
    try:
        seen = find_files(watched.folder, watched.pattern)
    except FolderRefused as refusal:
        WatchedFolder.objects.filter(pk=folder_id).update(problem=str(refusal))
        logger.warning("watched folder %s cannot be read", folder_id)
        return None
    return _take_next(folder_id, seen)


@transaction.atomic
def _take_next(folder_id: int, seen: Sequence[SeenFile]) -> ImportJob | None:
    watched = (
        WatchedFolder.objects.select_for_update(of=("self",)).select_related("source").filter(pk=folder_id).first()
    )
    if watched is None:  # it is watched no longer
        return None
    if watched.problem:
        watched.problem = ""
        watched.save(update_fields=["problem"])
    waiting = _note_seen(watched, seen)
    if open_import(watched.source) is not None:
        return None
    settled = clock.now() - timedelta(seconds=settings.WATCH_SETTLE_SECONDS)
    found = next((each for each in waiting if each.seen_at <= settled), None)
    return _import(watched, found) if found is not None else None


def _note_seen(watched: WatchedFolder, seen: Sequence[SeenFile]) -> list[WatchedFile]:
    """Note what is in the folder; forget files that changed or left before they were taken. Returns those that
    wait, by name."""
    known = {(each.name, each.size, each.modified_ns): each for each in watched.files.all()}
    present = {(each.name, each.size, each.modified_ns) for each in seen}
    gone = [each.pk for version, each in known.items() if not each.is_taken and version not in present]
    WatchedFile.objects.filter(pk__in=gone).delete()
    new = [
        WatchedFile(folder=watched, name=name, size=size, modified_ns=modified_ns)
        for name, size, modified_ns in present - known.keys()
    ]
    WatchedFile.objects.bulk_create(new)
    return list(watched.files.filter(is_taken=False).order_by("name"))


def _import(watched: WatchedFolder, found: WatchedFile) -> ImportJob:
    source = watched.source
    job = ImportJob.objects.create(
        source=source, file_name=found.name, path=str(Path(watched.folder) / found.name), mode=source.mode
    )
    held_imports.cancel_replaced(job)
    found.job, found.is_taken = job, True
    found.save(update_fields=["job", "is_taken"])
    record("import requested", source, by=None, changes={"file": (None, found.name)})
    enqueue_on_commit("segments.tasks.import_file", job.pk)
    return job


def _allowed_folder(folder: str) -> Path:
    """Return the real path of a folder. Raises FolderRefused when it is not in one of SOURCE_FOLDERS; of others
    the refusal does not tell whether they exist."""
    path = Path(folder)
    real = path.resolve()
    if not folder or not path.is_absolute() or not is_in_source_folder(real):
        allowed = ", ".join(settings.SOURCE_FOLDERS) or _("none")
        raise FolderRefused(
            _("The folder must be in one that the setting SOURCE_FOLDERS lists: %(folders)s.")
            % {"folders": allowed},
            "folder",
        )
    if not real.is_dir():
        raise FolderRefused(_("There is no folder %(path)s.") % {"path": path}, "folder")
    return real
