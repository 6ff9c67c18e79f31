"""Mask addresses in texts."""

from segments.privacy.subjects import without_addresses


def test_addresses_are_left_out_of_a_text() -> None:
    assert without_addresses("email is a.b@example.com or x@y, city is Oslo") == "email is ••• or ••• city is Oslo"


def test_a_long_word_costs_linear_time() -> None:
    """Quadratic time would take minutes for this length."""
    word = "x" * 1_000_000
    assert without_addresses(word) == word
