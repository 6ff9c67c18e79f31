"""Unified profiles are those that an evaluation in Python finds: connected components by the values of identifying
attributes, and for each attribute the value of the profile that the rules prefer."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segments.catalog import Attribute
from segments.models import AttributeType, NormalForm, ValuePreference
from segments.store.lake import Reader, as_list, rows_of
from segments.store.unified import groups
from segments.store.unified.groups import GROUPS, GroupCounts, count_groups, find_groups
from segments.store.unified.rows import unified_rows, value_origins
from segments.store.unified.rules import Identifier, UnifyRules

EMAIL = Attribute("email", AttributeType.TEXT, 1, has_emails=True)
NUMBER = Attribute("number", AttributeType.TEXT, 2)
PHONE = Attribute("phone", AttributeType.TEXT, 3)
POINTS = Attribute("points", AttributeType.INTEGER, 4, has_originals=True)
ATTRIBUTES = (EMAIL, NUMBER, PHONE, POINTS)
COLUMNS = {
    "id": "BIGINT",
    "source_id": "BIGINT",
    "key": "VARCHAR",
    "created_at": "TIMESTAMPTZ",
    "updated_at": "TIMESTAMPTZ",
    "a1": "VARCHAR",
    "a1_email": "VARCHAR",
    "a2": "VARCHAR",
    "a3": "VARCHAR",
    "a4": "BIGINT",
    "a4_text": "VARCHAR",
}
SOURCES = (5, 6, 7)
START = datetime(2026, 3, 1, tzinfo=UTC)

Row = Mapping[str, Any]

numbers = st.sampled_from([None, "", " 7", "7 ", "8", "é1", "É1", "e\u03011", "9", "10"])
phones = st.sampled_from([None, "+49 (0) 30 123456", "004930123456", "030 123456", "030/12-34-56", "12345", "-"])
emails = st.sampled_from([None, "a@example.com", "b@example.com", "c@example.com"])


@dataclass(frozen=True)
class _Points:
    value: int | None
    text: str | None


points = st.sampled_from([_Points(None, None), _Points(1, None), _Points(2, "2.0"), _Points(None, "many")])


@st.composite
def profiles(draw: st.DrawFn) -> list[Row]:
    """Draw profiles of three data sources, in any order of time."""
    count = draw(st.integers(0, 12))
    found: list[Row] = []
    for place in range(count):
        email, given_points = draw(emails), draw(points)
        found.append(
            {
                "id": place + 1,
                "source_id": draw(st.sampled_from(SOURCES)),
                "key": f"k{place}",
                "created_at": START + timedelta(hours=draw(st.integers(0, 5))),
                "updated_at": START + timedelta(days=1, hours=draw(st.integers(0, 5))),
                "a1": email and email.upper(),
                "a1_email": email,
                "a2": draw(numbers),
                "a3": draw(phones),
                "a4": given_points.value,
                "a4_text": given_points.text,
            }
        )
    return found


rules = st.builds(
    UnifyRules,
    identifiers=st.lists(
        st.sampled_from(
            [
                Identifier(EMAIL, NormalForm.EMAIL),
                Identifier(NUMBER, NormalForm.TEXT),
                Identifier(PHONE, NormalForm.PHONE),
            ]
        ),
        unique=True,
    ).map(tuple),
    source_order=st.lists(st.sampled_from(SOURCES), unique=True).map(tuple),
    preference=st.sampled_from(ValuePreference),
    exceptions=st.frozensets(st.sampled_from([each.id for each in ATTRIBUTES])),
)


@given(profiles(), rules)
@settings(max_examples=100, deadline=None)
def test_groups_and_values_are_those_of_python(rows: list[Row], chosen: UnifyRules) -> None:
    reader = reader_of(rows)
    counts = count_groups(reader, chosen, "(FROM profile)")
    expected = components(rows, chosen)
    assert dict(reader.rows(f"FROM {GROUPS}")) == {
        row["id"]: min(each["id"] for each in group) for group in expected for row in group
    }
    assert counts == GroupCounts(
        profiles=len(rows),
        customers=len(rows) - sum(len(group) - 1 for group in expected),
        largest=max(map(len, expected), default=min(len(rows), 1)),
        ignored=0,
    )
    grouped = f"(SELECT profile.*, unified_id FROM profile JOIN {GROUPS} ON profile_id = id)"
    assert named(reader, unified_rows(chosen, ATTRIBUTES, grouped)) == [unified(each, chosen) for each in expected]
    assert named(reader, value_origins(chosen, ATTRIBUTES, grouped)) == [
        origins(each, chosen) for each in expected
    ]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=80))
@settings(max_examples=40, deadline=None)
def test_long_chains_are_one_customer(pairs: list[tuple[int, int]]) -> None:
    """Each profile has two numbers, so that any graph can come about."""
    rows = [
        {**dict.fromkeys(COLUMNS), "id": place, "a2": f"n{one}", "a3": f"n{other}"}
        for place, (one, other) in enumerate(pairs)
    ]
    # The same number in either attribute does not link: only equal values of one attribute do.
    chosen = UnifyRules((Identifier(NUMBER, NormalForm.TEXT), Identifier(PHONE, NormalForm.TEXT)))
    reader = reader_of(rows)
    find_groups(reader, chosen, "(FROM profile)")
    assert dict(reader.rows(f"FROM {GROUPS}")) == {
        row["id"]: min(each["id"] for each in group) for group in components(rows, chosen) for row in group
    }


def test_a_value_that_too_many_profiles_share_is_ignored_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "MOST_SHARED", 3)
    rows = [
        {**dict.fromkeys(COLUMNS), "id": place, "a2": "unknown" if place < 4 else "known"} for place in range(7)
    ]
    reader = reader_of(rows)
    counts = count_groups(reader, UnifyRules((Identifier(NUMBER, NormalForm.TEXT),)), "(FROM profile)")
    assert counts == GroupCounts(profiles=7, customers=5, largest=3, ignored=1)
    assert dict(reader.rows(f"FROM {GROUPS}")) == {4: 4, 5: 4, 6: 4}


# -- the same in Python ------------------------------------------------------------------------------------------


def components(rows: Sequence[Row], chosen: UnifyRules) -> list[list[Row]]:
    """Return the groups of two or more, by union-find, in the order of their lowest IDs."""
    parents = {row["id"]: row["id"] for row in rows}

    def root(pk: int) -> int:
        while parents[pk] != pk:
            pk = parents[pk]
        return pk

    for identifier in chosen.identifiers:
        sharing: defaultdict[str, list[int]] = defaultdict(list)
        for row in rows:
            if (value := normal_form(row, identifier)) is not None:
                sharing[value].append(row["id"])
        for first, *others in sharing.values():
            for other in others:
                parents[root(other)] = root(first)
    sizes = Counter(root(row["id"]) for row in rows)
    found: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        if sizes[root(row["id"])] > 1:
            found[root(row["id"])].append(row)
    return sorted(found.values(), key=lambda group: min(row["id"] for row in group))


def normal_form(row: Row, identifier: Identifier) -> str | None:
    value = row[identifier.attribute.column]
    if identifier.form == NormalForm.EMAIL:
        email: str | None = row["a1_email"]
        return email
    if value is None:
        return None
    if identifier.form == NormalForm.TEXT:
        return unicodedata.normalize("NFC", value.strip(" \t\n\r\xa0")).lower() or None
    plain = value.replace("(0)", "")
    digits = "".join(letter for letter in plain if letter in "0123456789")
    if len(digits) < 6:
        return None
    if plain.lstrip(" (").startswith("+"):
        return f"+{digits}"
    return f"+{digits[2:]}" if digits.startswith("00") else digits


def unified(group: Iterable[Row], chosen: UnifyRules) -> dict[str, Any]:
    rows = list(group)
    first = by_order(rows, chosen)[0]
    result = {
        "id": min(row["id"] for row in rows),
        "source_id": first["source_id"],
        "key": first["key"],
        "created_at": min(row["created_at"] for row in rows),
        "updated_at": max(row["updated_at"] for row in rows),
    }
    for attribute in ATTRIBUTES:
        source = preferred(rows, attribute, chosen)
        for column in COLUMNS:
            if column.partition("_")[0] == attribute.column:
                result[column] = source and source[column]
    return result


def origins(group: Iterable[Row], chosen: UnifyRules) -> dict[str, Any]:
    rows = list(group)
    found = {each.column: preferred(rows, each, chosen) for each in ATTRIBUTES}
    return {
        "id": min(row["id"] for row in rows),
        **{column: row and row["id"] for column, row in found.items()},
    }


def preferred(rows: Sequence[Row], attribute: Attribute, chosen: UnifyRules) -> Row | None:
    """Return the profile whose value counts: the first with a value, else the first with an original text."""
    recent = chosen.preference == ValuePreference.MOST_RECENT
    if attribute.id in chosen.exceptions:
        recent = not recent
    ordered = by_time(rows, chosen) if recent else by_order(rows, chosen)
    for column in (attribute.column, *([attribute.text_column] if attribute.has_originals else [])):
        for row in ordered:
            if row[column] is not None:
                return row
    return None


def by_order(rows: Sequence[Row], chosen: UnifyRules) -> list[Row]:
    return sorted(rows, key=lambda row: (_rank(row, chosen), START - row["updated_at"], row["id"]))


def by_time(rows: Sequence[Row], chosen: UnifyRules) -> list[Row]:
    return sorted(rows, key=lambda row: (START - row["updated_at"], _rank(row, chosen), row["id"]))


def _rank(row: Row, chosen: UnifyRules) -> int:
    order = chosen.source_order
    return order.index(row["source_id"]) if row["source_id"] in order else len(order)


def reader_of(rows: Sequence[Row]) -> Reader:
    """Fill a DuckDB in memory with a table of these profiles."""
    connection = _duckdb()
    connection.execute(f"CREATE OR REPLACE TABLE profile AS {rows_of(COLUMNS)}", [as_list(rows)])
    return Reader(connection)


@cache
def _duckdb() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def named(reader: Reader, query: str) -> list[dict[str, Any]]:
    found = reader.rows(f"{query} ORDER BY id")
    names = [each[0] for each in reader.connection.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found]
