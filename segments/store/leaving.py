"""Find the profiles of a data source that are not in its file, for an import in snapshot mode."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from segments.store import lake
from segments.store.engine import quoted
from segments.store.lake import Reader
from segments.store.profiles import source_profiles

# The temporary table of the keys in the file, NULL for each row whose key cannot be read.
PRESENT: Final = "present"
# The temporary table of the profiles whose key is not among them: ``id`` and ``key``.
LEAVING: Final = "leaving"


def find_leaving(reader: Reader, source_id: int) -> tuple[int, int, int]:
    """Fill the table LEAVING. Returns how many profiles leave, how many the source has, and how many rows of the
    file have no readable key."""
    reader.execute(
        f"CREATE OR REPLACE TEMPORARY TABLE {LEAVING} AS SELECT id, key FROM {source_profiles()} AS profile"
        f" WHERE source_id = ? AND NOT EXISTS (SELECT 1 FROM {PRESENT} WHERE {PRESENT}.key = profile.key)",
        [source_id],
    )
    leaving = int(reader.row(f"SELECT count(*) FROM {LEAVING}")[0])
    known = int(reader.row(f"SELECT count(*) FROM {source_profiles()} WHERE source_id = ?", [source_id])[0])
    return leaving, known, int(reader.row(f"SELECT count(*) - count(key) FROM {PRESENT}")[0])


def leaving_keys(reader: Reader, limit: int, *, after: str = "") -> list[str]:
    """Return the first keys in the table LEAVING that follow a key, in their order."""
    found = reader.rows(f"SELECT key FROM {LEAVING} WHERE key > ? ORDER BY key LIMIT {int(limit)}", [after])
    return [key for (key,) in found]


def write_leaving_ids(reader: Reader, path: Path) -> None:
    """Write the IDs in the table LEAVING to a file, for ``leaving_in``: no personal data."""
    reader.execute(f"COPY (SELECT id FROM {LEAVING}) TO {quoted(str(path))} (FORMAT parquet)")


@contextmanager
def leaving_in(path: Path) -> Iterator[Reader]:
    """Fill the table LEAVING with the profiles whose IDs are in a file, for a block; those that were deleted since
    are left out."""
    with lake.reading() as reader:
        reader.execute(
            f"CREATE OR REPLACE TEMPORARY TABLE {LEAVING} AS SELECT id, key FROM {source_profiles()}"
            f" WHERE id IN (SELECT id FROM read_parquet({quoted(str(path))}))"
        )
        yield reader
        reader.execute(f"DROP TABLE {LEAVING}")
