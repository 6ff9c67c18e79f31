"""One normal form of an email address."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.platform.text.addresses import INVISIBLE, LONGEST_EMAIL, VALID_EMAIL, comparable_email, normalize_email

AROUND = [
    "\u00a0",
    "\u200b",
    "\u200c",
    "\u200d",
    "\u2060",
    "\ufeff",
    "\u00ad",
    "\u200e",
    "\u202e",
    "\u3000",
    " \t\r\n",
]
# Random Unicode seldom looks like an address: these do.
LETTERS = st.one_of(st.characters(), st.sampled_from("aAiİıKkßſéÉ@@..-xn--ümöΣς。"))
TEXTS = st.one_of(
    st.text(),
    st.builds(
        "{}@{}.{}".format, st.text(LETTERS, max_size=6), st.text(LETTERS, max_size=6), st.text(LETTERS, max_size=4)
    ),
    st.builds("{}@{}.com".format, st.text("aB1.+_", min_size=1, max_size=6), st.text(LETTERS, max_size=8)),
)


@pytest.mark.parametrize("around", AROUND)
def test_spaces_and_zero_width_characters_around_an_address_are_trimmed(around: str) -> None:
    assert normalize_email(f"{around}Ann@Example.com{around}") == "ann@example.com"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ann.O'Neil+x@Example.COM", "ann.o'neil+x@example.com"),
        ("info@münchen.de", "info@xn--mnchen-3ya.de"),
        ("info@MÜNCHEN.DE", "info@xn--mnchen-3ya.de"),
        ("info@mu\u0308nchen.de", "info@xn--mnchen-3ya.de"),
        ("info@XN--MNCHEN-3YA.de", "info@xn--mnchen-3ya.de"),
        ("info@例え。テスト", "info@xn--r8jz45g.xn--zckzah"),
        ("info@\u212aiel.de", "info@kiel.de"),
    ],
)
def test_a_domain_becomes_punycode_and_letters_lower_case(text: str, expected: str) -> None:
    assert normalize_email(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "@", "ann", "ann@", "@example.com", "ann@example", "ann@@example.com", "an n@example.com"),
        *("josé@example.com", "\u212aim@example.com", "\u0130pek@example.com", "ann@-.com", "ann@exa_mple.com"),
        *(
            "an\u200bn@example.com",
            "ann@example.com.",
            f"{'a' * 250}@example.com",
            "ann@\ud800.com",
            "ann@例..com",
        ),
    ],
)
def test_what_cannot_be_delivered_has_no_normal_form(text: str) -> None:
    assert normalize_email(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\u00a0JOSÉ@example.com", "josé@example.com"),
        ("jose\u0301@example.com", "josé@example.com"),
        ("\u212aim@Example.com", "\u212aim@example.com"),
        ("\u0130pek@Example.com", "i\u0307pek@example.com"),
        ("ask @home", None),
        ("Ann", None),
    ],
)
def test_an_address_that_cannot_be_delivered_is_still_comparable(text: str, expected: str | None) -> None:
    assert comparable_email(text) == expected


@given(TEXTS)
def test_a_normal_form_is_its_own_normal_form(text: str) -> None:
    if (normal := normalize_email(text)) is not None:
        assert normalize_email(normal) == comparable_email(text) == normal
    if (comparable := comparable_email(text)) is not None:
        assert comparable_email(comparable) == comparable


@given(TEXTS, st.text(INVISIBLE, max_size=3), st.text(INVISIBLE, max_size=3))
def test_what_stands_around_an_address_makes_no_difference(text: str, before: str, after: str) -> None:
    assert normalize_email(before + text + after) == normalize_email(text)
    assert comparable_email(before + text + after) == comparable_email(text)


@given(TEXTS)
def test_the_pattern_that_sql_uses_judges_stored_forms_alike(text: str) -> None:
    comparable = comparable_email(text)
    by_pattern = comparable is not None and len(comparable) <= LONGEST_EMAIL and re.match(VALID_EMAIL, comparable)
    assert bool(by_pattern) == (normalize_email(text) is not None)
