"""Verify that PROFILE_STORE has the data of this catalog, by an ID that both have.

A store gets its ID once: in PostgreSQL beside the catalog, and in a file beside the data. Hosts may reach one
folder by different paths, so paths are not compared.
"""

from contextlib import closing
from uuid import UUID, uuid4

import duckdb
from django.db import connection as database
from django.utils.translation import gettext as _

from segments.store.locks import writer_lock

FILE_NAME = "store-id"


class StoreMismatch(Exception):
    """PROFILE_STORE is not the folder or bucket that the catalog describes; the message says what to do."""


def verify(connection: duckdb.DuckDBPyConnection, data_path: str) -> None:
    """Verify that the data below ``data_path`` are those of the catalog. A store without files gets an ID.
    Raises StoreMismatch."""
    store_id = _id_of_data(connection, data_path)
    if store_id is None:
        with writer_lock():
            if _id_of_data(connection, data_path) is None:
                _create(connection, data_path)
        store_id = _id_of_data(connection, data_path)
    if store_id != _id_of_catalog():
        raise StoreMismatch(
            _(
                "PROFILE_STORE is the profile store of another database. Set PROFILE_STORE to the folder or "
                "bucket of this database, or to an empty one if the database is new."
            )
        )


def _create(connection: duckdb.DuckDBPyConnection, data_path: str) -> None:
    """Give a store an ID, unless the files are not those of the catalog. If the store without files had an ID,
    another host may have it in another folder, and must not write any more: so the ID is always a new one."""
    has_files = bool(connection.execute("SELECT 1 FROM glob(?) LIMIT 1", [data_path + "**/*.parquet"]).fetchall())
    catalog_has_files = _catalog_has_files()
    if catalog_has_files and (not has_files or _id_of_catalog() is not None):
        raise StoreMismatch(
            _(
                "PROFILE_STORE does not have the profiles of this database. Check that PROFILE_STORE is the right "
                "folder or bucket and that its volume is mounted, or restore the folder from the backup."
            )
        )
    if has_files and not catalog_has_files:
        raise StoreMismatch(
            _(
                "PROFILE_STORE has files that are not of this database. Set PROFILE_STORE to an empty folder or "
                "bucket."
            )
        )
    store_id = uuid4()
    _set_id_of_catalog(store_id)
    # The file comes last: an ID in PostgreSQL alone is replaced by the next process.
    target = (data_path + FILE_NAME).replace("'", "''")
    connection.execute(f"COPY (SELECT '{store_id}') TO '{target}' (FORMAT csv, HEADER false)")


def _id_of_data(connection: duckdb.DuckDBPyConnection, data_path: str) -> UUID | None:
    # A path with a wildcard is listed, so that an absent file is told from an unreachable bucket.
    listed = connection.execute("SELECT file FROM glob(?)", [data_path + FILE_NAME + "*"]).fetchall()
    if not listed:
        return None
    ((content,),) = connection.execute("SELECT content FROM read_text(?)", [data_path + FILE_NAME]).fetchall()
    try:
        return UUID(content.strip())
    except ValueError:
        raise StoreMismatch(
            _("The file %(name)s in PROFILE_STORE is damaged. Restore it from the backup.") % {"name": FILE_NAME}
        ) from None


def _id_of_catalog() -> UUID | None:
    with database.cursor() as cursor:
        cursor.execute("SELECT to_regclass('lake.store_identity')")
        if cursor.fetchone()[0] is None:
            return None
        cursor.execute("SELECT id FROM lake.store_identity")
        row = cursor.fetchone()
        return row[0] if row else None


def _catalog_has_files() -> bool:
    with database.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM lake.ducklake_data_file)")
        return bool(cursor.fetchone()[0])


def _set_id_of_catalog(store_id: UUID) -> None:
    """Commit the ID in a session of its own: the caller's transaction may be rolled back."""
    with closing(database.copy()) as session, session.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS lake.store_identity (id uuid NOT NULL);"
            " DELETE FROM lake.store_identity; INSERT INTO lake.store_identity VALUES (%s)",
            [store_id],
        )
