"""Say why a value does not fit the type of its column, without the value: it may be personal data."""

from collections.abc import Callable
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from config.platform.text.stored_texts import translate_filled
from segments.sources.column_plan import ColumnType

_SHAPE_LENGTH: Final = 30
_EXPECTED: Final[dict[ColumnType, str | Promise]] = {
    ColumnType.TEXT: gettext_lazy("is not text"),
    ColumnType.INTEGER: gettext_lazy("is not a whole number"),
    ColumnType.NUMBER: gettext_lazy("is not a number"),
    ColumnType.BOOLEAN: gettext_lazy("is neither yes nor no"),
    ColumnType.DATE: gettext_lazy("is not a date"),
    ColumnType.DATETIME: gettext_lazy("is not a date with a time"),
    ColumnType.LIST: gettext_lazy("is not a list"),
}

# The sentences with values that rows are rejected with, here and in staging.py.
_REASONS: Final = (
    "Duplicate key. Line %(line)d was used.",
    "The key is longer than %(most)d characters.",
    "This customer was erased on %(day)s. Imports are blocked.",
    "A value of the form “%(shape)s” %(expected)s.",
)


def translate_row_reason(reason: str) -> str:
    """Return the stored reason of a rejected row in the language that is active."""
    return translate_filled(reason, _REASONS)


def misfit_reason(kind: ColumnType) -> Callable[[str], str]:
    """Return the function that says of a text that it is not of a type."""

    def reason(text: str) -> str:
        return _("A value of the form “%(shape)s” %(expected)s.") % {
            "shape": shape(text),
            "expected": _EXPECTED[kind],
        }

    return reason


def misfit_count(column: str, count: int) -> str:
    """Say how many values of a column do not fit its type."""
    sentence = ngettext(
        "Column “%(column)s”: %(count)d value does not match the type and is left empty.",
        "Column “%(column)s”: %(count)d values do not match the type and are left empty.",
        count,
    )
    return sentence % {"column": column, "count": count}


def shape(value: str) -> str:
    """Return the shape of a value: “Ann, 27” becomes “Aaa, 99”."""
    outline = "".join(_shape_of(character) for character in value[:_SHAPE_LENGTH])
    return outline + ("…" if len(value) > _SHAPE_LENGTH else "")


def _shape_of(character: str) -> str:
    if character.isdigit():
        return "9"
    if character.isalpha():
        return "A" if character.isupper() else "a"
    return character if character.isprintable() else "?"
