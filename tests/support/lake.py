"""Empty the profile store after a test that wrote to it. Deleting through DuckDB would commit a version and keep
the files; here the catalog forgets the files, and its versions go on."""

from collections import defaultdict
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from segments.models import AttributeType
from segments.store import engine, lake
from segments.store.columns import FORMER_IDENTITY, IDENTITY, MEMBERS, PROFILES, UNIFIED

# With more columns of attributes, each of a test's own, every use of the store takes longer.
_MOST_COLUMNS = 120
_CONTENT = (
    "ducklake_data_file",
    "ducklake_delete_file",
    "ducklake_file_column_stats",
    "ducklake_file_partition_value",
    "ducklake_files_scheduled_for_deletion",
    "kept_note",
)

# The columns of attributes, and those of the elements of lists.
_OF_ATTRIBUTES = r"""
    FROM lake.ducklake_column
   WHERE column_name ~ '^a\d+(_|$)'
      OR (table_id, parent_column) IN
         (SELECT table_id, column_id FROM lake.ducklake_column WHERE column_name ~ '^a\d+(_|$)')
"""

# The IDs of attributes that have columns already, by store: adding columns takes longer than most tests.
attributes_with_columns: defaultdict[str, dict[tuple[str, AttributeType], int]] = defaultdict(dict)


def empty_store() -> None:
    """Delete all profiles, members and notes of commits from the store; tables stay, and a number of columns."""
    _empty()
    if _count_columns() > _MOST_COLUMNS:
        _forget_columns()


@transaction.atomic
def _empty() -> None:
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


def _count_columns() -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) {_OF_ATTRIBUTES}")
        return int(cursor.fetchone()[0])


def _forget_columns() -> None:
    """Delete the columns of attributes from the catalog, which has no files now. The commits that follow let every
    process read the catalog again."""
    engine.close()
    attributes_with_columns.clear()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM lake.ducklake_table_column_stats WHERE (table_id, column_id) IN"
            f" (SELECT table_id, column_id {_OF_ATTRIBUTES})"
        )
        cursor.execute(f"DELETE {_OF_ATTRIBUTES}")
        cursor.execute("DELETE FROM lake.ducklake_column WHERE end_snapshot IS NOT NULL")
    with lake.writing("forget columns") as writer:
        writer.execute(f"CREATE TABLE {engine.LAKE}.forgotten (id INTEGER)")
    with lake.writing("forget columns") as writer:
        writer.execute(f"DROP TABLE {engine.LAKE}.forgotten")


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
