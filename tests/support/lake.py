"""Empty the profile store after a test that wrote to it. Deleting through DuckDB would commit a version and keep
the files; here the catalog forgets the files, and its versions go on."""

from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from segments.store import lake
from segments.store.columns import FORMER_IDENTITY, IDENTITY, MEMBERS, PROFILES, UNIFIED

_CONTENT = (
    "ducklake_data_file",
    "ducklake_delete_file",
    "ducklake_file_column_stats",
    "ducklake_file_partition_value",
    "ducklake_files_scheduled_for_deletion",
    "kept_note",
)


@transaction.atomic
def empty_store() -> None:
    """Delete all profiles, members and notes of commits from the store; tables and columns stay."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(relname) FROM pg_class WHERE relnamespace = 'lake'::regnamespace AND relkind = 'r'"
            " AND (relname = ANY (%s) OR relname LIKE 'ducklake\\_inlined\\_data\\_%%\\_%%'"
            " OR relname LIKE 'ducklake\\_inlined\\_delete\\_%%')",
            [list(_CONTENT)],
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM lake.{name}")
        # The limits of the columns stay, since they are not narrowed in the product either.
        cursor.execute("UPDATE lake.ducklake_table_stats SET record_count = 0, file_size_bytes = 0")
        cursor.execute("UPDATE lake.ducklake_snapshot_changes SET commit_extra_info = NULL")


def unknown_files() -> set[Path]:
    """Return the Parquet files in the folder of the store that the catalog does not know, and those that it knows
    and that are missing."""
    known: set[Path] = set()
    with lake.reading() as reader:
        for table in (PROFILES, MEMBERS, IDENTITY, UNIFIED, FORMER_IDENTITY):
            name = table.rpartition(".")[2]
            for files in reader.rows(f"SELECT data_file, delete_file FROM ducklake_list_files('lake', '{name}')"):
                known |= {Path(each) for each in files if each}
    return known ^ set(Path(settings.PROFILE_STORE).rglob("*.parquet"))
