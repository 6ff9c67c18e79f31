"""Engines that hold random profiles in typed columns, to be asked with compiled rules."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Protocol

import duckdb
from django.db import connection
from sqlglot import exp

from config.platform.text.letter_case import comparable_text
from segments.models import AttributeType
from segments.rules.compile import ColumnRef
from tests.support.random_rules import TYPES

# The columns, in the order of TYPES. “town” and “labels” have no stored comparable text.
NORMALIZED = ("city", "tags")
ATTRIBUTES: Mapping[str, ColumnRef] = {
    name: ColumnRef(f"c{number}", data_type, f"n{number}" if name in NORMALIZED else None)
    for number, (name, data_type) in enumerate(TYPES.items())
}


def members_query(segment: int) -> exp.Expression:
    """The query of the profiles of a segment."""
    return exp.select("profile_id").from_("rule_members").where(exp.column("segment_id").eq(segment))


class Engine(Protocol):
    """Holds profiles and members, and finds what a condition matches."""

    dialect: str

    def fill(self, profiles: Sequence[Mapping[str, Any]], members: Mapping[int, Iterable[int]]) -> None: ...

    def find(self, conditions: Sequence[str]) -> dict[int, list[bool | None]]:
        """Whether each condition matches, by the ID of each profile."""
        ...


def columns_of(column_types: Mapping[AttributeType, str]) -> dict[str, str]:
    """The columns of profiles with their types."""
    columns = {each.column: column_types[each.data_type] for each in ATTRIBUTES.values()}
    columns |= {each.normalized: column_types[each.data_type] for each in ATTRIBUTES.values() if each.normalized}
    return {"id": "INTEGER", **columns}


def _definitions(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {data_type}" for name, data_type in columns.items())


def row_of(profile: Mapping[str, Any]) -> list[Any]:
    """Return the values of a profile in the order of the columns."""
    values = [profile["id"], *(profile[name] for name in ATTRIBUTES)]
    for name in NORMALIZED:
        value = profile[name]
        values.append([comparable_text(text) for text in value] if isinstance(value, list) else _lowered(value))
    return values


def _lowered(value: str | None) -> str | None:
    return None if value is None else comparable_text(value)


def _placeholders(mark: str, rows: Sequence[Sequence[Any]]) -> str:
    row = f"({', '.join([mark] * len(rows[0]))})"
    return ", ".join([row] * len(rows))


def query_of(conditions: Sequence[str]) -> str:
    """Return the query of the conditions for each profile."""
    return f"SELECT id, {', '.join(conditions)} FROM rule_profiles"


def member_rows(members: Mapping[int, Iterable[int]]) -> list[tuple[int, int]]:
    """Return a row of segment and profile for each member."""
    return [(segment, profile) for segment, profiles in members.items() for profile in sorted(profiles)]


_MEMBERS = "CREATE TEMPORARY TABLE rule_members (segment_id INTEGER, profile_id INTEGER)"


class DuckDB:
    """The engine of the profile store."""

    dialect = "duckdb"

    def __init__(self) -> None:
        types = {
            AttributeType.TEXT: "VARCHAR",
            AttributeType.NUMBER: "DOUBLE",
            AttributeType.INTEGER: "BIGINT",
            AttributeType.DATE: "DATE",
            AttributeType.DATETIME: "TIMESTAMPTZ",
            AttributeType.BOOLEAN: "BOOLEAN",
            AttributeType.LIST: "VARCHAR[]",
        }
        self._connection = duckdb.connect(config={"threads": "1"})
        self._columns = columns_of(types)
        self._connection.execute(f"CREATE TABLE rule_profiles ({_definitions(self._columns)})")
        self._connection.execute(_MEMBERS)

    def fill(self, profiles: Sequence[Mapping[str, Any]], members: Mapping[int, Iterable[int]]) -> None:
        # As one JSON text: each parameter takes half a millisecond without NumPy.
        for table, columns, rows in (
            ("rule_profiles", self._columns, [row_of(profile) for profile in profiles]),
            ("rule_members", {"segment_id": "INTEGER", "profile_id": "INTEGER"}, member_rows(members)),
        ):
            objects = [dict(zip(columns, row, strict=True)) for row in rows]
            self._connection.execute(f"TRUNCATE {table}")
            self._connection.execute(
                f"INSERT INTO {table} SELECT unnest(from_json(?, ?), max_depth := 2)",
                [json.dumps(objects, default=_as_text), json.dumps([columns])],
            )

    def find(self, conditions: Sequence[str]) -> dict[int, list[bool | None]]:
        rows = self._connection.execute(query_of(conditions)).fetchall()
        return {number: list(matches) for number, *matches in rows}


class PostgreSQL:
    """Django's test database."""

    dialect = "postgres"

    def __init__(self) -> None:
        types = {
            AttributeType.TEXT: "text",
            AttributeType.NUMBER: "double precision",
            AttributeType.INTEGER: "bigint",
            AttributeType.DATE: "date",
            AttributeType.DATETIME: "timestamptz",
            AttributeType.BOOLEAN: "boolean",
            AttributeType.LIST: "text[]",
        }
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TEMPORARY TABLE rule_profiles ({_definitions(columns_of(types))})")
            cursor.execute(_MEMBERS)

    def fill(self, profiles: Sequence[Mapping[str, Any]], members: Mapping[int, Iterable[int]]) -> None:
        with connection.cursor() as cursor:
            for table, rows in (
                ("rule_profiles", [row_of(profile) for profile in profiles]),
                ("rule_members", member_rows(members)),
            ):
                cursor.execute(f"TRUNCATE {table}")
                values = [value for row in rows for value in row]
                cursor.execute(f"INSERT INTO {table} VALUES {_placeholders('%s', rows)}", values)

    def find(self, conditions: Sequence[str]) -> dict[int, list[bool | None]]:
        with connection.cursor() as cursor:
            cursor.execute(query_of(conditions))
            return {number: list(matches) for number, *matches in cursor.fetchall()}


class SQLite:
    """Texts for dates, moments in UTC and lists."""

    dialect = "sqlite"

    def __init__(self) -> None:
        types = {
            AttributeType.TEXT: "TEXT",
            AttributeType.NUMBER: "REAL",
            AttributeType.INTEGER: "INTEGER",
            AttributeType.DATE: "TEXT",
            AttributeType.DATETIME: "TEXT",
            AttributeType.BOOLEAN: "INTEGER",
            AttributeType.LIST: "TEXT",
        }
        self._connection = sqlite3.connect(":memory:", check_same_thread=False)
        self._connection.execute(f"CREATE TABLE rule_profiles ({_definitions(columns_of(types))})")
        self._connection.execute(_MEMBERS)

    def fill(self, profiles: Sequence[Mapping[str, Any]], members: Mapping[int, Iterable[int]]) -> None:
        for table, rows in (
            ("rule_profiles", [row_of(profile) for profile in profiles]),
            ("rule_members", member_rows(members)),
        ):
            self._connection.execute(f"DELETE FROM {table}")
            self._connection.executemany(
                f"INSERT INTO {table} VALUES {_placeholders('?', rows[:1])}",
                [[_as_text(value) for value in row] for row in rows],
            )

    def find(self, conditions: Sequence[str]) -> dict[int, list[bool | None]]:
        rows = self._connection.execute(query_of(conditions)).fetchall()
        return {number: [None if match is None else bool(match) for match in matches] for number, *matches in rows}


def _as_text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(" ", "microseconds")
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(value) if isinstance(value, list) else value
