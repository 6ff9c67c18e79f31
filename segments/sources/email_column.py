"""Give the addresses of a column their one normal form: plain ones in SQL, the few others in Python.

``config.platform.text.addresses.comparable_email`` decides what the form is; a property test compares both.
"""

from itertools import islice
from typing import Final

import duckdb

from config.platform.text.addresses import LONGEST_EMAIL, comparable_email
from segments.sources.files.regular_csv import literal, quoted
from segments.store.lake import as_list, rows_of

# Deliverable ASCII addresses without anything around them, as in addresses.py: their form is lower case.
_PLAIN: Final = (
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@(?:[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]"
)
_BLOCK: Final = 10_000
_FORMS: Final = "email_forms"


def plain_email(column: str) -> str:
    """Return the expression of the normal form of a plain address; NULL for any other text."""
    is_plain = f"regexp_full_match({column}, {literal(_PLAIN)}) AND length({column}) <= {LONGEST_EMAIL}"
    return f"CASE WHEN {is_plain} THEN lower({column}) END"


def add_email_column(connection: duckdb.DuckDBPyConnection, table: str, column: str, added: str) -> None:
    """Add a column with the normal forms of the addresses in a column of texts; NULL for what does not look like
    an address."""
    target, name = quoted(table), quoted(column)
    connection.execute(f"ALTER TABLE {target} ADD COLUMN {quoted(added)} VARCHAR")
    connection.execute(f"UPDATE {target} SET {quoted(added)} = {plain_email(name)} WHERE contains({name}, '@')")
    complete_email_column(connection, table, column, added)


def complete_email_column(connection: duckdb.DuckDBPyConnection, table: str, column: str, added: str) -> None:
    """Complete a column that has the normal forms of plain addresses by those of the others. Their distinct texts
    go through Python."""
    target, name, added = quoted(table), quoted(column), quoted(added)
    odd = connection.execute(
        f"SELECT DISTINCT {name} FROM {target} WHERE {added} IS NULL AND contains({name}, '@')"
    ).fetchall()
    forms = ({"text": text, "email": email} for (text,) in odd if (email := comparable_email(text)) is not None)
    rows = rows_of({"text": "VARCHAR", "email": "VARCHAR"})
    while block := list(islice(forms, _BLOCK)):
        connection.execute(f"CREATE OR REPLACE TEMPORARY TABLE {_FORMS} AS {rows}", [as_list(block)])
        connection.execute(f"UPDATE {target} SET {added} = email FROM {_FORMS} WHERE {name} = text")
        connection.execute(f"DROP TABLE {_FORMS}")
