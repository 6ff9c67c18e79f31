"""Compare the lake with its model, at a version and in the ways in which the product reads it."""

import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb

from tests.drills.lake.model import Content, Model
from tests.drills.lake.settings import Settings

Rows = list[tuple[Any, ...]]
_SHOWN = 5


class Differs(Exception):
    """The lake is not what its model says."""


def read_rows(connection: duckdb.DuckDBPyConnection, at: str) -> Rows:
    """Return all profiles in the order of their keys."""
    return connection.execute(f"SELECT * FROM lake.profiles {at} ORDER BY k, job").fetchall()


def difference(expected: Rows, found: Rows) -> str:
    """Describe how rows differ, by keys and jobs."""
    before, after = {(row[0], row[1]) for row in expected}, {(row[0], row[1]) for row in found}
    missing, more = sorted(before - after), sorted(after - before)
    return f"{len(missing)} missing: {missing[:_SHOWN]}, {len(more)} more: {more[:_SHOWN]}"


def check_version(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    version: int,
    chance: random.Random,
    *,
    newest: bool = False,
) -> Rows:
    """Compare everything at a version; return the profiles. With ``newest`` it is read as the current version.

    Raises:
        Differs: with what is different.
    """
    at = "" if newest else f"AT (VERSION => {version})"
    content = model.content(version)
    found = read_rows(connection, at)
    _compare_rows(found, content, version)
    _compare_counts(connection, at, content, version)
    _compare_lookups(connection, at, content, version, chance)
    _compare_members(connection, at, content, version)
    jobs = connection.execute(f"SELECT job FROM lake.journal {at}").fetchall()
    if sorted(job for (job,) in jobs) != sorted(content.jobs):
        differing = sorted(content.jobs ^ {job for (job,) in jobs})
        raise Differs(f"version {version}: journal has {len(jobs)} jobs, not {len(content.jobs)}: {differing[:9]}")
    return found


def _compare_rows(found: Rows, content: Content, version: int) -> None:
    by_key = {row[0]: row for row in found}
    if len(by_key) != len(found):
        doubled = [row[:2] for row, after in pairwise(found) if row[0] == after[0]]
        raise Differs(f"version {version}: {len(found) - len(by_key)} doubled keys, such as {doubled[:_SHOWN]}")
    lost = sorted(content.rows.keys() - by_key.keys())
    resurrected = sorted(by_key.keys() - content.rows.keys())
    if lost or resurrected:
        raise Differs(
            f"version {version}: {len(lost)} rows lost: {lost[:_SHOWN]}, {len(resurrected)} resurrected:"
            f" {[by_key[key][:2] for key in resurrected[:_SHOWN]]}"
        )
    wrong = [(by_key[key], row) for key, row in content.rows.items() if by_key[key] != row]
    if wrong:
        raise Differs(f"version {version}: {len(wrong)} rows with other values (found, expected): {wrong[:2]}")


def _compare_counts(connection: duckdb.DuckDBPyConnection, at: str, content: Content, version: int) -> None:
    """Compare what is answered from statistics with what a full scan answers and with the model."""
    expected = len(content.rows)
    keys, jobs = [row[0] for row in content.rows.values()], [row[1] for row in content.rows.values()]
    for statement, answer in (
        ("SELECT count(*) FROM lake.profiles {at}", (expected,)),
        ("SELECT count(*) FROM lake.profiles {at} WHERE k * 2 > 0", (expected,)),
        ("SELECT count(k), count(DISTINCT k) FROM lake.profiles {at}", (expected, expected)),
        (
            "SELECT min(k), max(k), min(job), max(job) FROM lake.profiles {at}",
            (min(keys), max(keys), min(jobs), max(jobs)) if keys else (None,) * 4,
        ),
        ("SELECT count(*) FROM lake.profiles {at} WHERE name IS NULL", (_count(content, 2, None),)),
        ("SELECT count(*) FROM lake.profiles {at} WHERE tags IS NULL", (_count(content, 7, None),)),
    ):
        found = connection.execute(statement.format(at=at)).fetchone()
        if found != answer:
            raise Differs(f"version {version}: {statement} gives {found}, not {answer}")


def _count(content: Content, position: int, value: Any) -> int:
    return sum(row[position] == value for row in content.rows.values())


def _compare_lookups(
    connection: duckdb.DuckDBPyConnection, at: str, content: Content, version: int, chance: random.Random
) -> None:
    """Look up single rows and ranges, for which files are skipped by their statistics."""
    if not content.rows:
        return
    keys = sorted(content.rows)
    for _time in range(3):
        key = chance.choice(keys) + chance.choice((0, 0, 1))
        found = connection.execute(f"SELECT * FROM lake.profiles {at} WHERE k = ?", [key]).fetchall()
        if found != ([content.rows[key]] if key in content.rows else []):
            raise Differs(f"version {version}: key {key} gives {found}")
    low = chance.choice(keys)
    job = content.rows[low][1]
    for condition, expected in (
        (f"k BETWEEN {low} AND {low + 99}", sum(low <= key <= low + 99 for key in keys)),
        (f"job = {job}", _count(content, 1, job)),
        (f"job > {job}", sum(row[1] > job for row in content.rows.values())),
        (f"born = DATE '{content.rows[low][5]}'", _count(content, 5, content.rows[low][5])),
        (f"amount = {content.rows[low][3]}", _count(content, 3, content.rows[low][3])),
    ):
        [(count,)] = connection.execute(f"SELECT count(*) FROM lake.profiles {at} WHERE {condition}").fetchall()
        if count != expected:
            raise Differs(f"version {version}: {count} rows where {condition}, not {expected}")


def _compare_members(connection: duckdb.DuckDBPyConnection, at: str, content: Content, version: int) -> None:
    found: dict[int, list[int]] = {}
    for writer, key in connection.execute(f"SELECT writer, k FROM lake.members {at}").fetchall():
        found.setdefault(writer, []).append(key)
    if {writer: sorted(keys) for writer, keys in found.items()} != {
        writer: sorted(keys) for writer, keys in content.members.items()
    }:
        sizes = {writer: len(keys) for writer, keys in found.items()}
        expected = {writer: len(keys) for writer, keys in content.members.items()}
        raise Differs(f"version {version}: members {sizes}, not {expected}, or others of them")


def check_changes(connection: duckdb.DuckDBPyConnection, before: int, after: int, old: Rows, new: Rows) -> int:
    """Check that the feed of changes names every key whose row is different at the later version.

    Returns its length. It names more: after a rewrite every rewritten row. Rows that were deleted from a merged
    file are named under another version.

    Raises:
        Differs: when a key is missing.
    """
    feed = connection.execute("SELECT k FROM lake.table_changes('profiles', ?, ?)", [before + 1, after]).fetchall()
    changed = {row[0] for row in {row[:2] for row in old} ^ {row[:2] for row in new}}
    missing = changed - {key for (key,) in feed}
    if missing:
        raise Differs(
            f"changes {before}…{after}: {len(missing)} of {len(changed)} keys missing: {sorted(missing)[:_SHOWN]}"
        )
    return len(feed)


def files_in_folder(settings: Settings) -> set[Path]:
    """Return the Parquet files of the lake and those that were staged for it."""
    return {path for folder in (settings.data, settings.staging) for path in folder.rglob("*.parquet")}


def files_in_catalog(model: Model) -> set[Path]:
    """Return the files that the catalog refers to, by absolute paths."""
    found = model.query(
        "SELECT file.path, path_is_relative, part.path, space.path FROM (SELECT table_id, path, path_is_relative"
        " FROM {catalog}.ducklake_data_file UNION ALL SELECT table_id, path, path_is_relative"
        " FROM {catalog}.ducklake_delete_file) AS file JOIN (SELECT DISTINCT table_id, schema_id, path"
        " FROM {catalog}.ducklake_table) AS part USING (table_id)"
        " JOIN (SELECT DISTINCT schema_id, path FROM {catalog}.ducklake_schema) AS space USING (schema_id)"
    )
    data = model.settings.data
    return {data / space / table / path if relative else Path(path) for path, relative, table, space in found}
