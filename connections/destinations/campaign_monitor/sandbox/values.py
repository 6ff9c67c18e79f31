"""What a custom field takes, and how it keeps it. Where the vendor is silent, what does not fit is ignored."""

import re
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from typing import Any

from connections.destinations.campaign_monitor.sandbox.model import CustomField
from connections.destinations.campaign_monitor.sandbox.vocabulary import COUNTRIES, US_STATES

LONGEST_VALUE = 250
LONGEST_NAME = 100
DATA_TYPES = ("Text", "Number", "MultiSelectOne", "MultiSelectMany", "Date", "Country", "USState")
WITH_OPTIONS = ("MultiSelectOne", "MultiSelectMany")

_DATE = re.compile(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})(?:[ T].*)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_CLEARED_DATE = "0000-00-00"
_FIRST_DATE, _LAST_DATE = "1900-01-01", "2076-06-06"


def options_of(field: CustomField) -> list[str]:
    """The options to choose from; the vendor's own for countries and states."""
    if field.data_type == "Country":
        return list(COUNTRIES)
    if field.data_type == "USState":
        return list(US_STATES)
    return field.options


def converter(field: CustomField) -> Callable[[str], str | None]:
    """What turns a value into the one that is kept: "" where it clears the field, None where it does not fit and
    is ignored."""
    match field.data_type:
        case "Text":
            return _kept_text
        case "Date":
            return _kept_date
        case "Number":
            return _kept_number
        case _:
            options = {option.lower(): option for option in options_of(field)}
            return lambda value: options.get(value.strip().lower())


def shown_values(value: Any) -> list[str]:
    """The value as entries of a record: one for each option chosen."""
    return value if isinstance(value, list) else [value]


# Remembered, so that those who live in one city share one string.
@lru_cache(maxsize=50_000)
def _kept_text(value: str) -> str:
    return value if len(value) <= LONGEST_VALUE else value[:LONGEST_VALUE]


def _kept_number(value: str) -> str | None:
    return value.strip() if _NUMBER.fullmatch(value.strip()) else None


@lru_cache(maxsize=50_000)
def _kept_date(value: str) -> str | None:
    if value == _CLEARED_DATE:
        return ""
    found = _DATE.fullmatch(value)
    if found is None:
        return None
    try:
        text = date(int(found[1]), int(found[2]), int(found[3])).isoformat()
    except ValueError:
        return None
    return text if _FIRST_DATE <= text <= _LAST_DATE else None
