"""Provide the file that an import reads: an uploaded or given one, the fetched rows of a query, pushed
profiles, or one of a watched folder or bucket."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext as _

from segments.models import ImportJob, WatchedFile
from segments.sources.databases.fetch import fetch_rows
from segments.sources.files.file_format import FileRefused
from segments.sources.push.inbox import write_file
from segments.sources.watched_places.places import place_of


@dataclass(frozen=True)
class FileVersion:
    """Which file is at a path, and its state."""

    device: int
    inode: int
    size: int
    modified_ns: int


def version_of(path: Path) -> FileVersion:
    """Return the version of the file at a path. Raises FileRefused."""
    try:
        found = path.stat()
    except OSError as error:
        reason = error.strerror or str(error)
        raise FileRefused(_("The file cannot be read: %(reason)s.") % {"reason": reason}) from error
    return FileVersion(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def check_unchanged(path: Path, before: FileVersion) -> None:
    """Check that the file at a path is the same as ``before`` it was read: rows of another version would look as
    if they were missing. Raises FileRefused."""
    if version_of(path) != before:
        raise FileRefused(_("The file changed while it was read. Nothing was imported. Import it again."))


@contextmanager
def source_file(job: ImportJob, folder: Path, check: Callable[[], None]) -> Iterator[Path]:
    """Provide the path of the file of a job until the block ends. ``folder`` is for temporary files; ``check`` may
    raise to stop. Raises FileRefused, and FileUnavailable for a file that is to be tried again later."""
    if not job.path:
        yield fetch_rows(job, folder, check)
        return
    if job.is_pushed:
        yield write_file(job, folder)
        return
    watched = WatchedFile.objects.select_related("place").filter(job=job).first()
    if watched is None:
        yield Path(job.path)
        return
    with place_of(watched.place).opened(watched, folder, check) as path:
        yield path
