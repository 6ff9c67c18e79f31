"""Map attributes to fields in the export pane: the rows with the fields of the list, what is wrong with a row, and
the fields and options that can be created on the list for it.

Suggestions follow the type of the attribute; the options of a choice are the values that profiles have, if few.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.platform.text.value_format import DateFormat, LetterCase
from connections.destinations.values import ListDetails, NewField, TargetField
from exports.forms.draft import Pair, plain
from exports.forms.mapping_words import CASES
from segments import audience
from segments.audience import Sample
from segments.catalog import Attribute
from segments.models import AttributeType

# In the order of offering: the first is the usual one.
_TYPES: Mapping[AttributeType, Sequence[str]] = {
    AttributeType.TEXT: ("text", "choice", "choices", "country", "state"),
    AttributeType.NUMBER: ("number", "text"),
    AttributeType.INTEGER: ("number", "text"),
    AttributeType.DATE: ("date", "text"),
    AttributeType.DATETIME: ("date", "text"),
    AttributeType.BOOLEAN: ("choice", "text"),
    AttributeType.LIST: ("choices", "text"),
}
LABELS: Mapping[str, str | Promise] = {
    "text": gettext_lazy("Text"),
    "number": gettext_lazy("Number"),
    "date": gettext_lazy("Date"),
    "choice": gettext_lazy("One of several options"),
    "choices": gettext_lazy("Several options"),
    "country": gettext_lazy("Country"),
    "state": gettext_lazy("US state"),
}
_WITH_OPTIONS = ("choice", "choices")
# How a yes/no attribute is written into a field of text.
_YES_NO = ("Yes", "No")
SEPARATOR = ";"
_NAMELESS = TargetField(key="", label="", data_type="")
# So many missing options are named; the rest is counted.
NAMED_OPTIONS = 5


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


@dataclass(frozen=True)
class FieldOption:
    """One field of the list in a row's menu."""

    field: TargetField
    chosen: bool
    taken: bool  # by another row


@dataclass(frozen=True)
class MappingRow:
    """One row of the data matching."""

    place: int
    pair: Pair
    fields: Sequence[FieldOption]
    error: str
    unknown_attribute: bool
    suggestion: Suggestion | None = None  # a field that can be made for it
    missing_options: Sequence[str] = ()
    samples: Sequence[Sample] = ()
    date_formats: Sequence[tuple[DateFormat, str]] = ()  # none for what is no date
    cases: Sequence[tuple[LetterCase, str | Promise]] = ()

    @property
    def is_formatted(self) -> bool:
        """Tell whether the value is not sent as it is."""
        return not self.pair.is_constant and bool(self.pair.format.to_json())

    @property
    def named_options(self) -> str:
        return ", ".join(self.missing_options[:NAMED_OPTIONS])

    @property
    def unnamed_options(self) -> int:
        return max(0, len(self.missing_options) - NAMED_OPTIONS)


@dataclass(frozen=True)
class Matching:
    """All that the rows are worked out from; ``details`` is None while the list is not known."""

    pairs: Sequence[Pair]
    attributes: Sequence[Attribute]
    details: ListDetails | None
    can_make: Sequence[str] = ()  # types of field that can be made on the list
    errors: Mapping[int, str] = field(default_factory=dict)
    sees_data: bool = False  # whether samples of values are shown

    def rows(self) -> list[MappingRow]:
        known = {attribute.name: attribute for attribute in self.attributes}
        values = self._values(known)
        samples = audience.sample_values([pair.value for pair in self.pairs]) if self.sees_data else []
        rows = [
            self._row(place, pair, known.get(pair.attribute), values.get(pair.attribute, ()))
            for place, pair in enumerate(self.pairs)
        ]
        return [replace(row, samples=found) for row, found in zip(rows, samples or repeat(()), strict=False)]

    def _row(self, place: int, pair: Pair, attribute: Attribute | None, values: Sequence[str]) -> MappingRow:
        target = self._target(pair)
        suggestion, missing = None, []
        if attribute and self.details and target is None and not self._has_namesake(pair, attribute):
            suggestion = suggest_field(attribute, pair.field, values, self.can_make)
        if attribute and target and self.can_make:
            missing = missing_options(target, attribute, values)
        return MappingRow(
            place,
            pair,
            self._options_for(pair),
            self.errors.get(place, "") or self._not_on_list(pair),
            bool(pair.attribute) and not pair.is_constant and attribute is None,
            suggestion,
            missing,
            date_formats=_date_formats(attribute, target),
            cases=[*CASES.items()],
        )

    def _values(self, known: Mapping[str, Attribute]) -> Mapping[str, Sequence[str]]:
        """The common values of those text attributes that may need options, asked for at once."""
        wanted = {
            pair.attribute
            for pair in self.pairs
            if pair.attribute in known
            and not pair.format.to_json()
            and known[pair.attribute].data_type == AttributeType.TEXT
            and self._may_need_options(pair)
        }
        return audience.common_values(sorted(wanted)) if wanted else {}

    def _may_need_options(self, pair: Pair) -> bool:
        target = self._target(pair)
        return bool(self.can_make and self.details) and (
            target is None or target.data_type in ("choice", "choices")
        )

    def _has_namesake(self, pair: Pair, attribute: Attribute) -> bool:
        """Whether the list has a field that is called like the attribute, so that none is needed."""
        fields = self.details.fields if self.details else ()
        name = plain(attribute.name)
        return not pair.field and any(plain(field.label) == name for field in fields)

    def _target(self, pair: Pair) -> TargetField | None:
        fields = self.details.fields if self.details else ()
        return next((field for field in fields if field.key == pair.field), None)

    def _not_on_list(self, pair: Pair) -> str:
        if not pair.field or not self.details or self._target(pair):
            return ""
        return _("“%(list)s” has no field %(field)s.") % {"list": self.details.title, "field": pair.field}

    def _options_for(self, pair: Pair) -> list[FieldOption]:
        taken = {other.field for other in self.pairs if other is not pair and other.field}
        fields = list(self.details.fields) if self.details else []
        if pair.field and self._target(pair) is None:
            fields.append(replace(_NAMELESS, key=pair.field, label=pair.field))
        return [FieldOption(field, field.key == pair.field, field.key in taken) for field in fields]


def _date_formats(attribute: Attribute | None, target: TargetField | None) -> list[tuple[DateFormat, str]]:
    """Return the formats for a date that is sent to a field of text: a field of dates has its own."""
    if attribute is None or attribute.data_type not in {AttributeType.DATE, AttributeType.DATETIME}:
        return []
    if target is not None and target.data_type == "date":
        return []
    return [(each, each.value or _("As it is")) for each in DateFormat]


def suggest_field(
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
