"""Copy rows between the profile store and PostgreSQL."""

from contextlib import suppress
from typing import Any

import pytest
from django.db import DataError, connection, transaction
from pytest_django import Settings

from segments.store import lake
from segments.store.lake import StoreError, as_list, rows_of
from segments.store.transfer import copy_to_temporary_table, load_temporary_table

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


@pytest.mark.parametrize("query", ["SELECT 1, 'a', true", "SELECT 9223372036854775808::HUGEINT, 'a', true"])
def test_queries_after_it_have_all_threads(query: str, settings: Settings) -> None:
    settings.PROFILE_STORE_THREADS = 3
    with suppress(DataError):
        copied(query)
    with lake.reading() as reader:
        assert reader.row("SELECT current_setting('threads')") == (3,)


def loaded(query: str, parameters: Any = (), columns: Any = None) -> list[tuple[Any, ...]]:
    with transaction.atomic(), lake.reading() as reader:
        load_temporary_table(reader, query, parameters, columns or {"text": "VARCHAR"}, "loaded")
        return reader.rows("FROM loaded")


@pytest.mark.parametrize(
    "text", ["", "plain", 'a "quote"', "back\\slash", "comma, tab\t, lines\r\n", "Łódź 𝄞", None]
)
def test_every_text_is_loaded_as_it_is(text: str | None) -> None:
    assert loaded("SELECT %s::text", [text]) == [(text,)]


def test_no_rows_make_an_empty_table() -> None:
    assert loaded("SELECT 'a' WHERE false") == []


def test_rows_are_loaded_as_the_transaction_has_written_them() -> None:
    with transaction.atomic(), connection.cursor() as cursor, lake.reading() as reader:
        cursor.execute("CREATE TEMPORARY TABLE written ON COMMIT DROP AS SELECT gen_random_uuid() AS id")
        load_temporary_table(reader, "SELECT id FROM written", [], {"id": "UUID"}, "loaded")
        cursor.execute("SELECT id FROM written")
        assert reader.rows("FROM loaded") == cursor.fetchall()


def test_an_error_of_postgresql_while_rows_are_loaded_is_raised() -> None:
    failing = "SELECT CASE WHEN i = 150000 THEN 1 / (i - 150000) ELSE i END FROM generate_series(1, 200000) i"
    with pytest.raises(DataError):
        loaded(failing, columns={"number": "BIGINT"})
    assert loaded("SELECT 'a'") == [("a",)]


def test_an_error_of_duckdb_while_rows_are_loaded_is_raised() -> None:
    with pytest.raises(StoreError):
        loaded("SELECT 'no number' FROM generate_series(1, 200000)", columns={"number": "BIGINT"})
    assert loaded("SELECT 'a'") == [("a",)]
