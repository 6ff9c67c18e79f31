"""Make a backup while the system runs: the database in one snapshot, then the files that it names.

Files of the profile store never change, and none is deleted meanwhile. So the files that are there after the dump
include all that the dump names.
"""

import tempfile
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils.translation import gettext as _

from config.console.backup import archive, postgresql
from config.console.backup.archive import ArchiveWriter, BackupError, Manifest, Origin
from config.console.backup.store_files import StoreFiles, names_in_catalog, open_store, store_id
from config.platform.jobs import clock
from segments.store.locks import keep_files


def create(path: Path) -> Manifest:
    """Write a backup to ``path``. Raises BackupError and OSError; then there is no file."""
    if path.exists():
        raise BackupError(_("%(path)s exists already. Choose another name.") % {"path": path})
    with (
        keep_files(),
        open_store() as store,
        tempfile.TemporaryDirectory(prefix=".backup-", dir=path.absolute().parent) as folder,
        archive.writing(path) as writer,
    ):
        origin = _origin(store)
        _add_database(writer, Path(folder))
        _add_store(writer, store, Path(folder))
        _add_uploads(writer)
        return writer.finish(origin)


def _origin(store: StoreFiles) -> Origin:
    migrations: dict[str, list[str]] = {}
    for app, name in sorted(MigrationRecorder(connection).applied_migrations()):
        migrations.setdefault(app, []).append(name)
    return Origin(clock.now(), settings.VERSION, store_id(store), str(settings.UPLOAD_DIR), migrations)


def _add_database(writer: ArchiveWriter, folder: Path) -> None:
    dumped = folder / archive.DATABASE
    postgresql.dump(dumped)
    writer.add(archive.DATABASE, dumped)
    dumped.unlink()


def _add_store(writer: ArchiveWriter, store: StoreFiles, folder: Path) -> None:
    """Add every file of the store. A writer that fails deletes its own files, which nothing names."""
    needed = names_in_catalog()
    for name in store.names():
        with suppress(FileNotFoundError):
            writer.add(archive.STORE + name, store.fetch(name, folder))
            needed.discard(name.rpartition("/")[2])
    if needed:
        raise BackupError(_("Files of the profile store are missing, such as %(name)s.") % {"name": min(needed)})


def _add_uploads(writer: ArchiveWriter) -> None:
    """Add the files that wait for their import. One whose import ends meanwhile is deleted."""
    for path in sorted(Path(settings.UPLOAD_DIR).glob("*")):
        with suppress(FileNotFoundError):
            if path.is_file():
                writer.add(archive.UPLOADS + path.name, path)
