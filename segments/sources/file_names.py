"""Say which names files to import may have, where on the server they may be, and where imports keep temporary
files."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from django.conf import settings

_PACKABLE: Final = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson")
SUFFIXES: Final = (*_PACKABLE, *(f"{suffix}.gz" for suffix in _PACKABLE), ".xlsx", ".parquet")
_FOLDER_PREFIX: Final = "import-"
_SHORTEST_AGE: Final = 900  # seconds by the file system's clock: a preview takes less


def suffix_of(name: str) -> str:
    """Return the suffix of a file that can be imported, in lower case; empty for others. What the file is, its
    content decides."""
    return next((suffix for suffix in SUFFIXES if name.lower().endswith(suffix)), "")


def is_in_source_folder(real: Path) -> bool:
    """Say whether a real path is in one of the folders of the setting SOURCE_FOLDERS."""
    return any(real.is_relative_to(Path(folder).resolve()) for folder in settings.SOURCE_FOLDERS)


@contextmanager
def temporary_folder(name: str) -> Iterator[Path]:
    """Provide a private folder for temporary files, which hold personal data; it is deleted after use. ``name`` is
    by what ``delete_abandoned_folders`` knows it after a crash."""
    folder = Path(settings.UPLOAD_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{_FOLDER_PREFIX}{name}-", dir=folder) as private:
        yield Path(private)


def delete_abandoned_folders(in_use: frozenset[str]) -> None:
    """Delete the folders whose process was killed: those without one of the names ``in_use``, after a
    quarter of an hour."""
    for folder in Path(settings.UPLOAD_DIR).glob(f"{_FOLDER_PREFIX}*"):
        name = folder.name.removeprefix(_FOLDER_PREFIX).rpartition("-")[0]
        with suppress(FileNotFoundError):
            if name not in in_use and time.time() - folder.stat().st_mtime > _SHORTEST_AGE:
                shutil.rmtree(folder)
