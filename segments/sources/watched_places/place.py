"""Define what a watched folder and a watched bucket have in common, and which file names are taken."""

import fnmatch
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from django.utils.translation import gettext as _

from segments.models import WatchedFile
from segments.sources.files.file_format import FileRefused

# Names that programs give to files which they are still writing, and hidden files.
_UNFINISHED: Final = (".*", "*.part", "*.tmp", "*.filepart", "*.crdownload", "*~")


class PlaceRefused(Exception):
    """A folder or bucket cannot be watched; the message is for users. ``field`` is the field that is wrong."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


class FileUnavailable(FileRefused):
    """A file cannot be read for now, and is to be imported later."""


@dataclass(frozen=True)
class SeenFile:
    """A file as it is in the place now. Another ``version`` is another file of the same name."""

    name: str
    version: str
    size: int


class Place(Protocol):
    """A folder or bucket whose files are imported."""

    @property
    def settle_seconds(self) -> int:
        """How long a file may not have changed before it is whole; 0 where a file appears when it is."""
        ...

    def find_files(self, pattern: str) -> Sequence[SeenFile]:
        """Return the files that fit the pattern, by name. Raises PlaceRefused."""
        ...

    def path_of(self, name: str) -> str:
        """Return where a file is, for the import of it."""
        ...

    def opened(self, file: WatchedFile, folder: Path, check: Callable[[], None]) -> AbstractContextManager[Path]:
        """Provide the path of a file in the version that was seen. ``folder`` is for temporary files; ``check``
        may raise to stop. Raises FileRefused, for another version too, and FileUnavailable when it is to be
        tried again later."""
        ...


def fits(name: str, pattern: str) -> bool:
    """Say whether a name fits a pattern, folder by folder, and is none of an unfinished or hidden file."""
    parts, patterns = name.split("/"), pattern.split("/")
    return (
        len(parts) == len(patterns)
        and name.isprintable()
        and all(map(fnmatch.fnmatchcase, parts, patterns))
        and not any(fnmatch.fnmatchcase(part, each) for part in parts for each in _UNFINISHED)
    )


def check_pattern(pattern: str, *, has_folders: bool) -> None:
    """Raise PlaceRefused for a pattern that no file name can fit. ``has_folders``: it may name folders as well."""
    parts = pattern.split("/")
    if not has_folders and (not pattern or len(parts) > 1 or pattern.startswith(".")):
        raise PlaceRefused(
            _("The pattern is that of file names in this folder, such as customers-*.csv."), "pattern"
        )
    if any(not part or part.startswith(".") for part in parts):
        raise PlaceRefused(
            _("Enter a pattern such as customers-*.csv, or with folders */customers-*.csv."), "pattern"
        )
