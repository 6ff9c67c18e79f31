"""From what a file says to what a profile holds, and from values to the type of their column. Pure."""

import re
from collections.abc import Callable
from datetime import date
from typing import Final

from django.utils.translation import gettext as _

from segments.models import AttributeType

Value = str | int | float | bool | None


class Misfit:
    """What a converter gives for a value that is not of its type."""


MISFIT: Final = Misfit()
Converter = Callable[[str], "Value | Misfit"]

# Fifteen digits are what a number keeps exactly. A leading zero or plus makes it a code rather than a number,
# which matters while a type is being guessed; once a column is known to hold numbers, they may stand there.
_GUESSED_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)
_ISO_DATE = re.compile(r"(\d{4})[-/](\d{2})[-/](\d{2})", re.ASCII)
_DOTTED_DATE = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)
_MOST_DIGITS = 15
_WORDS = {"yes": True, "true": True, "y": True, "no": False, "false": False, "n": False}
_WORDS_AND_DIGITS = {**_WORDS, "t": True, "1": True, "on": True, "f": False, "0": False, "off": False}


def to_text(text: str) -> Value | Misfit:
    """The text as it is; None when there is nothing but blanks."""
    return text if text and not text.isspace() else None


def to_number(text: str) -> Value | Misfit:
    """A number written with digits and a point."""
    return _number(_NUMBER, text.strip())


def to_date(text: str) -> Value | Misfit:
    """“YYYY-MM-DD”, from that form, YYYY/MM/DD or DD.MM.YYYY; it has to be a day that exists."""
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
    """A yes or no in one of its usual spellings."""
    text = text.strip().lower()
    return _WORDS_AND_DIGITS.get(text, MISFIT) if text else None


def guess_number(text: str) -> Value | Misfit:
    """A number that nobody would take for a code."""
    return _number(_GUESSED_NUMBER, text.strip())


def guess_boolean(text: str) -> Value | Misfit:
    """A yes or no in words."""
    text = text.strip().lower()
    return _WORDS.get(text, MISFIT) if text else None


CONVERTERS: dict[AttributeType, Converter] = {
    AttributeType.TEXT: to_text,
    AttributeType.NUMBER: to_number,
    AttributeType.DATE: to_date,
    AttributeType.BOOLEAN: to_boolean,
}


class Memo(dict[str, "Value | Misfit"]):
    """Remembers what a converter gave, within bounds: most columns repeat themselves."""

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
    """Narrows down the type of one column while its values go by."""

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
        """What all values so far agree on; text when nothing narrower fits, None when there was no value."""
        if not self.seen_any:
            return None
        return next(iter(self._left), AttributeType.TEXT)


def misfit_reason(column: str, value: str, data_type: AttributeType) -> str:
    """Why a value does not fit, told by its shape: the value itself may be personal."""
    expected = {
        AttributeType.NUMBER: _("is not a number (write digits and a point, at most 15 digits)"),
        AttributeType.DATE: _("is not a date (write YYYY-MM-DD)"),
        AttributeType.BOOLEAN: _("is neither yes nor no"),
        AttributeType.TEXT: _("is not text"),
    }[data_type]
    return _("Column “%(column)s”: a value of the shape “%(shape)s” %(expected)s.") % {
        "column": column,
        "shape": shape(value),
        "expected": expected,
    }


def shape(value: str, most: int = 30) -> str:
    """What a value looks like: “Ann, 27” is “Aaa, 99”."""
    drawn = "".join(_shape_of(character) for character in value[:most])
    return drawn + ("…" if len(value) > most else "")


def _shape_of(character: str) -> str:
    if character.isdigit():
        return "9"
    if character.isalpha():
        return "A" if character.isupper() else "a"
    return character if character.isprintable() else "?"


def _number(pattern: re.Pattern[str], text: str) -> Value | Misfit:
    if not text:
        return None
    if not pattern.fullmatch(text) or sum(map(str.isdigit, text.lstrip("+-0"))) > _MOST_DIGITS:
        return MISFIT
    return float(text) if "." in text else int(text)
