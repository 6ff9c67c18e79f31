"""Say in words what an export sends to the fields of a list."""

from collections.abc import Mapping, Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.platform.text.value_format import LetterCase, MappedValue
from connections.destinations.values import FieldMapping

CASES: Mapping[LetterCase, str | Promise] = {
    LetterCase.AS_IS: gettext_lazy("As it is"),
    LetterCase.UPPER: gettext_lazy("UPPER CASE"),
    LetterCase.LOWER: gettext_lazy("lower case"),
    LetterCase.TITLE: gettext_lazy("Title Case"),
}


def in_words(mapping: Sequence[FieldMapping], labels: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return each mapped value with the label of its field, or its key where the label is not known."""
    return [(value_in_words(pair.value), labels.get(pair.field_key, pair.field_key)) for pair in mapping]


def value_in_words(value: MappedValue) -> str:
    """Return the attributes and the format of a value, such as “first_name + last_name (Title Case)”."""
    if not value.attribute:
        return f"“{value.format.default}”"
    details = [text for text in (str(value.format.date_format), _case(value), _default(value)) if text]
    attributes = " + ".join(value.attributes)
    return f"{attributes} ({', '.join(details)})" if details else attributes


def _case(value: MappedValue) -> str:
    return str(CASES[value.format.letter_case]) if value.format.letter_case else ""


def _default(value: MappedValue) -> str:
    return _("if empty: “%(text)s”") % {"text": value.format.default} if value.format.default else ""
