"""Copy rows of the profile store into a temporary table of PostgreSQL."""

from typing import Any

import pytest
from django.db import DataError, connection, transaction

from segments.store import lake
from segments.store.lake import StoreError, as_list, rows_of
from segments.store.transfer import copy_to_temporary_table

pytestmark = pytest.mark.django_db

COLUMNS = {"number": "bigint", "text": "text", "valid": "boolean"}


def copied(query: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    with transaction.atomic(), lake.reading() as reader:
        if parameters is not None:
            reader.execute(f"CREATE OR REPLACE TEMPORARY TABLE given AS {query}", parameters)
            query = "SELECT * FROM given ORDER BY number"
        copy_to_temporary_table(reader, query, COLUMNS, "copied")
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM copied")
            return list(cursor.fetchall())


@pytest.mark.parametrize(
    "text",
    ["", "plain", 'a "quote"', "back\\slash \\N", "comma, tab\t, lines\r\n\n", "\\.", "Łódź 𝄞", "null", " "],
)
def test_every_text_arrives_as_it_is(text: str) -> None:
    kinds = {"number": "BIGINT", "text": "VARCHAR", "valid": "BOOLEAN"}
    rows = [{"number": 1, "text": text, "valid": True}]
    assert copied(rows_of(kinds), [as_list(rows)]) == [(1, text, True)]


def test_no_value_is_not_an_empty_text() -> None:
    query = "SELECT * FROM (VALUES (1, NULL, NULL), (2, '', false)) ORDER BY 1"
    assert copied(query) == [(1, None, None), (2, "", False)]


def test_rows_keep_the_order_of_the_query() -> None:
    rows = copied(
        "SELECT i, (i * 7919 % 200000)::VARCHAR, true FROM range(200000) t(i) ORDER BY i * 7919 % 200000"
    )
    assert [int(text) for _number, text, _valid in rows] == list(range(200_000))


def test_an_error_of_duckdb_leaves_nothing() -> None:
    failing = "SELECT i, CASE WHEN i = 150000 THEN error('x') ELSE 'a' END, true FROM range(200000) t(i)"
    with pytest.raises(StoreError):
        copied(failing)
    assert copied("SELECT 1, 'a', true") == [(1, "a", True)]


def test_an_error_of_postgresql_ends_the_query_of_duckdb() -> None:
    too_large = "SELECT 9223372036854775808::HUGEINT + i, 'a', true FROM range(3000000) t(i)"
    with pytest.raises(DataError):
        copied(too_large)
    assert copied("SELECT 1, 'a', true") == [(1, "a", True)]
