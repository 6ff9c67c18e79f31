"""The form in which comparisons ignore case."""

import unicodedata

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.platform.text.letter_case import comparable_text

# Beyond them are private use and what Unicode has not assigned.
CODE_POINTS = [chr(point) for point in range(1, 0x33480) if not 0xD800 <= point <= 0xF8FF]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Turku", "turku"),
        ("ÄITI", "äiti"),
        ("A\u0308ITI", "äiti"),
        ("ΣΑΣ", "σασ"),
        ("İstanbul", "istanbul"),
        ("ISPARTA", "isparta"),
        ("STRAẞE", "straße"),
        ("\u212aelvin", "kelvin"),
        ("ǅ", "ǆ"),
    ],
)
def test_it_lowers_one_letter_at_a_time(text: str, expected: str) -> None:
    assert comparable_text(text) == expected


def in_duckdb(texts: list[str]) -> list[str]:
    with duckdb.connect() as connection:
        sql = "SELECT list_transform(?::VARCHAR[], lambda text: lower(nfc_normalize(text)))"
        found = connection.execute(sql, [texts]).fetchone()
    assert found is not None
    return list(found[0])


def test_every_code_point_is_lowered_alone_in_python_and_in_duckdb() -> None:
    text = "\n".join(CODE_POINTS)  # line breaks keep neighbors from composing
    expected = "".join(letter.lower()[0] for letter in unicodedata.normalize("NFC", text))
    assert comparable_text(text) == expected
    assert in_duckdb([text]) == [expected]


LETTERS = st.sampled_from("ABCΣΑσİIiıK\u212aßẞéÉ\u0301\u0307\u0327\u0345\u1100\u1161\u11a8ｱﾞǅ")


@settings(deadline=None, max_examples=40)
@given(st.lists(st.text(LETTERS | st.characters(exclude_categories=["Cs"], exclude_characters="\0")), max_size=30))
def test_duckdb_agrees_on_sequences(texts: list[str]) -> None:
    assert in_duckdb(texts) == [comparable_text(text) for text in texts]
