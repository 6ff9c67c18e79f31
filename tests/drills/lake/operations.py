"""What writers do to the lake, each operation within one transaction, and what it means to the model."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import duckdb

from tests.drills.lake import rows
from tests.drills.lake.settings import KEYS_PER_WRITER, MOST_COLUMNS, Settings

TABLES = (
    "CREATE TABLE lake.profiles (k BIGINT NOT NULL, job BIGINT NOT NULL, "
    + ", ".join(f"{column.name} {column.type}" for column in rows.FIXED)
    + ")",
    "CREATE TABLE lake.members (writer INTEGER, k BIGINT)",
    "CREATE TABLE lake.journal (job BIGINT)",
)
_SMALL, _MEDIUM = 10, 300


@dataclass(frozen=True)
class Operation:
    """A planned operation: its steps, and what they write and delete. ``rows_changed`` is by how much the number
    of profiles changes; ``members`` are those of the writer's segment from then on, None to leave them."""

    kind: str
    steps: Sequence[Callable[["Session"], None]]
    written: frozenset[int] = frozenset()
    deleted: frozenset[int] = frozenset()
    rows_changed: int = 0
    members: frozenset[int] | None = None


@dataclass(frozen=True)
class Session:
    """A job at work: its connection within a transaction, its id and how many columns were added."""

    connection: duckdb.DuckDBPyConnection
    settings: Settings
    writer: int
    job: int
    added_columns: int

    def load(self, name: str, keys: frozenset[int]) -> None:
        """Put keys into a temporary table, in random order."""
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT unnest($1::BIGINT[]) AS k", [list(keys)]
        )

    def rows_of(self, source: str) -> str:
        """Return a SELECT of the rows that this job writes for the keys in ``source``."""
        columns = rows.all_columns(self.added_columns)
        values = ", ".join(f"CAST({column.sql} AS {column.type}) AS {column.name}" for column in columns)
        return f"SELECT k, job, {values} FROM (SELECT k, CAST({self.job} AS BIGINT) AS job FROM {source})"

    def merge(self, keys: frozenset[int]) -> None:
        self.load("incoming", keys)
        names = ["job", *(column.name for column in rows.all_columns(self.added_columns))]
        updates = ", ".join(f"{name} = incoming.{name}" for name in names)
        inserts = ", ".join(f"incoming.{name}" for name in ["k", *names])
        self.connection.execute(
            f"MERGE INTO lake.profiles USING ({self.rows_of('incoming')}) AS incoming ON profiles.k = incoming.k"
            f" WHEN MATCHED THEN UPDATE SET {updates}"
            f" WHEN NOT MATCHED THEN INSERT (k, {', '.join(names)}) VALUES ({inserts})"
        )

    def insert(self, keys: frozenset[int]) -> None:
        self.load("incoming", keys)
        self.connection.execute(f"INSERT INTO lake.profiles BY NAME {self.rows_of('incoming')}")

    def delete(self, keys: frozenset[int]) -> None:
        self.load("leaving", keys)
        self.connection.execute("DELETE FROM lake.profiles WHERE k IN (SELECT k FROM leaving)")

    def delete_range(self, low: int, high: int) -> None:
        self.connection.execute("DELETE FROM lake.profiles WHERE k BETWEEN ? AND ?", [low, high])

    def register(self, keys: frozenset[int]) -> None:
        """Write new rows to a staged file and add the file to the table, as large imports do."""
        self.load("incoming", keys)
        path = self.settings.staging / f"{self.job}.parquet"
        self.connection.execute(f"COPY ({self.rows_of('incoming')}) TO '{path}' (FORMAT parquet)")
        self.connection.execute(f"CALL ducklake_add_data_files('lake', 'profiles', '{path}')")

    def replace_members(self, keys: frozenset[int]) -> None:
        self.load("incoming", keys)
        self.connection.execute("DELETE FROM lake.members WHERE writer = ?", [self.writer])
        self.connection.execute("INSERT INTO lake.members SELECT ?, k FROM incoming", [self.writer])

    def add_column(self) -> None:
        column = rows.added_column(self.added_columns)
        default = f" DEFAULT {column.default_sql}" if column.default_sql else ""
        self.connection.execute(f"ALTER TABLE lake.profiles ADD COLUMN {column.name} {column.type}{default}")


def plan(chance: random.Random, writer: int, present: frozenset[int], added_columns: int) -> Operation:
    """Choose an operation for a writer whose keys at present are ``present``."""
    low = first_key(writer)
    absent = frozenset(range(low, low + KEYS_PER_WRITER)) - present
    kind = chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
    match kind:
        case "add column" if added_columns < MOST_COLUMNS:
            return Operation(kind, [Session.add_column])
        case "insert" | "register" if absent:
            keys = _some_of(chance, absent)
            step = Session.insert if kind == "insert" else Session.register
            return Operation(kind, [partial(step, keys=keys)], written=keys, rows_changed=len(keys))
        case "delete" if present:
            keys = _some_of(chance, present)
            return Operation(kind, [partial(Session.delete, keys=keys)], deleted=keys, rows_changed=-len(keys))
        case "delete range" if present:
            first = chance.choice(sorted(present))
            last = first + _some(chance)
            keys = frozenset(key for key in present if first <= key <= last)
            step = partial(Session.delete_range, low=first, high=min(last, low + KEYS_PER_WRITER - 1))
            return Operation(kind, [step], deleted=keys, rows_changed=-len(keys))
        case "restate" if present:
            keys = _some_of(chance, present)
            return Operation(
                kind, [partial(Session.delete, keys=keys), partial(Session.insert, keys=keys)], written=keys
            )
        case "snapshot":  # who is not in the file leaves
            keys = frozenset(chance.sample(sorted(present | absent), chance.randint(1, KEYS_PER_WRITER)))
            gone = present - keys
            steps = [partial(Session.merge, keys=keys), partial(Session.delete, keys=gone)]
            return Operation(kind, steps, written=keys, deleted=gone, rows_changed=len(keys) - len(present))
        case "refresh":
            keys = frozenset(key for key in present if chance.random() < 0.5)
            return Operation(kind, [partial(Session.replace_members, keys=keys)], members=keys)
        case _:
            keys = _some_of(chance, present | absent)
            new = len(keys - present)
            return Operation("merge", [partial(Session.merge, keys=keys)], written=keys, rows_changed=new)


_WEIGHTS = {
    "merge": 30,
    "insert": 8,
    "register": 4,
    "delete": 16,
    "delete range": 6,
    "restate": 14,
    "snapshot": 3,
    "refresh": 8,
    "add column": 3,
}


def first_key(writer: int) -> int:
    """Return the lowest key of a writer's range."""
    return (writer + 1) * 1_000_000


def _some(chance: random.Random) -> int:
    return chance.choice(
        (chance.randint(1, _SMALL), chance.randint(_SMALL, _MEDIUM), chance.randint(1, KEYS_PER_WRITER))
    )


def _some_of(chance: random.Random, keys: frozenset[int]) -> frozenset[int]:
    return frozenset(chance.sample(sorted(keys), min(_some(chance), len(keys))))
