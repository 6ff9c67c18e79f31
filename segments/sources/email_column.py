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


def email_column(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> str:
    """Prepare the normal forms of the addresses in a column of texts. Returns the expression over the table that
    gives them; NULL for what does not look like an address.

    Distinct values that are not plain go through Python, into the temporary table ``<table>_<column>_emails``.
    """
    name = quoted(column)
    is_plain = f"(regexp_full_match({name}, {literal(_PLAIN)}) AND length({name}) <= {LONGEST_EMAIL})"
    others = quoted(f"{table}_{column}_emails")
    connection.execute(f"CREATE OR REPLACE TEMPORARY TABLE {others} (text VARCHAR, email VARCHAR)")
    odd = connection.execute(
        f"SELECT DISTINCT {name} FROM {quoted(table)} WHERE contains({name}, '@') AND NOT {is_plain}"
    ).fetchall()
    forms = ({"text": text, "email": email} for (text,) in odd if (email := comparable_email(text)) is not None)
    rows = rows_of({"text": "VARCHAR", "email": "VARCHAR"})
    while block := list(islice(forms, _BLOCK)):
        connection.execute(f"INSERT INTO {others} {rows}", [as_list(block)])
    if not odd:
        return f"CASE WHEN {is_plain} THEN lower({name}) END"
    known = f"(SELECT email FROM {others} WHERE text = {quoted(table)}.{name})"
    return f"CASE WHEN {is_plain} THEN lower({name}) ELSE {known} END"
