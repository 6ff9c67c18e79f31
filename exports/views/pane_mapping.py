"""The rows of the data matching as the pane shows them: what each may go to, what is wrong with it, and what can
be made on the list for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.utils.translation import gettext as _

from connections.destinations.values import ListDetails, TargetField
from exports.forms import field_suggestions
from exports.forms.draft import Pair, plain
from exports.forms.field_suggestions import Suggestion
from segments import audience
from segments.catalog import Attribute
from segments.models import AttributeType

_NAMELESS = TargetField(key="", label="", data_type="")
# So many missing options are named; the rest is counted.
NAMED_OPTIONS = 5


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

    def rows(self) -> list[MappingRow]:
        known = {attribute.name: attribute for attribute in self.attributes}
        values = self._values(known)
        return [
            self._row(place, pair, known.get(pair.attribute), values.get(pair.attribute, ()))
            for place, pair in enumerate(self.pairs)
        ]

    def _row(self, place: int, pair: Pair, attribute: Attribute | None, values: Sequence[str]) -> MappingRow:
        target = self._target(pair)
        suggestion, missing = None, []
        if attribute and self.details and target is None and not self._has_namesake(pair, attribute):
            suggestion = field_suggestions.suggested(attribute, pair.field, values, self.can_make)
        if attribute and target and self.can_make:
            missing = field_suggestions.missing_options(target, attribute, values)
        return MappingRow(
            place,
            pair,
            self._options_for(pair),
            self.errors.get(place, "") or self._not_on_list(pair),
            bool(pair.attribute) and attribute is None,
            suggestion,
            missing,
        )

    def _values(self, known: Mapping[str, Attribute]) -> Mapping[str, Sequence[str]]:
        """The common values of those text attributes that may need options, asked for at once."""
        wanted = {
            pair.attribute
            for pair in self.pairs
            if pair.attribute in known
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
