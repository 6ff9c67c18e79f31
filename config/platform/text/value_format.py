"""Name the formats of values that are sent to a list: two attributes joined, dates as a country writes them,
capital letters, and a default where there is no value."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self


class LetterCase(StrEnum):
    """Whether a text is written in capitals."""

    AS_IS = ""
    UPPER = "upper"
    LOWER = "lower"
    TITLE = "title"  # each word begins with a capital


class DateFormat(StrEnum):
    """How a date is written, as files of settings say it. A time is left out."""

    AS_IS = ""
    ISO = "YYYY-MM-DD"
    DOTS = "DD.MM.YYYY"
    SLASHES = "DD/MM/YYYY"
    AMERICAN = "MM/DD/YYYY"
    YEAR = "YYYY"
    MONTH_AND_DAY = "MM-DD"

    @property
    def pattern(self) -> str:
        """The pattern of DuckDB's strftime."""
        return self.replace("YYYY", "%Y").replace("MM", "%m").replace("DD", "%d")


@dataclass(frozen=True)
class ValueFormat:
    """How the value of an attribute is written. ``join`` is a second attribute, which follows after ``separator``;
    ``default`` is written where there is no value, also for a constant, which has no attribute."""

    join: str = ""
    separator: str = " "
    letter_case: LetterCase = LetterCase.AS_IS
    date_format: DateFormat = DateFormat.AS_IS
    default: str = ""

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """Read a format from the JSON of a mapped field. Raises ValueError for an unknown case or date format."""
        return cls(
            join=kept.get("join", ""),
            separator=kept.get("separator", " "),
            letter_case=LetterCase(kept.get("case", "")),
            date_format=DateFormat(kept.get("date_format", "")),
            default=kept.get("default", ""),
        )

    def to_json(self) -> dict[str, str]:
        """Return what differs from a value as it is."""
        found = {
            "join": self.join,
            "case": self.letter_case.value,
            "date_format": self.date_format.value,
            "default": self.default,
        }
        separator = {"separator": self.separator} if self.join and self.separator != " " else {}
        return {name: text for name, text in found.items() if text} | separator


AS_IS: Final = ValueFormat()


@dataclass(frozen=True)
class MappedValue:
    """A profile attribute, and how its value is written. Without an attribute, the default of the format is a
    constant."""

    attribute: str
    format: ValueFormat = AS_IS

    @property
    def attributes(self) -> list[str]:
        """The names of the attributes that the value is made of."""
        return [name for name in (self.attribute, self.format.join) if name]
