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

# As warehouses or their drivers write them; those of Snowflake, BigQuery and Databricks by their documentation.
WAREHOUSE_TEXTS = [
    (
        "Code: 497. DB::Exception: reader: Not enough privileges. To execute this query, it's necessary to have "
        "the grant SELECT(id) ON shop.salaries. (ACCESS_DENIED)",
        "no permission to read “shop.salaries”",
        "query",
    ),
    (
        "Code: 81. DB::Exception: Database shops does not exist. (UNKNOWN_DATABASE)",
        "no database “shops”",
        "database",
    ),
    ("Code: 159. DB::Exception: Timeout exceeded: elapsed 1. (TIMEOUT_EXCEEDED)", "took too long", "query"),
    (
        "Code: 62. DB::Exception: Syntax error: failed at position 9 (line 2, col 1)",
        "syntax error. Line 2",
        "query",
    ),
    ("TrinoUserError(name=CATALOG_NOT_FOUND, message=\"line 1:15: Catalog 'a' not found\")", "“a”", "database"),
    (
        "Access Denied: Cannot select from columns [id] in table or view shop.main.salaries",
        "“shop.main.salaries”",
        "query",
    ),
    ("250001 (08001): Incorrect username or password was specified.", "The user or the password", "password"),
    (
        "002003 (42S02): SQL compilation error:\nObject 'SHOP.MISSING' does not exist or not authorized.",
        "no table “SHOP.MISSING”",
        "query",
    ),
    ("000904 (42000): SQL compilation error:\ninvalid identifier 'MISSING'", "“MISSING”", "query"),
    ("404 Not found: Table shop-123456:main.missing was not found in location EU", "no table “…”", "query"),
    ("400 Unrecognized name: missing at [2:8]", "no column “missing”. Line 2", "query"),
    (
        "('invalid_grant: Invalid JWT Signature.', {'error': 'invalid_grant'})",
        "The user or the password",
        "password",
    ),
    (
        "[TABLE_OR_VIEW_NOT_FOUND] The table or view `main`.`missing` cannot be found.",
        "There is no table",
        "query",
    ),
    (
        "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column, variable, or function parameter with name `missing` cannot "
        "be resolved. Did you mean one of the following? [`id`]. SQLSTATE: 42703; line 2 pos 7",
        "no column “missing”. Line 2",
        "query",
    ),
    ('(… connection to "169.254.169.254" is not allowed', "“169.254.169.254”, which is not its own", "host"),
]


@pytest.mark.parametrize(("text", "sentence", "field"), [*TEXTS, *WAREHOUSE_TEXTS])
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


@pytest.mark.parametrize("kind", ["OutOfMemoryException", "MemoryError", "killed"])
def test_too_little_memory_names_the_setting(kind: str) -> None:
    assert "PROFILE_STORE_MEMORY_MB" in sentence_of("", kind)[0]


def test_a_reader_that_ended_for_another_reason_does_not_name_memory() -> None:
    assert sentence_of("", "ended") == ("The program that reads the rows ended unexpectedly. Try again.", "")
