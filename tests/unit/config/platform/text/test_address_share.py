"""Shares of addresses: stable, nested, independent, and the same in Python and in SQL."""

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.platform.text.address_share import AddressShare, new_salt

MANY = [f"person{n}@example.com" for n in range(20_000)]
SALT = "c0ffee"
salts = st.text("0123456789abcdef", min_size=1, max_size=32)


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"])), min_size=1), salts, st.integers(0, 99))
def test_python_and_sql_select_the_same_addresses(
    database: duckdb.DuckDBPyConnection, emails: list[str], salt: str, percentage: int
) -> None:
    share = AddressShare(salt, percentage)
    sql = f"SELECT email, {share.sql('email')} FROM (SELECT unnest($1::VARCHAR[]) AS email)"
    rows = database.execute(sql, [emails]).fetchall()
    assert rows == [(email, share.contains(email)) for email in emails]


def test_sql_selects_nothing_without_an_address(database: duckdb.DuckDBPyConnection) -> None:
    found = database.execute(f"SELECT {AddressShare(SALT, 99).sql('NULL::VARCHAR')}").fetchone()
    assert found == (False,)


@pytest.mark.parametrize("percentage", [1, 10, 33, 50])
def test_a_share_has_its_percentage_of_many_addresses(percentage: int) -> None:
    found = sum(map(AddressShare(SALT, percentage).contains, MANY))
    assert found / len(MANY) * 100 == pytest.approx(percentage, abs=1)


@settings(deadline=None)
@given(salts, st.integers(0, 99), st.integers(0, 99), st.text())
def test_a_larger_percentage_keeps_the_addresses_of_a_smaller_one(
    salt: str, one: int, other: int, email: str
) -> None:
    small, large = AddressShare(salt, min(one, other)), AddressShare(salt, max(one, other))
    assert large.contains(email) or not small.contains(email)


def test_nothing_is_in_a_share_of_no_percent() -> None:
    assert not any(map(AddressShare(SALT, 0).contains, MANY))


def test_shares_with_other_salts_are_independent() -> None:
    one, other = AddressShare(new_salt(), 50), AddressShare(new_salt(), 50)
    both = sum(one.contains(email) and other.contains(email) for email in MANY)
    assert both / len(MANY) == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize(("salt", "percentage"), [(SALT, 100), (SALT, -1), ("it's", 10), ("C0FFEE", 10)])
def test_other_salts_and_percentages_are_refused(salt: str, percentage: int) -> None:
    with pytest.raises(ValueError, match=r"percentage|salt"):
        AddressShare(salt, percentage)
