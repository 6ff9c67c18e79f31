"""Convert texts of a file to typed values, and infer the type of a column. Pure."""

import re
from collections.abc import Callable
from datetime import date
from typing import Final

from django.utils.translation import gettext as _

from segments.models import AttributeType

Value = str | int | float | bool | None


class Misfit:
    """The result of a converter for a text that is not of its type."""


MISFIT: Final = Misfit()
Converter = Callable[[str], "Value | Misfit"]

# A float keeps fifteen digits exactly. A leading zero or plus means a code while a type is inferred; a column that
# is known to contain numbers may have them.
_GUESSED_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)
_ISO_DATE = re.compile(r"(\d{4})[-/](\d{2})[-/](\d{2})", re.ASCII)
_DOTTED_DATE = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)
_MAX_DIGITS = 15
_WORDS = {"yes": True, "true": True, "y": True, "no": False, "false": False, "n": False}
_WORDS_AND_DIGITS = {**_WORDS, "t": True, "1": True, "on": True, "f": False, "0": False, "off": False}


def to_text(text: str) -> Value | Misfit:
    """Return the text; None for blanks."""
    return text if text and not text.isspace() else None


def to_number(text: str) -> Value | Misfit:
    """Convert a number with digits and a decimal point."""
    return _number(_NUMBER, text.strip())


def to_date(text: str) -> Value | Misfit:
    """Convert YYYY-MM-DD, YYYY/MM/DD or DD.MM.YYYY to YYYY-MM-DD; the day has to exist."""
    text = text.strip()
    if not text:
        return None
    if found := _ISO_DATE.fullmatch(text):
        year, month, day = found.groups()
    elif found := _DOTTED_DATE.fullmatch(text):
        day, month, year = found.groups()
    else:
        return MISFIT
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return MISFIT


def to_boolean(text: str) -> Value | Misfit:
    """Convert a yes or no in its usual spellings."""
    text = text.strip().lower()
    return _WORDS_AND_DIGITS.get(text, MISFIT) if text else None


def guess_number(text: str) -> Value | Misfit:
    """Convert a number that does not look like a code, to infer a type."""
    return _number(_GUESSED_NUMBER, text.strip())


def guess_boolean(text: str) -> Value | Misfit:
    """Convert a yes or no in words, to infer a type."""
    text = text.strip().lower()
    return _WORDS.get(text, MISFIT) if text else None


CONVERTERS: dict[AttributeType, Converter] = {
    AttributeType.TEXT: to_text,
    AttributeType.NUMBER: to_number,
    AttributeType.DATE: to_date,
    AttributeType.BOOLEAN: to_boolean,
}


class Memo(dict[str, "Value | Misfit"]):
    """A bounded cache of a converter, because most columns repeat their values."""

    def __init__(self, convert: Converter, most: int = 20_000) -> None:
        super().__init__()
        self._convert = convert
        self._most = most

    def __missing__(self, text: str) -> "Value | Misfit":
        if len(self) >= self._most:
            self.clear()
        value = self[text] = self._convert(text)
        return value


class Guess:
    """Infers the type of a column from its values."""

    def __init__(self) -> None:
        self.seen_any = False
        self._left: dict[AttributeType, Memo] = {
            AttributeType.BOOLEAN: Memo(guess_boolean),
            AttributeType.DATE: Memo(to_date),
            AttributeType.NUMBER: Memo(guess_number),
        }

    def look(self, values: "tuple[str, ...]") -> None:
        """Take more values of the column into account."""
        if not self.seen_any:
            self.seen_any = any(value and not value.isspace() for value in values)
        for data_type, memo in list(self._left.items()):
            if MISFIT in map(memo.__getitem__, values):
                del self._left[data_type]

    @property
    def data_type(self) -> AttributeType | None:
        """The narrowest type of all values so far; None without a value."""
        if not self.seen_any:
            return None
        return next(iter(self._left), AttributeType.TEXT)


def misfit_reason(column: str, value: str, data_type: AttributeType) -> str:
    """Say why a value is not of its type, with its shape only: the value may be personal data."""
    expected = {
        AttributeType.NUMBER: _("is not a number (use digits and a point, at most 15 digits)"),
        AttributeType.DATE: _("is not a date (use YYYY-MM-DD)"),
        AttributeType.BOOLEAN: _("is neither yes nor no"),
        AttributeType.TEXT: _("is not text"),
    }[data_type]
    return _("Column “%(column)s”: a value of the form “%(shape)s” %(expected)s.") % {
        "column": column,
        "shape": shape(value),
        "expected": expected,
    }


def shape(value: str, most: int = 30) -> str:
    """Return the shape of a value: “Ann, 27” becomes “Aaa, 99”."""
    outline = "".join(_shape_of(character) for character in value[:most])
    return outline + ("…" if len(value) > most else "")


def _shape_of(character: str) -> str:
    if character.isdigit():
        return "9"
    if character.isalpha():
        return "A" if character.isupper() else "a"
    return character if character.isprintable() else "?"


def _number(pattern: re.Pattern[str], text: str) -> Value | Misfit:
    if not text:
        return None
    if not pattern.fullmatch(text) or sum(map(str.isdigit, text.lstrip("+-0"))) > _MAX_DIGITS:
        return MISFIT
    return float(text) if "." in text else int(text)
