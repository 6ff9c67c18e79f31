"""A query of a data source is one SELECT."""

import pytest
import sqlglot
from sqlglot import exp

from segments.models import DatabaseEngine, DatabaseQuery
from segments.sources.databases.attach import query_text
from segments.sources.databases.query import DIALECTS, QueryRefused, checked_query, stored_functions_in

POSTGRESQL, MYSQL = DatabaseEngine.POSTGRESQL, DatabaseEngine.MYSQL


def refusal_of(text: str, engine: DatabaseEngine = POSTGRESQL) -> str:
    with pytest.raises(QueryRefused) as refusal:
        checked_query(text, engine)
    return str(refusal.value)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM customers",
        "SELECT 1 AS a UNION SELECT 2",
        "WITH a AS (SELECT 1 AS x) SELECT * FROM a -- the end",
        "(SELECT 1 AS a)",
        "SELECT name::text FROM a WHERE name ~ 'x' AND at > now() - interval '1 day'",
    ],
)
def test_one_select_is_sent_as_it_is(text: str) -> None:
    assert checked_query(text, POSTGRESQL) == text


def test_a_semicolon_at_the_end_is_left_out() -> None:
    assert checked_query("  SELECT 1 AS a ; \n", POSTGRESQL) == "SELECT 1 AS a"


@pytest.mark.parametrize(
    ("name", "engine"),
    [
        ("customers", POSTGRESQL),
        ('shop."Big Customers"', POSTGRESQL),
        ("`shop`.customers", MYSQL),
        ("kunden_ö", MYSQL),
    ],
)
def test_the_name_of_a_table_means_all_of_it(name: str, engine: DatabaseEngine) -> None:
    assert checked_query(f" {name};", engine) == f"SELECT * FROM {name}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Enter a query"),
        (" ; ", "Enter a query"),
        ("DELETE FROM customers", "This is DELETE"),
        ("explain select 1", "This is EXPLAIN"),
        ("CALL purge()", "This is CALL"),
        ("VALUES (1)", "This is VALUES"),
        ("SELECT 1; DROP TABLE customers", "These are 2 statements"),
        ("WITH a AS (DELETE FROM b RETURNING id) SELECT * FROM a", "This one contains DELETE"),
        ("SELECT * INTO copies FROM customers", "This one contains INTO"),
        ("SELECT * FROM customers FOR UPDATE", "Remove FOR UPDATE"),
        ("SELECT a\nFROM )", "Line 2 of the query is not valid SQL for PostgreSQL"),
        ("SELECT 'a", "not valid SQL for PostgreSQL"),
        ("SELECT 1) TO STDOUT; DROP TABLE a; COPY (SELECT 1", "not valid SQL"),
    ],
)
def test_everything_else_is_refused_in_a_sentence(text: str, words: str) -> None:
    assert words in refusal_of(text)


def test_mysql_would_execute_some_comments() -> None:
    assert "MySQL would execute it" in refusal_of("SELECT 1 /*!50000 INTO OUTFILE '/tmp/a' */", MYSQL)
    assert "not valid SQL" in refusal_of("SELECT a FROM t INTO OUTFILE '/tmp/a'", MYSQL)


def test_a_refusal_does_not_quote_the_query() -> None:
    assert "aino" not in refusal_of("SELECT * FROM a WHERE email = 'aino@example.com' AND (")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("SELECT id, concat(a, b), date_format(c, '%Y') FROM t", []),
        ("SELECT Wipe() FROM t", ["wipe"]),
        ("SELECT id FROM t WHERE id IN (SELECT a.b(1))", ["b"]),
        ("SELECT shop.concat(a, b) FROM t", ["concat"]),
    ],
)
def test_functions_that_may_be_stored_are_found(text: str, names: list[str]) -> None:
    assert stored_functions_in(text, DatabaseEngine.MYSQL) == names


@pytest.mark.parametrize(
    ("text", "engine"),
    [
        ("SELECT arrayJoin(tags) AS a FROM b FINAL PREWHERE ok WHERE id > 1", DatabaseEngine.CLICKHOUSE),
        ("SELECT id, TRY_CAST(a AS bigint) AS a FROM shop.main.customers", DatabaseEngine.TRINO),
        ("SELECT doc:a::string AS a FROM b QUALIFY row_number() OVER (ORDER BY at) = 1", DatabaseEngine.SNOWFLAKE),
        ("SELECT id, SAFE_CAST(a AS INT64) AS a FROM `shop-123456.main.customers`", DatabaseEngine.BIGQUERY),
        ("SELECT id, doc:a AS a FROM main.shop.customers", DatabaseEngine.DATABRICKS),
    ],
)  # fmt: skip
def test_queries_are_read_in_the_dialect_of_the_warehouse(text: str, engine: DatabaseEngine) -> None:
    assert checked_query(text, engine) == text


@pytest.mark.parametrize(
    ("text", "engine", "words"),
    [
        ("SELECT 1 AS a SETTINGS readonly = 0", DatabaseEngine.CLICKHOUSE, "Remove SETTINGS and FORMAT"),
        ("SELECT 1 AS a FORMAT CSV", DatabaseEngine.CLICKHOUSE, "Remove SETTINGS and FORMAT"),
        ("INSERT INTO a SELECT 1", DatabaseEngine.CLICKHOUSE, "This is INSERT"),
        ("SELECT SYSTEM$CANCEL_ALL_QUERIES(1) AS a", DatabaseEngine.SNOWFLAKE, "ALL_QUERIES cannot be used"),
        ("MERGE INTO a USING b ON a.id = 1 WHEN MATCHED THEN DELETE", DatabaseEngine.SNOWFLAKE, "This is MERGE"),
        ("SELECT reflect('java.lang.System', 'exit', 1) AS a", DatabaseEngine.DATABRICKS, "cannot be used"),
        ("EXPORT DATA OPTIONS (uri='gs://a/*') AS SELECT 1", DatabaseEngine.BIGQUERY, ""),
        ("DECLARE x INT64; SELECT 1", DatabaseEngine.BIGQUERY, ""),
        ("SELECT 1 ->> delete from shop.customers", DatabaseEngine.SNOWFLAKE, "Remove ->> from the query"),
        ("SELECT * FROM (SELECT 1->>SELECT 2)", DatabaseEngine.SNOWFLAKE, ""),
        (r"`a\`.`; DROP TABLE d.t; SELECT 1 --`", DatabaseEngine.BIGQUERY, ""),
        (r"`a\`.`; DROP TABLE d.t; SELECT 1 --`", DatabaseEngine.CLICKHOUSE, ""),
        (r'"a\"."; DROP TABLE d.t; SELECT 1 --"', DatabaseEngine.CLICKHOUSE, ""),
    ],
)  # fmt: skip
def test_what_does_more_than_reading_a_warehouse_is_refused(text: str, engine: DatabaseEngine, words: str) -> None:
    assert words in refusal_of(text, engine)


@pytest.mark.parametrize(
    ("call", "engine"),
    [
        ("TABLE(system.query(query => 'DELETE FROM a'))", DatabaseEngine.TRINO),
        ("TABLE(shop.\"system\".RAW_QUERY(query => '{}'))", DatabaseEngine.TRINO),
        ("EXTERNAL_QUERY('shop.eu.a', 'SELECT 1')", DatabaseEngine.BIGQUERY),
        ("remote_query('a', query => 'SELECT 1')", DatabaseEngine.DATABRICKS),
        ("url('http://example.com', CSV)", DatabaseEngine.CLICKHOUSE),
        ("`remoteSecure`('example.com', a.b)", DatabaseEngine.CLICKHOUSE),
        ("s3('https://example.com/a')", DatabaseEngine.CLICKHOUSE),
        ("icebergS3('https://example.com/a')", DatabaseEngine.CLICKHOUSE),
        ("postgresql('example.com', 'a', 'b', 'c', 'd')", DatabaseEngine.CLICKHOUSE),
        ("(SELECT file('/etc/passwd') AS a) AS b", DatabaseEngine.CLICKHOUSE),
        ("(SELECT http_request(conn => 'a') AS a) AS b", DatabaseEngine.DATABRICKS),
        ("(SELECT ai_query('a', 'b') AS a) AS b", DatabaseEngine.DATABRICKS),
    ],
)  # fmt: skip
def test_a_function_that_reads_or_writes_elsewhere_is_refused(call: str, engine: DatabaseEngine) -> None:
    assert "cannot be used" in refusal_of(f"SELECT * FROM {call}", engine)


def test_names_and_texts_like_what_is_refused_are_not() -> None:
    for text in ("SELECT '->>' AS a -- ->>", "SELECT filter(a, x -> x > 1) AS a FROM b"):
        assert checked_query(text, DatabaseEngine.SNOWFLAKE) == text
    text = "SELECT url, file AS remote FROM s3 WHERE domain(url) = 'url(a)'"
    assert checked_query(text, DatabaseEngine.CLICKHOUSE) == text


@pytest.mark.parametrize("engine", [each for each in DatabaseEngine if each.is_warehouse])
@pytest.mark.parametrize("text", ["customers", "SELECT a, 'x y' AS b FROM t WHERE a IN (1, 2) -- the end"])
def test_the_query_of_the_first_rows_is_read_back_as_it_was_written(engine: DatabaseEngine, text: str) -> None:
    written = query_text(DatabaseQuery(engine=engine, query=text), first_rows=50)
    (parsed,) = sqlglot.parse(written, read=DIALECTS[engine])
    assert isinstance(parsed, exp.Select)
    assert parsed.args["limit"].expression.name == "50"
    again = sqlglot.parse_one(parsed.sql(DIALECTS[engine]), read=DIALECTS[engine])
    assert again.sql(DIALECTS[engine], comments=False) == parsed.sql(DIALECTS[engine], comments=False)
