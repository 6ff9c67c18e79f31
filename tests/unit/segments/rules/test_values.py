"""Values of conditions."""

from datetime import date
from decimal import Decimal

import pytest

from segments.models import AttributeType
from segments.rules.values import DayOfYear, MonthOfYear, Operand, Period, Takes, Unit, operand

NUMBER, INTEGER, DATE = AttributeType.NUMBER, AttributeType.INTEGER, AttributeType.DATE
DATETIME, TEXT = AttributeType.DATETIME, AttributeType.TEXT


@pytest.mark.parametrize(
    ("data_type", "takes", "value", "expected"),
    [
        (TEXT, Takes.MANY, ["a", "b"], ("a", "b")),
        (NUMBER, Takes.MANY, ["1.5", 2], (Decimal("1.5"), Decimal(2))),
        (INTEGER, Takes.ONE, "10.0", 10),
        (INTEGER, Takes.TWO, ["-9223372036854775808", 9223372036854775807], (-(2**63), 2**63 - 1)),
        (DATETIME, Takes.ONE, "2024-02-29", date(2024, 2, 29)),
        (DATE, Takes.PERIOD, ["3", "weeks"], Period(3, Unit.WEEKS)),
        (DATETIME, Takes.PERIOD, (12, "hours"), Period(12, Unit.HOURS)),
        (DATE, Takes.MONTH, "12", MonthOfYear(12)),
        (DATE, Takes.MONTH, "current", MonthOfYear(None)),
        (DATE, Takes.DAY, "02-29", DayOfYear((2, 29))),
        (DATE, Takes.DAY, "today", DayOfYear(None)),
    ],
)
def test_a_value_becomes_an_operand(
    data_type: AttributeType, takes: Takes, value: object, expected: Operand
) -> None:
    assert operand({"value": value}, data_type, takes) == expected


@pytest.mark.parametrize(
    ("data_type", "takes", "value", "words"),
    [
        (INTEGER, Takes.ONE, "1.5", "“1.5” is not a whole number"),
        (INTEGER, Takes.ONE, "9223372036854775808", "not a whole number"),
        (NUMBER, Takes.MANY, ["one"], "“one” is not a number"),
        (DATE, Takes.PERIOD, [3, "hours"], "cannot be compared by hours"),
        (DATETIME, Takes.PERIOD, [3, "years"], "hours, days, weeks or months"),
        (DATETIME, Takes.PERIOD, 3, "hours, days, weeks or months"),
        (DATE, Takes.PERIOD, [0, "days"], "from 1 to 36525"),
        (DATE, Takes.PERIOD, ["-1", "months"], "from 1 to 1200"),
        (DATE, Takes.MONTH, 13, "from 1 to 12"),
        (DATE, Takes.MONTH, None, "from 1 to 12"),
        (DATE, Takes.DAY, "02-30", "MM-DD"),
        (DATE, Takes.DAY, 229, "MM-DD"),
    ],
)
def test_it_says_what_is_wrong_with_a_value(
    data_type: AttributeType, takes: Takes, value: object, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        operand({"value": value}, data_type, takes)
