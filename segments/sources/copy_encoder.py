"""Convert texts of a file to typed values, and infer the types of columns, block by block and column by column.

Blocks without problems take the fast path. In other blocks each row is checked: rows with a problem are reported
and refused, the others are converted.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from django.utils.translation import gettext as _

from config.platform.text.addresses import comparable_email
from segments.models import AttributeType
from segments.sources.csv_reader import Block

Value = str | int | float | bool | None


class Misfit:
    """The result of a converter for a text that is not of its type."""


MISFIT: Final = Misfit()
Converter = Callable[[str], "Value | Misfit"]
ColumnConverter = Callable[[Sequence[str]], "list[Value | Misfit]"]
MAX_KEY_LENGTH = 200
MAX_PROBLEMS_KEPT = 10_000
# A float keeps fifteen digits exactly. A leading zero or plus means a code while a type is inferred; a column that
# is known to contain numbers may have them.
_GUESSED_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)
_ISO_DATE = re.compile(r"(\d{4})[-/](\d{2})[-/](\d{2})", re.ASCII)
_DOTTED_DATE = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)
_MAX_DIGITS = 15
_WORDS = {"yes": True, "true": True, "y": True, "no": False, "false": False, "n": False}
_WORDS_AND_DIGITS = {**_WORDS, "t": True, "1": True, "on": True, "f": False, "0": False, "off": False}


@dataclass(frozen=True)
class Column:
    """A column of the file: the attribute and its type. ``has_values`` is False for a new attribute without a
    value, which is not added to the catalog."""

    name: str
    data_type: AttributeType
    has_values: bool = True


@dataclass
class Problems:
    """The refused rows: all of them counted, the first MAX_PROBLEMS_KEPT with their reason."""

    count: int = 0
    kept: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, reason: str) -> None:
        self.count += 1
        if len(self.kept) < MAX_PROBLEMS_KEPT:
            self.kept.append((line, reason))


@dataclass(frozen=True)
class TypedBlock:
    """Rows as columns of typed values, and of normalized emails for text columns that have any."""

    lines: Sequence[int]
    keys: Sequence[str]
    values: Sequence[Sequence[Value]]
    emails: Mapping[int, Sequence[str | None]]


class Encoder:
    """Converts blocks of text to typed values."""

    def __init__(self, columns: Sequence[Column], key_index: int, problems: Problems) -> None:
        self._columns = columns
        self._names = [column.name for column in columns]
        self._key_index = key_index
        self._problems = problems
        self._convert = [_column_converter(column.data_type) for column in columns]
        self.rows_read = 0

    def encode(self, block: Block) -> TypedBlock | None:
        """Convert the valid rows of a block and report the others; None without a valid row."""
        for line, reason in block.unreadable:
            self._problems.add(line, reason)
        lines, rows = self._of_right_width(block)
        self.rows_read += len(rows) + len(block.unreadable)
        if not rows:
            return None
        converted = self._quickly(lines, rows)
        if converted is None:
            lines, rows = self._without_faulty(lines, rows)
            converted = self._quickly(lines, rows, trusted=True) if rows else None
        return converted

    def _of_right_width(self, block: Block) -> tuple[Sequence[int], list[list[str]]]:
        width = len(self._columns)
        if set(map(len, block.rows)) == {width}:
            return block.lines, block.rows
        lines, rows = [], []
        for line, row in zip(block.lines, block.rows, strict=True):
            if len(row) == width:
                lines.append(line)
                rows.append(row)
            elif row:  # an empty line is no row
                self.rows_read += 1
                self._problems.add(line, _wrong_width(len(row), width))
        return lines, rows

    def _quickly(self, lines: Sequence[int], rows: list[list[str]], *, trusted: bool = False) -> TypedBlock | None:
        """Convert rows on the fast path; None when a row has a problem."""
        texts = list(zip(*rows, strict=True))
        keys = [key.strip() for key in texts[self._key_index]]
        if not trusted and not (_are_plain_keys(keys) and all(map(_are_storable, texts))):
            return None
        values = [convert(column) for convert, column in zip(self._convert, texts, strict=True)]
        if not trusted and any(MISFIT in column for column in values):
            return None
        known = [[None if isinstance(value, Misfit) else value for value in column] for column in values]
        return TypedBlock(lines, keys, known, self._emails(texts))

    def _emails(self, texts: Sequence[Sequence[str]]) -> dict[int, list[str | None]]:
        """Return the emails of the columns that have any. Columns without an address are recognized at once."""
        return {
            at: [comparable_email(text) for text in column_texts]
            for at, (column, column_texts) in enumerate(zip(self._columns, texts, strict=True))
            if column.data_type == AttributeType.TEXT and "@" in "".join(column_texts)
        }

    def _without_faulty(self, lines: Sequence[int], rows: list[list[str]]) -> tuple[list[int], list[list[str]]]:
        good_lines, good_rows = [], []
        for line, row in zip(lines, rows, strict=True):
            reason = self._fault_of(row)
            if reason is None:
                good_lines.append(line)
                good_rows.append(row)
            else:
                self._problems.add(line, reason)
        return good_lines, good_rows

    def _fault_of(self, row: list[str]) -> str | None:
        for column, text in zip(self._columns, row, strict=True):
            if reason := _unstorable(column.name, text):
                return reason
        if reason := _key_fault(self._names[self._key_index], row[self._key_index].strip()):
            return reason
        for column, text in zip(self._columns, row, strict=True):
            if CONVERTERS[column.data_type](text) is MISFIT:
                return misfit_reason(column.name, text, column.data_type)
        return None


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


def _column_converter(data_type: AttributeType) -> ColumnConverter:
    if data_type == AttributeType.TEXT:
        return lambda texts: [text if text and not text.isspace() else None for text in texts]
    look_up = Memo(CONVERTERS[data_type]).__getitem__
    return lambda texts: list(map(look_up, texts))


def _are_storable(texts: Sequence[str]) -> bool:
    """Say whether texts have neither NUL characters nor bytes that are not UTF-8."""
    joined = "".join(texts)
    try:
        joined.encode()
    except UnicodeEncodeError:  # lone surrogates: bytes that are not UTF-8
        return False
    return "\0" not in joined


def _are_plain_keys(keys: list[str]) -> bool:
    """Say whether all keys are valid at first sight; otherwise each has to be checked."""
    return all(keys) and max(map(len, keys)) <= MAX_KEY_LENGTH and "".join(keys).isprintable()


def _key_fault(column: str, key: str) -> str | None:
    if not key:
        return _("The key column “%(column)s” is empty.") % {"column": column}
    if len(key) > MAX_KEY_LENGTH:
        return _("The key is longer than %(most)d characters.") % {"most": MAX_KEY_LENGTH}
    if any(character in key for character in "\t\n\r\v\f"):
        return _("The key contains a tab or a line break.")
    return None


def _unstorable(column: str, text: str) -> str | None:
    if "\0" in text:
        return _("Column “%(column)s” contains a NUL character.") % {"column": column}
    try:
        text.encode()
    except UnicodeEncodeError:
        return _("Column “%(column)s” contains bytes that are not UTF-8 text.") % {"column": column}
    return None


def _wrong_width(found: int, expected: int) -> str:
    problem = _("Too few columns") if found < expected else _("Too many columns")
    return _("%(problem)s: %(found)d instead of %(expected)d.") % {
        "problem": problem,
        "found": found,
        "expected": expected,
    }


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
