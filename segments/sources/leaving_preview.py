"""Compare a file with the profiles of its data source before it is imported: who would leave in snapshot mode."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.utils.translation import gettext as _

from segments.models import DataSource
from segments.sources import present_keys
from segments.sources.file_names import temporary_folder
from segments.sources.files.file_format import FileFormat, FileRefused
from segments.sources.files.read import LoadedFile, load
from segments.sources.files.regular_csv import quoted
from segments.sources.import_plan import key_positions
from segments.sources.keys import key_expression
from segments.sources.removal_guard import FileComparison, ImportGuard, find_guard
from segments.store import lake, leaving
from segments.store.lake import Reader

KEYS_SHOWN: Final = 10
_TABLE: Final = "compared"
_MOST_KEYS: Final = 10_000_000


@dataclass(frozen=True)
class LeavingPreview:
    """Who would leave with an import: how many, the first keys, and the guard that would hold the removals."""

    found: FileComparison
    guard: ImportGuard | None
    first_keys: list[str]

    @property
    def more_keys(self) -> int:
        """How many leave besides those in ``first_keys``."""
        return self.found.leaving - len(self.first_keys)


def preview_leaving(
    path: Path, file_format: FileFormat, keys: Sequence[str], source: DataSource | None
) -> LeavingPreview:
    """Compare a file with a data source. ``keys`` are the names of the key columns. Nothing is written. Raises
    FileRefused."""
    if source is None:
        return LeavingPreview(FileComparison(0, 0), None, [])
    with _compared(path, file_format, keys, source) as (reader, found):
        return LeavingPreview(found, find_guard(found), leaving.leaving_keys(reader, KEYS_SHOWN))


def all_leaving_keys(path: Path, file_format: FileFormat, keys: Sequence[str], source: DataSource) -> list[str]:
    """Return the keys of all profiles that would leave, in their order. Raises FileRefused."""
    with _compared(path, file_format, keys, source) as (reader, _found):
        return leaving.leaving_keys(reader, _MOST_KEYS)


@contextmanager
def _compared(
    path: Path, file_format: FileFormat, keys: Sequence[str], source: DataSource
) -> Iterator[tuple[Reader, FileComparison]]:
    """Fill the table LEAVING for a block, and delete all temporary tables after it."""
    try:
        loaded = _load_keys(path, file_format, keys)
        with lake.reading() as reader:
            count, known, unreadable = leaving.find_leaving(reader, source.pk)
            yield reader, FileComparison(count, known, loaded.records, unreadable, bool(loaded.merged_lines))
    finally:
        with lake.temporary_tables() as connection:
            for table in (_TABLE, leaving.PRESENT, leaving.LEAVING):
                connection.execute(f"DROP TABLE IF EXISTS {quoted(table)}")


def _load_keys(path: Path, file_format: FileFormat, keys: Sequence[str]) -> LoadedFile:
    with temporary_folder("preview") as folder, lake.temporary_tables() as connection:
        loaded = load(path, file_format, connection, _TABLE, folder=folder)
        positions = key_positions(loaded.names, keys)
        query = f"SELECT {key_expression(positions)} AS key FROM {quoted(_TABLE)}"
        present_keys.collect(connection, loaded, positions, query)
        if not connection.execute(f"SELECT count(key) FROM {leaving.PRESENT}").fetchall()[0][0]:
            raise FileRefused(_("No row of the file has a key. Nothing would be imported or removed."))
    return loaded
