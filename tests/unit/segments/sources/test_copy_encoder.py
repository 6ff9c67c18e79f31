"""Conversion of texts to typed values, and inference of column types."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segments.models import AttributeType
from segments.sources.copy_encoder import MISFIT, Guess, Memo, shape, to_boolean, to_date, to_number, to_text


def guessed(*values: str) -> AttributeType | None:
    guess = Guess()
    guess.look(values)
    return guess.data_type


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        (" -3.50 ", -3.5),
        ("007", 7),
        ("+1", 1),
        ("", None),
        ("  ", None),
        ("999999999999999", 999999999999999),
    ],
)
def test_it_reads_a_number(text: str, value: object) -> None:
    assert to_number(text) == value


@pytest.mark.parametrize("text", ["1,5", "1e5", "abc", "1.", ".5", "--1", "NaN", "1 000", "1234567890123456", "٣"])
def test_it_refuses_what_is_no_number(text: str) -> None:
    assert to_number(text) is MISFIT


@pytest.mark.parametrize(
    ("text", "value"),
    [("2024-02-29", "2024-02-29"), ("2024/01/05", "2024-01-05"), ("5.1.2024", "2024-01-05"), (" ", None)],
)
def test_it_reads_a_date(text: str, value: object) -> None:
    assert to_date(text) == value


@pytest.mark.parametrize("text", ["2023-02-29", "2024-13-01", "01/02/2024", "2024-1-5", "20240105", "today"])
def test_it_refuses_what_is_no_day(text: str) -> None:
    assert to_date(text) is MISFIT


@given(st.dates())
def test_it_keeps_every_day_there_is(day: date) -> None:
    assert to_date(day.isoformat()) == day.isoformat()


@pytest.mark.parametrize(
    ("text", "value"), [("yes", True), ("FALSE", False), ("1", True), ("n", False), ("", None)]
)
def test_it_reads_a_yes_or_no(text: str, value: object) -> None:
    assert to_boolean(text) is value


def test_it_keeps_text_as_it_is() -> None:
    assert to_text(" Łódź ") == " Łódź "
    assert to_text(" \t") is None


@pytest.mark.parametrize(
    ("values", "data_type"),
    [
        (("1", "2.5", ""), AttributeType.NUMBER),
        (("1", "02"), AttributeType.TEXT),
        (("yes", "No", ""), AttributeType.BOOLEAN),
        (("1", "0"), AttributeType.NUMBER),
        (("2024-01-01", "1.2.2024"), AttributeType.DATE),
        (("2024-01-01", "soon"), AttributeType.TEXT),
        (("1", "yes"), AttributeType.TEXT),
        (("", " "), None),
    ],
)
def test_it_infers_the_narrowest_type_that_fits_all(
    values: tuple[str, ...], data_type: AttributeType | None
) -> None:
    assert guessed(*values) == data_type


def test_it_takes_later_values_into_account() -> None:
    guess = Guess()
    guess.look(("1", "2"))
    guess.look(("3", "four"))
    assert guess.data_type == AttributeType.TEXT


def test_a_memo_stays_within_bounds() -> None:
    memo = Memo(to_number, most=10)
    assert [memo[str(n)] for n in range(100)] == list(range(100))
    assert len(memo) <= 10


def test_a_shape_holds_no_personal_data() -> None:
    assert shape("Ann Ó, 27\n") == "Aaa A, 99?"
    assert shape("x" * 50) == "a" * 30 + "…"
