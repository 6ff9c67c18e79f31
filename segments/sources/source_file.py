"""Provide the file that an import reads: an uploaded or given one, the fetched rows of a query, or one of a
watched folder."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext as _

from segments.models import ImportJob, WatchedFile
from segments.sources.databases.fetch import fetch_rows
from segments.sources.file_names import is_in_source_folder
from segments.sources.files.file_format import FileRefused


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
    raise to stop. Raises FileRefused."""
    if not job.path:
        yield fetch_rows(job, folder, check)
        return
    watched = WatchedFile.objects.filter(job=job).first()
    if watched is None:
        yield Path(job.path)
        return
    with _opened(Path(job.path), watched) as path:
        yield path


@contextmanager
def _opened(path: Path, seen: WatchedFile) -> Iterator[Path]:
    """Open a file of a watched folder, and provide a path that leads to it and to no other: who may write there
    could put a link in its place. Raises FileRefused when it is another one than was seen."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        reason = error.strerror or str(error)
        raise FileRefused(_("The file cannot be read: %(reason)s.") % {"reason": reason}) from error
    try:
        found = os.fstat(descriptor)
        opened = Path(f"/proc/self/fd/{descriptor}")
        is_same = (found.st_size, found.st_mtime_ns) == (seen.size, seen.modified_ns)
        if not stat.S_ISREG(found.st_mode) or not is_same or not is_in_source_folder(opened.resolve()):
            raise FileRefused(_("The file changed before it was imported. It is imported as it is then."))
        yield opened
    finally:
        os.close(descriptor)
