"""Find the profiles of a data source that are not in its file, for an import in snapshot mode."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from segments.store import lake
from segments.store.engine import quoted
from segments.store.lake import Reader
from segments.store.profiles import visible_profiles

# The temporary table of the keys in the file, NULL for each row whose key cannot be read.
PRESENT: Final = "present"
# The temporary table of the profiles whose key is not among them: ``id`` and ``key``.
LEAVING: Final = "leaving"
_FETCHED: Final = 2_000


def find_leaving(reader: Reader, source_id: int) -> tuple[int, int, int]:
    """Fill the table LEAVING. Returns how many profiles leave, how many the source has, and how many rows of the
    file have no readable key."""
    reader.execute(
        f"CREATE OR REPLACE TEMPORARY TABLE {LEAVING} AS SELECT id, key FROM {visible_profiles()} AS profile"
        f" WHERE source_id = ? AND NOT EXISTS (SELECT 1 FROM {PRESENT} WHERE {PRESENT}.key = profile.key)",
        [source_id],
    )
    leaving = int(reader.row(f"SELECT count(*) FROM {LEAVING}")[0])
    known = int(reader.row(f"SELECT count(*) FROM {visible_profiles()} WHERE source_id = ?", [source_id])[0])
    return leaving, known, int(reader.row(f"SELECT count(*) - count(key) FROM {PRESENT}")[0])


def leaving_keys(reader: Reader, limit: int | None = None) -> Iterator[str]:
    """Iterate over the keys in the table LEAVING, in their order."""
    most = f" LIMIT {int(limit)}" if limit is not None else ""
    found = reader.connection.execute(f"SELECT key FROM {LEAVING} ORDER BY key{most}")
    while rows := found.fetchmany(_FETCHED):
        yield from (key for (key,) in rows)


def write_leaving_ids(reader: Reader, path: Path) -> None:
    """Write the IDs in the table LEAVING to a file, for ``keys_in``: no personal data."""
    reader.execute(f"COPY (SELECT id FROM {LEAVING}) TO {quoted(str(path))} (FORMAT parquet)")


def keys_in(path: Path, limit: int | None = None) -> Iterator[str]:
    """Iterate over the keys of the profiles whose IDs are in a file, in their order; those that were deleted since
    are left out."""
    with lake.reading() as reader:
        reader.execute(
            f"CREATE OR REPLACE TEMPORARY TABLE {LEAVING} AS SELECT id, key FROM {visible_profiles()}"
            f" WHERE id IN (SELECT id FROM read_parquet({quoted(str(path))}))"
        )
        yield from leaving_keys(reader, limit)
        reader.execute(f"DROP TABLE {LEAVING}")
