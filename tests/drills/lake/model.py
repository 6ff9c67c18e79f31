"""The model of the lake in PostgreSQL: what every job meant to write, and which version it became.

A job notes its intent before the commit; which snapshot it became is read from the catalog, by the job's id in the
commit's extra info. What the lake has to hold at a version follows from the jobs up to it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2.extras import execute_values

from tests.drills.lake import rows
from tests.drills.lake.settings import Settings

Cursor = Any
_TABLES = """
CREATE SCHEMA {model};
CREATE TABLE {model}.job (
    id bigserial PRIMARY KEY, writer integer NOT NULL, kind text NOT NULL, added_columns integer NOT NULL,
    adds_column boolean NOT NULL DEFAULT false, members bigint[], snapshot bigint UNIQUE,
    absent boolean NOT NULL DEFAULT false);
CREATE TABLE {model}.change (job bigint NOT NULL, k bigint NOT NULL, deleted boolean, PRIMARY KEY (k, job));
CREATE TABLE {model}.pin (reader text NOT NULL, version bigint NOT NULL, since timestamptz NOT NULL);
CREATE TABLE {model}.event (process text, kind text, seconds double precision, at timestamptz DEFAULT now());
CREATE TABLE {model}.failure (process text, kind text, detail text, at timestamptz DEFAULT now());
"""


@dataclass(frozen=True)
class Content:
    """What the lake has to hold at a version: rows by key, members by writer, ids of jobs."""

    rows: Mapping[int, tuple[Any, ...]]
    members: Mapping[int, frozenset[int]]
    jobs: frozenset[int]
    added_columns: int


class Model:
    """One process's session of the model."""

    def __init__(self, settings: Settings, process: str) -> None:
        self.settings = settings
        self.process = process
        self.session = psycopg2.connect(settings.dsn, application_name=f"{process} model")
        self.session.autocommit = True
        self._names = {"model": settings.model, "catalog": settings.catalog}

    def query(self, statement: str, parameters: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a statement; ``{model}`` and ``{catalog}`` stand for the schemas."""
        with self.session.cursor() as cursor:
            cursor.execute(statement.format(**self._names), tuple(parameters))
            return cursor.fetchall() if cursor.description else []

    def create(self) -> None:
        self.query("DROP SCHEMA IF EXISTS {model} CASCADE")
        self.query("DROP SCHEMA IF EXISTS {catalog} CASCADE")
        self.query(_TABLES)

    def drop(self) -> None:
        self.query("DROP SCHEMA IF EXISTS {model} CASCADE")
        self.query("DROP SCHEMA IF EXISTS {catalog} CASCADE")

    # -- jobs

    def note_intent(
        self,
        writer: int,
        kind: str,
        written: Iterable[int],
        deleted: Iterable[int],
        members: list[int] | None = None,
    ) -> int:
        """Note what a job is going to write and delete; return its id. One transaction."""
        with self.session.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute(
                f"INSERT INTO {self.settings.model}.job (writer, kind, added_columns, adds_column, members)"
                " VALUES (%s, %s, %s, %s, %s) RETURNING id",
                (writer, kind, self.added_columns(), kind == "add column", members),
            )
            [(job,)] = cursor.fetchall()
            changes = [(job, key, False) for key in written] + [(job, key, True) for key in deleted]
            if changes:
                execute_values(cursor, f"INSERT INTO {self.settings.model}.change VALUES %s", changes)
            cursor.execute("COMMIT")
        return int(job)

    def settle(self) -> None:
        """Note the snapshot of every job whose id the catalog knows. Idempotent; any process may do it."""
        self.query(
            "UPDATE {model}.job SET snapshot = made.snapshot_id FROM {catalog}.ducklake_snapshot_changes made"
            " WHERE job.snapshot IS NULL AND made.commit_extra_info = 'job:' || job.id"
        )

    def settle_writer(self, writer: int) -> None:
        """Settle the jobs of a writer that runs nothing: what the catalog does not know has not happened."""
        self.settle()
        self.query("UPDATE {model}.job SET absent = true WHERE writer = %s AND snapshot IS NULL", [writer])

    def snapshot_of(self, job: int) -> int | None:
        """Return the version that a job became, None when it has not committed."""
        self.settle()
        [(snapshot,)] = self.query("SELECT snapshot FROM {model}.job WHERE id = %s", [job])
        return None if snapshot is None else int(snapshot)

    def current_version(self) -> int:
        [(version,)] = self.query("SELECT max(snapshot_id) FROM {catalog}.ducklake_snapshot")
        return int(version)

    def added_columns(self, version: int | None = None) -> int:
        """Return how many columns were added up to a version, the newest unless given."""
        [(count,)] = self.query(
            "SELECT count(*) FROM {model}.job WHERE adds_column AND snapshot <= coalesce(%s, snapshot)", [version]
        )
        return int(count)

    # -- contents

    def keys(self, version: int, low: int = 0, high: int = 1 << 60) -> dict[int, int]:
        """Return the keys at a version, each with the job that wrote it last."""
        found = self.query(
            "SELECT k, job, deleted FROM (SELECT DISTINCT ON (k) k, change.job, deleted FROM {model}.change"
            " JOIN {model}.job ON job.id = change.job WHERE snapshot <= %s AND k BETWEEN %s AND %s"
            " ORDER BY k, snapshot DESC) AS latest",
            [version, low, high],
        )
        return {key: job for key, job, deleted in found if not deleted}

    def content(self, version: int) -> Content:
        """Return what the lake has to hold at a version."""
        self.settle()
        added = self.added_columns(version)
        at_write = dict(self.query("SELECT id, added_columns FROM {model}.job WHERE snapshot <= %s", [version]))
        held = self.keys(version)
        members = self.query(
            "SELECT DISTINCT ON (writer) writer, members FROM {model}.job WHERE members IS NOT NULL"
            " AND snapshot <= %s ORDER BY writer, snapshot DESC",
            [version],
        )
        return Content(
            {key: rows.expected_row(key, job, added, at_write[job]) for key, job in held.items()},
            {writer: frozenset(keys) for writer, keys in members if keys},
            frozenset(at_write),
            added,
        )

    def forget_superseded(self, version: int) -> None:
        """Delete the changes that no version from ``version`` on shows."""
        self.query(
            "DELETE FROM {model}.change old USING {model}.job made WHERE made.id = old.job AND made.snapshot < %s"
            " AND EXISTS (SELECT 1 FROM {model}.change AS newer JOIN {model}.job AS later ON later.id = newer.job"
            " WHERE newer.k = old.k AND later.snapshot <= %s AND later.snapshot > made.snapshot)",
            [version, version],
        )

    # -- what happened

    def note_event(self, kind: str, seconds: float) -> None:
        self.query("INSERT INTO {model}.event VALUES (%s, %s, %s)", [self.process, kind, seconds])

    def note_failure(self, kind: str, detail: str) -> None:
        self.query("INSERT INTO {model}.failure VALUES (%s, %s, %s)", [self.process, kind, detail[:4000]])
