"""Texts that workers have stored are read in the language of their reader, where they hold no values."""

from django.utils.translation import override

from config.platform.text.stored_texts import translate_filled, translate_stored
from config.platform.web.formats import number
from connections.destinations.campaign_monitor import error_codes
from segments.sources.misfits import translate_row_reason


def test_a_stored_sentence_is_translated() -> None:
    for sentence in error_codes.SUPPRESSED.values():
        with override("en"):
            stored = str(sentence)
        with override("zh-hans"):
            assert translate_stored(stored) == str(sentence) != stored


def test_a_sentence_with_values_is_translated() -> None:
    with override("fi"):
        line = translate_row_reason("Duplicate key. Line 22 was used.")
        misfit = translate_row_reason("A value of the form “Aaa 9” is not a date.")
    assert "22" in line
    assert "Duplicate" not in line
    assert "Aaa 9" in misfit
    assert "date" not in misfit
    with override("en"):
        assert translate_row_reason("Duplicate key. Line 22 was used.") == "Duplicate key. Line 22 was used."
        assert translate_filled("100 % of x", ["%(n)s rows"]) == "100 % of x"


def test_other_texts_stay_as_they_are() -> None:
    with override("fi"):
        assert translate_stored("") == ""
        assert translate_stored("Invalid Email Address: x") == "Invalid Email Address: x"
        assert translate_stored("42 of 50 % rows") == "42 of 50 % rows"


def test_numbers_have_separators_of_thousands_in_chinese() -> None:
    with override("zh-hans"):
        assert number(1234567) == "1,234,567"
        assert number(1234.5, 1) == "1,234.5"
