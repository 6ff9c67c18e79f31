"""Make the files that are imported, and sums over all their values that the store must have as well.

Each version of the file changes half of the rows of the one before and has new rows.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import duckdb

from segments import catalog
from segments.models import DataSource, Segment
from segments.store import lake
from segments.store.members import members_sql
from segments.store.profiles import visible_profiles

COUNTRIES = ("Finland", "Poland", "Romania")
_NEW_ROWS = 500
_SUMS = """
    SELECT count(*), count(DISTINCT id), sum(CAST(points AS BIGINT)),
           CAST(bit_xor(hash(id, email, country, CAST(points AS BIGINT))) AS VARCHAR)
      FROM ({rows})
"""


@dataclass(frozen=True)
class Sums:
    """Sums over profiles. Two sets of profiles that differ in one value have different sums."""

    rows: int
    keys: int
    points: int
    hashes: str


def write_file(path: Path, version: int, people: int) -> Path:
    """Write one version of the file, with about so many people."""
    duckdb.sql(
        f"""
        COPY (SELECT 'K' || lpad(CAST(i AS VARCHAR), 7, '0') AS id, 'person' || i || '@example.com' AS email,
                     ['{"', '".join(COUNTRIES)}'][1 + (i + {version}) % {len(COUNTRIES)}] AS country,
                     i % 1000 + CASE WHEN i % 2 = 0 THEN 1000 * {version} ELSE 0 END AS points
                FROM range({people + version * _NEW_ROWS}) t(i))
          TO '{path}' (HEADER)
        """
    )
    return path


def sums_of_file(path: Path, without: Collection[str] = ()) -> Sums:
    """Return the sums of a file, but for the people with these keys."""
    absent = ", ".join(f"'{key}'" for key in without) or "''"
    rows = f"SELECT * FROM read_csv('{path}', all_varchar = true) WHERE id NOT IN ({absent})"
    found = duckdb.sql(_SUMS.format(rows=rows)).fetchone()
    assert found is not None
    return Sums(*found)


def members_of_file(path: Path, country: str, without: Collection[str] = ()) -> int:
    """Count the people of a country in a file, but for those with these keys."""
    absent = ", ".join(f"'{key}'" for key in without) or "''"
    found = duckdb.sql(
        f"SELECT count(*) FROM read_csv('{path}', all_varchar = true)"
        f" WHERE country = '{country}' AND id NOT IN ({absent})"
    ).fetchone()
    assert found is not None
    return int(found[0])


def sums_of_store(source: DataSource) -> Sums:
    """Return the sums of the profiles of a data source; all values are missing before the first import."""
    columns = {each.name: each.column for each in catalog.attributes()}
    if not {"id", "email", "country", "points"} <= columns.keys():
        return Sums(0, 0, 0, "")
    named = ", ".join(f"{columns[name]} AS {name}" for name in ("id", "email", "country", "points"))
    rows = f"SELECT {named} FROM {visible_profiles()} WHERE source_id = {source.pk}"
    with lake.reading() as reader:
        count, keys, points, hashes = reader.row(_SUMS.format(rows=rows))
    return Sums(count, keys, points or 0, hashes or "")


def stored_members(segment: Segment) -> int:
    """Count the members of a segment in the store."""
    current = members_sql([segment.member_set_id] if segment.member_set_id else [])
    with lake.reading() as reader:
        return int(reader.row(f"SELECT count(*) FROM {visible_profiles()} WHERE id IN ({current})")[0])
