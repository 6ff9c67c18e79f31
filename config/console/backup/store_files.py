"""Copy the files of the profile store into a backup and back: of a folder, or of a bucket through DuckDB."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import duckdb
from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from config.console.backup.archive import BackupError
from segments.store import engine
from segments.store.identity import FILE_NAME


class StoreFiles(Protocol):
    """The files of the profile store, by their names below PROFILE_STORE."""

    def names(self) -> list[str]:
        """Return the names of all files."""

    def fetch(self, name: str, folder: Path) -> Path:
        """Return the path of a file: its own, or that of a copy in ``folder``. Raises FileNotFoundError."""

    def put(self, name: str, path: Path) -> None:
        """Move the file at ``path`` into the store."""


@contextmanager
def open_store() -> Iterator[StoreFiles]:
    """Give access to the files of PROFILE_STORE. Raises BackupError when they cannot be read."""
    if not str(settings.PROFILE_STORE).startswith("s3://"):
        yield _Folder(Path(settings.PROFILE_STORE))
        return
    with engine.bucket() as reader:
        try:
            yield _Bucket(reader, f"{str(settings.PROFILE_STORE).rstrip('/')}/")
        except duckdb.Error as error:
            raise BackupError(
                _("The bucket in PROFILE_STORE cannot be used (%s).") % type(error).__name__
            ) from None


def names_in_catalog() -> set[str]:
    """Return the base names of the files that the present version of the store consists of. DuckLake gives each
    file a name of its own."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('lake.ducklake_data_file')")
        if cursor.fetchone()[0] is None:
            return set()
        cursor.execute(
            "SELECT path FROM lake.ducklake_data_file WHERE end_snapshot IS NULL"
            " UNION ALL SELECT path FROM lake.ducklake_delete_file WHERE end_snapshot IS NULL"
        )
        return {path.rpartition("/")[2] for (path,) in cursor.fetchall()}


def store_id(store: StoreFiles) -> str:
    """Return the ID of the store; empty while it has none."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            return store.fetch(FILE_NAME, Path(folder)).read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return ""


class _Folder:
    def __init__(self, top: Path) -> None:
        self._top = top

    def names(self) -> list[str]:
        files = (path for path in self._top.rglob("*") if path.is_file())
        return sorted(path.relative_to(self._top).as_posix() for path in files)

    def fetch(self, name: str, folder: Path) -> Path:
        path = self._top / name
        if not path.is_file():
            raise FileNotFoundError(path)
        return path

    def put(self, name: str, path: Path) -> None:
        target = self._top / name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.move(path, target)


class _Bucket:
    def __init__(self, reader: duckdb.DuckDBPyConnection, top: str) -> None:
        self._reader, self._top = reader, top

    def names(self) -> list[str]:
        found = self._reader.execute("SELECT file FROM glob(?)", [f"{self._top}**"]).fetchall()
        return sorted(file.removeprefix(self._top) for (file,) in found)

    def fetch(self, name: str, folder: Path) -> Path:
        if not self._reader.execute("SELECT file FROM glob(?)", [f"{self._top}{name}*"]).fetchall():
            raise FileNotFoundError(name)
        target = folder / "fetched"
        self._copy(f"{self._top}{name}", str(target))
        return target

    def put(self, name: str, path: Path) -> None:
        self._copy(str(path), f"{self._top}{name}")
        path.unlink()

    def _copy(self, source: str, target: str) -> None:
        copied = f"SELECT content FROM read_blob({engine.quoted(source)})"  # noqa: S608
        self._reader.execute(f"COPY ({copied}) TO {engine.quoted(target)} (FORMAT blob)")
