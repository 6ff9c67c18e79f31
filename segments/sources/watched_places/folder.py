"""Find and open the files of a watched folder of the server."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from segments.models import WatchedFile
from segments.sources.file_names import is_in_source_folder
from segments.sources.files.file_format import FileRefused
from segments.sources.watched_places.place import PlaceRefused, SeenFile, check_pattern, fits


@dataclass(frozen=True)
class FolderPlace:
    """A folder in one of SOURCE_FOLDERS."""

    folder: str

    @property
    def settle_seconds(self) -> int:
        return int(settings.WATCH_SETTLE_SECONDS)

    def path_of(self, name: str) -> str:
        return str(Path(self.folder) / name)

    def find_files(self, pattern: str) -> list[SeenFile]:
        """Return the files that fit the pattern, by name, except links and those with a name of unfinished ones.
        Raises PlaceRefused."""
        real = _allowed_folder(self.folder)
        check_pattern(pattern, has_folders=False)
        found = []
        try:
            for path in real.iterdir():
                if not fits(path.name, pattern) or len(path.name) > 255:
                    continue
                try:
                    state = path.lstat()
                except FileNotFoundError:  # it has just been moved away
                    continue
                if stat.S_ISREG(state.st_mode):
                    found.append(SeenFile(path.name, _version(state), state.st_size))
        except OSError as error:
            reason = error.strerror or str(error)
            sentence = _("The folder cannot be read: %(reason)s.") % {"reason": reason}
            raise PlaceRefused(sentence, "folder") from error
        return sorted(found, key=lambda each: each.name)

    @contextmanager
    def opened(self, file: WatchedFile, folder: Path, check: Callable[[], None]) -> Iterator[Path]:
        """Open a file, and provide a path that leads to it and to no other: who may write there could put a link
        in its place. Raises FileRefused when it is another one than was seen."""
        try:
            descriptor = os.open(self.path_of(file.name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            reason = error.strerror or str(error)
            raise FileRefused(_("The file cannot be read: %(reason)s.") % {"reason": reason}) from error
        try:
            state = os.fstat(descriptor)
            path = Path(f"/proc/self/fd/{descriptor}")
            is_same = _version(state) == file.version
            if not stat.S_ISREG(state.st_mode) or not is_same or not is_in_source_folder(path.resolve()):
                raise FileRefused(_("The file was changed before the import. The new content is imported."))
            yield path
        finally:
            os.close(descriptor)


def _version(state: os.stat_result) -> str:
    return f"{state.st_size}-{state.st_mtime_ns}"


def _allowed_folder(folder: str) -> Path:
    """Return the real path of a folder. Raises PlaceRefused when it is not in one of SOURCE_FOLDERS; of others the
    refusal does not tell whether they exist."""
    path = Path(folder)
    real = path.resolve()
    if not folder or not path.is_absolute() or not is_in_source_folder(real):
        allowed = ", ".join(settings.SOURCE_FOLDERS) or _("none")
        raise PlaceRefused(
            _("The folder must be in one that the setting SOURCE_FOLDERS lists: %(folders)s.")
            % {"folders": allowed},
            "folder",
        )
    if not real.is_dir():
        raise PlaceRefused(_("There is no folder %(path)s.") % {"path": path}, "folder")
    return real
