"""Say how the columns of a data source become attributes: type, format, values that do not fit."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from functools import cache
from typing import Any, Final
from zoneinfo import available_timezones

_DATE_PATTERN: Final = re.compile(r"(?:%-?[dHIjmMSy]|%[aAbBfpYzZ%]|[^%\0])*")
_MOST_DECIMALS: Final = 15


class ColumnType(StrEnum):
    """The types that a column can be converted to."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    LIST = "list"


class MisfitPolicy(StrEnum):
    """What happens to a value that does not fit the type: it is empty and counted, or its row is rejected."""

    EMPTY = "empty"
    REJECT = "reject"


@dataclass(frozen=True)
class ColumnFormat:
    """How the values of a column are written.

    ``date_format`` is a pattern of strftime for dates, and dates with times; empty for ISO 8601 in its spellings.
    ``time_zone`` is the zone of times that name none, empty for that of the environment. ``decimal`` is the
    decimal sign, ``thousands`` the sign between groups of digits, and ``decimals`` the number of digits after the
    decimal sign if it is always the same. ``true_word`` and ``false_word`` are those of a yes/no column, in any
    case. ``separator`` stands between the items of a list; empty for JSON.
    """

    date_format: str = ""
    time_zone: str = ""
    decimal: str = "."
    thousands: str = ""
    decimals: int | None = None
    true_word: str = "true"
    false_word: str = "false"
    separator: str = ""

    def __post_init__(self) -> None:
        if not is_date_pattern(self.date_format):
            raise ValueError(f"“{self.date_format}” is not a pattern of dates")
        if self.time_zone and not is_time_zone(self.time_zone):
            raise ValueError(f"there is no time zone “{self.time_zone}”")
        if len(self.decimal) != 1 or len(self.thousands) > 1 or self.decimal == self.thousands:
            raise ValueError("decimal and thousands are different single signs")
        if self.decimals is not None and not 0 <= self.decimals <= _MOST_DECIMALS:
            raise ValueError(f"decimals is a number up to {_MOST_DECIMALS}")


def is_time_zone(name: str) -> bool:
    """Say whether there is a time zone with a name."""
    return name in _time_zones()


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())  # reads many files


def is_date_pattern(text: str) -> bool:
    """Say whether a text is a pattern of strftime that DuckDB reads dates by."""
    return bool(_DATE_PATTERN.fullmatch(text))


@dataclass(frozen=True)
class ColumnPlan:
    """How a column of a data source becomes an attribute of the profiles.

    ``null_words`` are texts that mean that a value is missing. ``is_email`` columns are compared as addresses;
    ``is_consent`` ones say who may be written to; ``is_searchable`` ones are found by the search for customers, if
    the attribute is new. An
    ``is_ignored`` column is not imported.
    """

    column: str
    attribute: str = ""
    type: ColumnType = ColumnType.TEXT
    format: ColumnFormat = field(default_factory=ColumnFormat)
    null_words: tuple[str, ...] = ()
    misfit: MisfitPolicy = MisfitPolicy.EMPTY
    is_email: bool = False
    is_consent: bool = False
    is_searchable: bool = True
    is_ignored: bool = False

    def __post_init__(self) -> None:
        if not self.attribute:
            object.__setattr__(self, "attribute", self.column)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON and YAML: what differs from the default, and the column."""
        values: dict[str, Any] = {"column": self.column}
        default = ColumnPlan(self.column)
        for each in fields(self):
            value = getattr(self, each.name)
            if value != getattr(default, each.name):
                values[each.name] = _plain(value)
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ColumnPlan":
        """Read what ``to_dict`` wrote. Raises ValueError."""
        _check_keys(cls, values)
        if not isinstance(values.get("column"), str) or not values["column"]:
            raise ValueError("a column plan names its column")
        given = dict(values)
        _check_types(ColumnPlan(values["column"]), given)
        if "type" in given:
            given["type"] = ColumnType(given["type"])
        if "misfit" in given:
            given["misfit"] = MisfitPolicy(given["misfit"])
        if "null_words" in given:
            given["null_words"] = tuple(map(str, given["null_words"]))
        if "format" in given:
            _check_keys(ColumnFormat, given["format"])
            _check_types(ColumnFormat(decimals=0), given["format"])
            given["format"] = ColumnFormat(**given["format"])
        return cls(**given)


def plans_to_list(plans: Sequence[ColumnPlan]) -> list[dict[str, Any]]:
    """Return the plans of a file as plain values."""
    return [plan.to_dict() for plan in plans]


def plans_from_list(values: Sequence[Mapping[str, Any]]) -> tuple[ColumnPlan, ...]:
    """Read the plans of a file. Raises ValueError, also when a column or an attribute is named twice."""
    plans = tuple(map(ColumnPlan.from_dict, values))
    columns = [plan.column for plan in plans]
    attributes = [plan.attribute.casefold() for plan in plans if not plan.is_ignored]
    if len(set(columns)) < len(columns) or len(set(attributes)) < len(attributes):
        raise ValueError("a column or an attribute is named twice")
    return plans


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, ColumnFormat):
        default = asdict(ColumnFormat())
        return {key: given for key, given in asdict(value).items() if given != default[key]}
    return value


def _check_types(example: ColumnPlan | ColumnFormat, values: Mapping[str, Any]) -> None:
    """Raise ValueError when a value is not of the type that the example has."""
    for each in fields(example):
        if each.name not in values or (each.name == "decimals" and values[each.name] is None):
            continue
        given = getattr(example, each.name)
        kind = str if isinstance(given, str) else {tuple: list, ColumnFormat: dict}.get(type(given), type(given))
        if type(values[each.name]) is not kind:
            raise ValueError(f"“{each.name}” is not a {kind.__name__}")


def _check_keys(kind: type[ColumnPlan] | type[ColumnFormat], values: Mapping[str, Any]) -> None:
    unknown = set(values) - {each.name for each in fields(kind)}
    if unknown:
        raise ValueError(f"unknown keys: {', '.join(sorted(unknown))}")
