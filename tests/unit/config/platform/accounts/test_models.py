"""One normal form of user names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.platform.accounts.models import normalize_username
from config.platform.text.addresses import INVISIBLE


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("Admin", "admin"),
        ("\u00a0admin\u200b", "admin"),
        ("ａｄｍｉｎ", "admin"),
        ("\u212aim", "kim"),  # the Kelvin sign
        ("STRASSE", "strasse"),
        ("straße", "strasse"),
        ("adm\u0131n", "adm\u0131n"),  # dotless: another letter, so another name
        ("\ufeff \u3164", ""),
    ],
)
def test_a_name_has_one_normal_form(typed: str, expected: str) -> None:
    assert normalize_username(typed) == expected


def test_a_dotless_i_makes_another_name() -> None:
    assert normalize_username("adm\u0131n") != normalize_username("admin")


@given(st.text())
def test_a_normal_form_is_its_own_normal_form(text: str) -> None:
    normal = normalize_username(text)
    assert normalize_username(normal) == normal


@given(st.text(), st.text(alphabet=INVISIBLE, max_size=3), st.text(alphabet=INVISIBLE, max_size=3))
def test_what_stands_around_a_name_makes_no_difference(text: str, before: str, after: str) -> None:
    assert normalize_username(before + text + after) == normalize_username(text)
