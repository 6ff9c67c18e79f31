"""The normal form of addresses is the same in SQL as in Python."""

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.platform.text.addresses import comparable_email
from segments.sources.email_column import add_email_column
from segments.sources.files.regular_csv import literal

ADDRESSES = (
    st.from_regex(r"[A-Za-z0-9.+_-]{1,8}@[A-Za-z0-9-]{1,6}\.[A-Za-z.-]{1,6}", fullmatch=True)
    | st.emails()
    | st.text(st.sampled_from("aZ9.@@-_ \u00a0\u200bıİKéß'\"ü\n"), max_size=14)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8).map(
        "{}@example.com".format
    )
)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:", config={"threads": 2}) as opened:
        yield opened


def forms(connection: duckdb.DuckDBPyConnection, texts: list[str | None]) -> list[str | None]:
    rows = ", ".join(f"({line}, {'NULL' if text is None else literal(text)})" for line, text in enumerate(texts))
    connection.execute(f"CREATE OR REPLACE TEMPORARY TABLE p AS SELECT * FROM (VALUES {rows}) AS p(_line, t0)")
    add_email_column(connection, "p", "t0", "e0")
    return [form for (form,) in connection.execute("SELECT e0 FROM p ORDER BY _line").fetchall()]


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(ADDRESSES, min_size=1, max_size=30))
def test_each_address_has_the_form_of_the_python_function(
    connection: duckdb.DuckDBPyConnection, texts: list[str]
) -> None:
    assert forms(connection, list(texts)) == [comparable_email(text) for text in texts]


def test_odd_addresses_are_found_by_their_text(connection: duckdb.DuckDBPyConnection) -> None:
    texts = ["Ann@X.com", "ann@x.com ", "jörg@münchen.de", "a+b@x.com", '"odd name"@x.com', "no address", None, ""]
    texts += ["Info@MÜNCHEN.de", "\u200bann@x.com", "KELVIN\u212a@x.com"]
    assert forms(connection, texts) == [comparable_email(text) if text else None for text in texts]


def test_plain_addresses_do_not_go_through_python(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("segments.sources.email_column.comparable_email")
    assert forms(connection, ["Ann.B+c@Mail.Example.com", "x"]) == ["ann.b+c@mail.example.com", None]
