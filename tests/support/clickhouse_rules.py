"""ClickHouse's engine with random profiles, to be asked with compiled rules, where the package chdb-core-lite is
installed: see ``rules_engines.py``."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from segments.models import AttributeType
from tests.support.rules_engines import columns_of, member_rows, query_of, row_of

_CONDITIONS = 100  # in one query
_TYPES = {
    AttributeType.TEXT: "Nullable(String)",
    AttributeType.NUMBER: "Nullable(Float64)",
    AttributeType.INTEGER: "Nullable(Int64)",
    AttributeType.DATE: "Nullable(Date32)",
    AttributeType.DATETIME: "Nullable(DateTime64(6, 'UTC'))",
    AttributeType.BOOLEAN: "Nullable(Bool)",
    AttributeType.LIST: "Array(String)",  # which cannot be missing
}


class ClickHouse:
    """The engine of ClickHouse, in this process."""

    dialect = "clickhouse"

    def __init__(self) -> None:
        self._session: Any = import_module("chdb.session").Session()
        self._columns = columns_of(_TYPES) | {"id": "Int64"}
        defined = ", ".join(f"{name} {declared}" for name, declared in self._columns.items())
        for statement in (
            "CREATE DATABASE rules",
            "USE rules",
            f"CREATE TABLE rule_profiles ({defined}) ENGINE = Memory",
            "CREATE TABLE rule_members (segment_id Int64, profile_id Int64) ENGINE = Memory",
        ):
            self._session.query(statement)

    def fill(self, profiles: Sequence[Mapping[str, Any]], members: Mapping[int, Iterable[int]]) -> None:
        for table, columns, rows in (
            ("rule_profiles", list(self._columns), [row_of(profile) for profile in profiles]),
            ("rule_members", ["segment_id", "profile_id"], member_rows(members)),
        ):
            self._session.query(f"TRUNCATE TABLE {table}")
            objects = [json.dumps(dict(zip(columns, row, strict=True)), default=_as_text) for row in rows]
            if objects:
                self._session.query(f"INSERT INTO {table} FORMAT JSONEachRow {chr(10).join(objects)}")

    def find(self, conditions: Sequence[str]) -> dict[int, list[bool | None]]:
        found: dict[int, list[bool | None]] = {}
        for start in range(0, len(conditions), _CONDITIONS):
            part = conditions[start : start + _CONDITIONS]
            query = query_of([f"({condition}) AS k{number}" for number, condition in enumerate(part)])
            lines = self._session.query(query, "JSONCompactEachRow").bytes().decode().splitlines()
            for number, *matches in map(json.loads, lines):
                found.setdefault(int(number), []).extend(None if each is None else bool(each) for each in matches)
        return found


def _as_text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return str(value)
