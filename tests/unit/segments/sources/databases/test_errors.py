"""Errors of drivers become sentences that name the cause and no values."""

import pytest

from segments.sources.databases.errors import sentence_of

# As the drivers write them, around what DuckDB adds.
TEXTS = [
    (
        'IO Error: Unable to connect to Postgres at "host=\'a\'": connection to server at "10.0.0.1" failed:'
        ' FATAL:  password authentication failed for user "reader"\n',
        "The user or the password is incorrect.",
        "password",
    ),
    (
        "Failed to connect to MySQL database: Access denied for user 'reader'@'10.0.0.1' (using password: YES)",
        "The user or the password is incorrect.",
        "password",
    ),
    ('FATAL:  database "shop" does not exist', "The server has no database “shop”.", "database"),
    ("Unknown database 'shop'", "The server has no database “shop”.", "database"),
    (
        "Access denied for user 'reader'@'%' to database 'shop'",
        "The user has no access to the database “shop”.",
        "user",
    ),
    ("failed: Connection refused\n\tIs the server running", "The server refused the connection.", "port"),
    ("Can't connect to server on '10.0.0.1' (111)", "The server refused the connection.", "port"),
    ("connection to server failed: timeout expired", "The server does not respond.", "host"),
    ("Can't connect to server on '10.0.0.1' (110)", "The server does not respond.", "host"),
    ("server does not support SSL, but SSL was required", "The server does not support encryption.", "encryption"),
    ("SSL error: certificate verify failed", "The certificate of the server cannot be verified", "encryption"),
    (
        "ERROR:  permission denied for table customers\n",
        "The user has no permission to read “customers”.",
        "query",
    ),
    (
        "SELECT command denied to user 'reader'@'10.0.0.1' for table `shop`.`salaries`",
        "The user has no permission to read “shop”.",
        "query",
    ),
    (
        'ERROR:  relation "nothing" does not exist\nLINE 3: FROM nothing',
        "There is no table “nothing”. Line 3",
        "query",
    ),
    ("Table 'shop.nothing' doesn't exist", "There is no table “shop.nothing”.", "query"),
    ("no such table: nothing\n", "There is no table “nothing”.", "query"),
    ("Unknown column 'nothing' in 'SELECT'", "There is no column “nothing”.", "query"),
    (
        "You have an error in your SQL syntax; … near 'x' at line 4",
        "has a syntax error. Line 4",
        "query",
    ),
    ("ERROR:  canceling statement due to statement timeout", "The query took too long", "query"),
    ("cannot execute nextval() in a read-only transaction", "The query changes data.", "query"),
    ("Cannot execute statement in a READ ONLY transaction", "The query changes data.", "query"),
    ("Duplicate column name 'id'", "The query has two columns named “id”.", "query"),
    ("server closed the connection unexpectedly", "The connection to the database was lost.", ""),
    ("file is not a database", "The file is not a database of this type", "database"),
]


@pytest.mark.parametrize(("text", "sentence", "field"), TEXTS)
def test_it_names_the_cause_and_the_field_to_change(text: str, sentence: str, field: str) -> None:
    found = sentence_of(text, "IOException")
    assert sentence in found[0]
    assert found[1] == field


@pytest.mark.parametrize(
    "text",
    [
        'ERROR:  invalid input syntax for type integer: "Aino Virtanen"\nCONTEXT:  COPY Aino',
        "ERROR:  Wert »Aino« ist ungültig",
        'ERROR:  column "aino@example.com; Aino" does not exist',
    ],
)
def test_values_of_customers_are_left_out(text: str) -> None:
    assert "aino" not in sentence_of(text, "IOException")[0].lower()


def test_the_line_of_duckdbs_own_statement_is_not_that_of_the_query() -> None:
    own = "LINE 1: SELECT * FROM postgres_query('source', 'select x from nothing…"
    text = f'ERROR:  syntax error at or near "x"\nLINE 2: x\n\n\n{own}\n     ^'
    sentence = sentence_of(text, "BinderException")[0]
    assert sentence == "The query has a syntax error. Line 2 of the query."
    assert "Line" not in sentence_of(f"no such table: nothing\n\n{own}", "BinderException")[0]


@pytest.mark.parametrize("kind", ["OutOfMemoryException", "ended"])
def test_too_little_memory_names_the_setting(kind: str) -> None:
    assert "PROFILE_STORE_MEMORY_MB" in sentence_of("", kind)[0]
