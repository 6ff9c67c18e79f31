"""Cases 6 and 9: lists of options in every common form, and mobile numbers as people write them."""

import pytest

from connections.destinations.campaign_monitor.field_options import split_options
from connections.destinations.campaign_monitor.field_values import converter, mobile_number
from connections.destinations.values import TargetField, Violation

OPTIONS = ("Tea", "Milk", "Salt; pepper", "Bread, white", "A|B")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('["Tea", "Salt; pepper"]', ["Tea", "Salt; pepper"]),
        ("Tea;Milk", ["Tea", "Milk"]),
        ("Tea, milk", ["Tea", "milk"]),
        ("Tea | Milk", ["Tea", "Milk"]),
        ("Tea\r\nMilk\n", ["Tea", "Milk"]),
        ("Salt; pepper", ["Salt; pepper"]),
        ("Tea; Salt; pepper; Milk", ["Tea", "Salt; pepper", "Milk"]),
        ("Tea;Bread, white", ["Tea", "Bread, white"]),
        ("Milk,Bread, white", ["Milk", "Bread, white"]),
        ("A|B", ["A|B"]),
        (["Tea", " Milk ", ""], ["Tea", "Milk"]),
        (" ; ", []),
        ("Tea;Beer", ["Tea;Beer"]),
    ],
)
def test_the_separator_is_detected_against_the_options(text: object, expected: list[str]) -> None:
    names = {option.casefold() for option in OPTIONS}
    assert split_options(text, lambda part: part.casefold() in names) == expected


def test_case_decides_between_options_that_differ_in_nothing_else() -> None:
    convert = converter(TargetField("[X]", "X", "choices", ("Tea", "TEA", " Milk")))
    assert convert("TEA, milk") == '{"Key":"[X]","Value":"TEA"},{"Key":"[X]","Value":" Milk"}'
    assert isinstance(convert("tea"), Violation)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("+44 (0)20 7946 0958", "+442079460958"),
        ("+358 40-123 4567", "+358401234567"),
        ("", ""),
    ],
)
def test_a_mobile_number_is_written_in_e164(written: str, expected: str) -> None:
    assert mobile_number(written) == expected


@pytest.mark.parametrize("written", ["020 7946 0958", "+4420", "+442079460958 ext. 5", "none"])
def test_a_number_without_a_country_or_of_the_wrong_length_is_refused(written: str) -> None:
    assert isinstance(mobile_number(written), Violation)
