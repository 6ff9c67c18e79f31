"""Restore a backup into an empty database and an empty profile store.

The files come first and the database last, in one transaction: a restore that is interrupted before can be
started again. The same transaction pauses every connection: what was sent since the backup is not known, and runs
that were due would start at once. Then the migrations of this version are applied, which ``migrate`` does as well.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.utils.translation import gettext as _

from config.console.backup import archive, postgresql
from config.console.backup.archive import ArchiveReader, BackupError, Origin
from config.console.backup.private_folder import private_folder
from config.console.backup.store_files import StoreFiles, names_in_catalog, open_store, store_id
from config.platform import database_role
from config.platform.audit.record import record
from connections.models import Connection
from segments.store import engine
from segments.store.identity import FILE_NAME

_PAUSE_AND_MOVE = """
UPDATE public.connections_connection SET paused_at = now() WHERE paused_at IS NULL;
UPDATE public.segments_importjob SET path = %s || substr(path, %s) WHERE starts_with(path, %s);
"""


def restore(path: Path) -> Origin:
    """Restore the backup at ``path``. Raises BackupError and OSError; the database is then still empty, unless the
    sentence says otherwise."""
    with (
        archive.reading(path) as backup,
        open_store() as store,
        private_folder(Path(settings.VAR_DIR), "restore-") as folder,
    ):
        origin = backup.manifest.origin
        _refuse_newer(origin)
        with _as_owner():
            _refuse_used_database()
            _refuse_used_store(store, origin)
            _restore_files(backup, store, folder)
            dumped = folder / archive.DATABASE
            backup.extract(archive.DATABASE, dumped)
            postgresql.load(dumped, then=_pause_and_move(origin))
        engine.close()
        call_command("migrate", interactive=False, verbosity=0)  # which grants the application its role
        _record_pauses()
        _check_store(store)
    return origin


@contextmanager
def _as_owner() -> Iterator[None]:
    """Connect as the owner of the tables, where there is one."""
    if not settings.DATABASE_OWNER:
        yield
        return
    with database_role.owner(settings.DATABASE_OWNER):
        yield


def _refuse_newer(origin: Origin) -> None:
    """Raise BackupError when the backup has migrations that this version does not know."""
    known = MigrationLoader(None, ignore_no_migrations=True).disk_migrations
    if any((app, name) not in known for app, names in origin.migrations.items() for name in names):
        raise BackupError(
            _("This backup is of version %(version)s. Restore it with that version or a later one.")
            % {"version": origin.version}
        )


def _refuse_used_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_class AS found JOIN pg_namespace AS place ON place.oid = found.relnamespace"
            " WHERE place.nspname IN ('public', 'lake') AND found.relkind = 'r'"
        )
        if cursor.fetchone()[0]:
            raise BackupError(_("The database has tables already. A backup is restored into an empty database."))


def _refuse_used_store(store: StoreFiles, origin: Origin) -> None:
    """Raise BackupError when PROFILE_STORE has files, unless they are of the same store: those of a restore that
    was interrupted, or of the store whose database was lost."""
    if store.names() and (not origin.store_id or store_id(store) != origin.store_id):
        raise BackupError(
            _("PROFILE_STORE has files already. A backup is restored into an empty folder or bucket.")
        )


def _restore_files(backup: ArchiveReader, store: StoreFiles, folder: Path) -> None:
    """Restore the files of the profile store, its ID first, and the uploads."""
    names = backup.names(archive.STORE)
    for name in sorted(names, key=lambda each: each != archive.STORE + FILE_NAME):
        backup.extract(name, folder / "file")
        store.put(name.removeprefix(archive.STORE), folder / "file")
    uploads = Path(settings.UPLOAD_DIR)
    uploads.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in backup.names(archive.UPLOADS):
        backup.extract(name, uploads / name.removeprefix(archive.UPLOADS))


def _check_store(store: StoreFiles) -> None:
    """Raise BackupError when the database names files that the store lacks."""
    missing = names_in_catalog() - {name.rpartition("/")[2] for name in store.names()}
    if missing:
        raise BackupError(
            _("The database was restored, but files of the profile store are missing, such as %(name)s.")
            % {"name": min(missing)}
        )


def _pause_and_move(origin: Origin) -> str:
    """Return the statements that pause every connection, and move the paths of waiting imports to this folder."""
    former, present = f"{origin.upload_dir.rstrip('/')}/", f"{settings.UPLOAD_DIR}/"
    with connection.cursor() as cursor:
        statements: bytes = cursor.cursor.mogrify(_PAUSE_AND_MOVE, [present, len(former) + 1, former])
    return statements.decode()


@transaction.atomic
def _record_pauses() -> None:
    """Record in the audit log what the load did to the connections."""
    for each in Connection.objects.filter(paused_at__isnull=False, paused_by=None):
        record("connection.paused", each, by=None)
