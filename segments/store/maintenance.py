"""Keep the files of the profile store few and current: merge small ones, rewrite those with deleted rows, forget
old versions, delete unused files.

All of it runs under the lock of writers. A reader of an older version needs its files, and is a session of
PostgreSQL in a transaction for as long as it reads: the catalog's. So versions are kept for the longest of them.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection as database

from segments.store import engine
from segments.store.commit_notes import keep_notes
from segments.store.lake import Reader
from segments.store.locks import SESSION_NAME, purge_lock, writer_lock

_NAME = engine.quoted(engine.LAKE)
# Readers that are older are ended when a person has to be erased from the files; their jobs start over.
PATIENCE_SECONDS = 60
_POLL_SECONDS = 0.2
# DuckLake notes that a file is no longer used with the time when the commit began. A reader that began before its
# end may still read the file.
LONGEST_COMMIT = timedelta(minutes=30)
# More than the clocks of hosts differ.
_MARGIN = timedelta(days=1)


@dataclass(frozen=True)
class Upkeep:
    """What a maintenance did: files merged or rewritten, versions forgotten, files deleted."""

    files_written: int
    versions_expired: int
    files_deleted: int


def maintain(*, keep: timedelta) -> Upkeep:
    """Merge and rewrite files, and delete what only versions older than ``keep`` use, unless a backup or a purge
    is under way."""
    with writer_lock():
        engine.verify_identity()
        written = _call("ducklake_merge_adjacent_files") + _call("ducklake_rewrite_data_files")
        with purge_lock() as may_delete:
            if not may_delete:
                return Upkeep(written, 0, 0)
            oldest = oldest_reader() or _database_time()
            return _delete_old(written, min(_database_time() - keep, oldest - LONGEST_COMMIT))


def purge() -> Upkeep:
    """Rewrite every file that has a deleted row, and delete all versions but the current one with their files.
    Waits for readers of older versions, and ends those that take longer than PATIENCE_SECONDS."""
    with writer_lock():
        engine.verify_identity()
        written = _call("ducklake_rewrite_data_files", delete_threshold="0")
        _end_readers_since(_database_time())
        done = _delete_old(written, _database_time() + _MARGIN)
        _narrow_limits()
        return done


def oldest_reader() -> datetime | None:
    """Return when the oldest present reader of the store began, by the database's clock."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT min(xact_start) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = %s AND pid <> pg_backend_pid()",
            [SESSION_NAME],
        )
        found: datetime | None = cursor.fetchone()[0]
        return found


def _delete_old(written: int, until: datetime) -> Upkeep:
    """Forget the versions before ``until`` but the current one, and delete the files that no version uses."""
    keep_notes()
    moment = f"TIMESTAMPTZ {engine.quoted(until.isoformat())}"
    expired = _call("ducklake_expire_snapshots", older_than=moment)
    deleted = _call("ducklake_cleanup_old_files", older_than=moment)
    deleted += _call("ducklake_delete_orphaned_files", older_than=moment)
    return Upkeep(written, expired, deleted)


def _narrow_limits() -> None:
    """Narrow the limits of text columns of whole tables to those of their files. DuckLake 1.5.5 does so for tables
    of which it rewrites a file, but not when a file is deleted because each of its rows was."""
    with database.cursor() as cursor:
        cursor.execute(
            """
            UPDATE lake.ducklake_table_column_stats AS whole
               SET min_value = found.lowest, max_value = found.highest
              FROM (SELECT named.table_id, named.column_id, min(file.min_value COLLATE "C") AS lowest,
                           max(file.max_value COLLATE "C") AS highest
                      FROM lake.ducklake_column AS named LEFT JOIN lake.ducklake_file_column_stats AS file
                        ON file.table_id = named.table_id AND file.column_id = named.column_id
                       AND file.data_file_id IN
                           (SELECT data_file_id FROM lake.ducklake_data_file WHERE end_snapshot IS NULL)
                     WHERE named.column_type = 'varchar' AND named.end_snapshot IS NULL GROUP BY 1, 2) AS found
             WHERE found.table_id = whole.table_id AND found.column_id = whole.column_id
               AND (found.lowest, found.highest) IS DISTINCT FROM (whole.min_value, whole.max_value)
            """
        )


def _end_readers_since(moment: datetime) -> None:
    """Wait until no reader is left that began before ``moment``. End those that are left after
    PATIENCE_SECONDS."""
    until = time.monotonic() + PATIENCE_SECONDS
    while (oldest := oldest_reader()) is not None and oldest < moment:
        if time.monotonic() > until:
            with database.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND application_name = %s AND xact_start < %s",
                    [SESSION_NAME, moment],
                )
            return
        time.sleep(_POLL_SECONDS)


def _call(function: str, **arguments: str) -> int:
    """Call a maintenance function of DuckLake. Returns the number of rows that it reports."""
    given = "".join(f", {name} => {value}" for name, value in arguments.items())
    return len(Reader(engine.connect()).rows(f"CALL {function}({_NAME}{given})"))


def _database_time() -> datetime:
    with database.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
        return moment
