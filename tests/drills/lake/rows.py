"""The rows of the lake, as functions of a key and of the job that wrote it.

Each value is defined twice, as a SQL expression that DuckDB writes and as Python that the checks compare with, so
that a value which changes on its way through the catalog or a file is found.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

Value = Any
_BORN = date(1950, 1, 1)
_SEEN = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Column:
    """A column with its type, the SQL of its value in terms of ``k`` and ``job``, and the same in Python."""

    name: str
    type: str
    sql: str
    value: Callable[[int, int], Value]
    default_sql: str | None = None
    default: Value = None


def _name(key: int, job: int) -> Value:
    if job % 7 == 0:
        return None
    return "" if key % 5 == 0 else f'Zoë "{key}" O\'Neil\n\\{job}'


def _tags(key: int, job: int) -> Value:
    if job % 4 == 0:
        return None
    return [] if key % 11 == 0 else [f"t{key % 10}", "", f"j,{job % 10}"]


def _active(key: int, job: int) -> Value:
    return (None, True, False)[(key + job) % 3]


FIXED = (
    Column(
        "name",
        "VARCHAR",
        "CASE WHEN job % 7 = 0 THEN NULL WHEN k % 5 = 0 THEN ''"
        " ELSE 'Zoë \"' || k || '\" O''Neil' || chr(10) || '\\' || job END",
        _name,
    ),
    Column(
        "amount",
        "DECIMAL(18, 2)",
        "CAST((k * job) % 1000003 AS DECIMAL(18, 2)) * 0.01",
        lambda key, job: Decimal((key * job) % 1000003).scaleb(-2),
    ),
    Column("active", "BOOLEAN", "CASE (k + job) % 3 WHEN 0 THEN NULL WHEN 1 THEN true ELSE false END", _active),
    Column(
        "born",
        "DATE",
        "DATE '1950-01-01' + CAST((k * 31 + job) % 30000 AS INTEGER)",
        lambda key, job: _BORN + timedelta(days=(key * 31 + job) % 30000),
    ),
    Column(
        "seen",
        "TIMESTAMPTZ",
        "make_timestamptz(1577836800000000 + (k + job) * 1000001)",
        lambda key, job: _SEEN + timedelta(microseconds=(key + job) * 1000001),
    ),
    Column(
        "tags",
        "VARCHAR[]",
        "CASE WHEN job % 4 = 0 THEN NULL WHEN k % 11 = 0 THEN []"
        " ELSE ['t' || (k % 10), '', 'j,' || (job % 10)] END",
        _tags,
    ),
)

# Kinds of added columns, by type, SQL, Python, and the value of rows that are older than the column.
_ADDED: tuple[tuple[str, str, Callable[[int, int], Value], str | None, Value], ...] = (
    ("INTEGER", "CAST((k + job) % 1000 AS INTEGER)", lambda key, job: (key + job) % 1000, None, None),
    ("VARCHAR", "'added ' || (k % 100)", lambda key, job: f"added {key % 100}", "'de''fault'", "de'fault"),
    ("DOUBLE", "(k + job) / 8.0", lambda key, job: (key + job) / 8.0, "0.5", 0.5),
    (
        "DATE",
        "DATE '1950-01-01' + CAST(k % 999 AS INTEGER)",
        lambda key, job: _BORN + timedelta(key % 999),
        None,
        None,
    ),
    ("VARCHAR[]", "['a' || job]", lambda key, job: [f"a{job}"], None, None),
    ("BIGINT", "job", lambda key, job: job, "-1", -1),
)


def added_column(number: int) -> Column:
    """Return the column that is added as the ``number``-th, counted from 0."""
    kind, sql, value, default_sql, default = _ADDED[number % len(_ADDED)]
    return Column(f"added_{number}", kind, sql, value, default_sql, default)


@cache
def all_columns(added: int) -> tuple[Column, ...]:
    """Return the columns of the table after so many were added, without the key and the job."""
    return (*FIXED, *(added_column(number) for number in range(added)))


def expected_row(key: int, job: int, added: int, added_at_write: int) -> tuple[Value, ...]:
    """Return the row of ``key`` as ``job`` wrote it when there were ``added_at_write`` added columns, read when
    there are ``added`` of them."""
    written = all_columns(added_at_write)
    later = all_columns(added)[len(written) :]
    values: Sequence[Value] = [column.value(key, job) for column in written]
    return (key, job, *values, *(column.default for column in later))
