"""Which field an attribute could go to that the list does not have yet, and which options a field lacks.

Suggestions follow the attribute's type; the options of choices are the values that profiles have, if they are few.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from connections.destinations.values import NewField, TargetField
from segments.catalog import Attribute
from segments.models import AttributeType

# In the order of offering: the first is the usual one.
_TYPES: Mapping[AttributeType, Sequence[str]] = {
    AttributeType.TEXT: ("text", "choice", "choices", "country", "state"),
    AttributeType.NUMBER: ("number", "text"),
    AttributeType.DATE: ("date", "text"),
    AttributeType.BOOLEAN: ("choice", "text"),
}
LABELS: Mapping[str, str | Promise] = {
    "text": _("Text"),
    "number": _("Number"),
    "date": _("Date"),
    "choice": _("One of several options"),
    "choices": _("Several options"),
    "country": _("Country"),
    "state": _("US state"),
}
_WITH_OPTIONS = ("choice", "choices")
# How a yes/no attribute is written into a field of text.
_YES_NO = ("Yes", "No")
SEPARATOR = ";"


@dataclass(frozen=True)
class Suggestion:
    """A field that can be made for an attribute, in the types that fit it."""

    label: str
    fields: Sequence[NewField]

    def of_type(self, data_type: str) -> NewField | None:
        """The field in that type; the usual one where none is named."""
        if not data_type:
            return self.fields[0]
        return next((field for field in self.fields if field.data_type == data_type), None)

    @property
    def choices(self) -> list[tuple[str, str, int]]:
        """Each type with its name and its number of options."""
        return [(field.data_type, str(LABELS[field.data_type]), len(field.options)) for field in self.fields]


def suggested(
    attribute: Attribute, field_key: str, values: Sequence[str], can_make: Sequence[str]
) -> Suggestion | None:
    """A field for ``attribute``, under the name that ``field_key`` stands for where the list lacks such a field.
    ``values`` are what profiles have, none where they are too many; None where nothing fits."""
    label = field_key.strip("[]") or _readable(attribute.name)
    fields = []
    for data_type in _TYPES[attribute.data_type]:
        options = _options(attribute, data_type, values)
        if data_type in can_make and (options or data_type not in _WITH_OPTIONS):
            fields.append(NewField(label, data_type, options))
    return Suggestion(label, fields) if fields else None


def missing_options(field: TargetField, attribute: Attribute, values: Sequence[str]) -> list[str]:
    """Values that profiles have and the field does not offer."""
    if field.data_type not in _WITH_OPTIONS:
        return []
    known = {option.casefold() for option in field.options}
    return [value for value in _options(attribute, field.data_type, values) if value.casefold() not in known]


def _options(attribute: Attribute, data_type: str, values: Sequence[str]) -> tuple[str, ...]:
    """The different values whatever their case, apart where several stand in one."""
    if data_type not in _WITH_OPTIONS:
        return ()
    if attribute.data_type == AttributeType.BOOLEAN:
        return _YES_NO
    parts = [part for value in values for part in (value.split(SEPARATOR) if data_type == "choices" else [value])]
    different = {part.strip().casefold(): part.strip() for part in parts if part.strip()}
    return tuple(different.values())


def _readable(name: str) -> str:
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]
