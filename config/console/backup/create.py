"""Make a backup while the system runs: the database in one snapshot, then the files that it names.

Files of the profile store never change, and none is deleted meanwhile. So the files that are there after the dump
include all that the dump names.
"""

from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils.translation import gettext as _

from config.console.backup import archive, postgresql, sealed_keys
from config.console.backup.archive import ArchiveWriter, BackupError, Manifest, Origin
from config.console.backup.private_folder import private_folder
from config.console.backup.sealed_keys import Keys
from config.console.backup.store_files import StoreFiles, names_in_catalog, open_store, store_id
from config.platform.encryption import keyring
from config.platform.jobs import clock
from segments.store.locks import keep_files


def create(path: Path, *, passphrase: str = "") -> Manifest:
    """Write a backup to ``path``, with the keys when a passphrase is given that seals them. Raises BackupError and
    OSError; then there is no file."""
    if path.exists():
        raise BackupError(_("%(path)s exists already. Choose another name.") % {"path": path})
    sealed = _sealed_keys(passphrase) if passphrase else b""
    with (
        private_folder(path.absolute().parent, ".backup-") as folder,
        keep_files() as is_kept,
        open_store() as store,
        archive.writing(path, folder) as writer,
    ):
        origin = _origin(store)
        needed = _add_database(writer, folder)
        _add_store(writer, store, folder, needed)
        _add_uploads(writer)
        if sealed:
            _add_keys(writer, folder, sealed)
        if not is_kept():
            raise BackupError(_("The session with the database ended, so files may be missing. Try again."))
        return writer.finish(origin)


def _sealed_keys(passphrase: str) -> bytes:
    return sealed_keys.seal(
        Keys(settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS, keyring.entries()), passphrase
    )


def _add_keys(writer: ArchiveWriter, folder: Path, sealed: bytes) -> None:
    path = folder / archive.KEYS
    path.write_bytes(sealed)
    writer.add(archive.KEYS, path)
    path.unlink()


def _origin(store: StoreFiles) -> Origin:
    migrations: dict[str, list[str]] = {}
    for app, name in sorted(MigrationRecorder(connection).applied_migrations()):
        migrations.setdefault(app, []).append(name)
    return Origin(clock.now(), settings.VERSION, store_id(store), str(settings.UPLOAD_DIR), migrations)


def _add_database(writer: ArchiveWriter, folder: Path) -> set[str]:
    """Add a dump of the database. Returns the names of the files of the store that it names."""
    dumped = folder / archive.DATABASE
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")  # it waits for pg_dump
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone()
        needed = names_in_catalog()
        postgresql.dump(dumped, snapshot=snapshot)
    writer.add(archive.DATABASE, dumped)
    dumped.unlink()
    return needed


def _add_store(writer: ArchiveWriter, store: StoreFiles, folder: Path, needed: set[str]) -> None:
    """Add every file of the store. A writer that fails deletes its own files, which nothing names. Raises
    BackupError without one that is ``needed``."""
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
