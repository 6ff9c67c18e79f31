"""Forms to change the type of an attribute, and to merge it into another one."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from segments.attribute_changes.conversion import NO_SOURCE
from segments.attribute_changes.retype import plans_to_json
from segments.import_forms import SpellingForm
from segments.models import AttributeType
from segments.sources.column_plan import ColumnPlan, ColumnType

# The fields that matter to each type.
_FIELDS: Final[Mapping[ColumnType, tuple[str, ...]]] = {
    ColumnType.TEXT: (),
    ColumnType.INTEGER: ("thousands", "null_words"),
    ColumnType.NUMBER: ("decimal", "thousands", "null_words", "decimals"),
    ColumnType.BOOLEAN: ("true_word", "false_word", "null_words"),
    ColumnType.DATE: ("date_format", "null_words"),
    ColumnType.DATETIME: ("date_format", "time_zone", "null_words"),
    ColumnType.LIST: ("separator", "null_words"),
}


class TypeForm(forms.Form):
    """Choose the type of an attribute."""

    type = forms.ChoiceField(label=_("Type"), choices=AttributeType.choices)


class TargetForm(forms.Form):
    """Choose the attribute to merge another one into."""

    into = forms.TypedChoiceField(label=_("Merge into"), coerce=int, empty_value=None)

    def __init__(self, data: Any = None, *, choices: Mapping[int, str], initial: Mapping[str, Any]) -> None:
        super().__init__(data, initial=dict(initial))
        field = self.fields["into"]
        assert isinstance(field, forms.TypedChoiceField)  # noqa: S101
        field.choices = [("", _("Choose an attribute")), *choices.items()]


class SourceForm(SpellingForm):
    """Choose how the texts of a data source are converted to a type; the fields of other types are left out."""

    def __init__(self, data: Any = None, *, plan: ColumnPlan, source: str, name: str) -> None:
        super().__init__(data, plan=plan, prefix=f"s{source}", initial={})
        self.source, self.name, self.type = source, name, plan.type
        for field in set(self.fields) - set(_FIELDS[plan.type]):
            self.fields[field].widget = forms.HiddenInput()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        self.check_thousands(cleaned)
        return cleaned

    def plan(self, column: str) -> ColumnPlan:
        """Return the plan of a valid form."""
        words = () if self.type is ColumnType.TEXT else self.words_for_no_value()
        return ColumnPlan(column, type=self.type, format=self.spelling(), null_words=words)


def source_forms(
    plans: Mapping[str, ColumnPlan], names: Mapping[str, str], data: Mapping[str, Any] | None
) -> list[SourceForm]:
    """Return a form for each data source, by proposed plans and the names of the data sources; ``data`` are those
    that were posted for the same type."""
    return [
        SourceForm(data, plan=plan, source=source, name=names.get(source, "")) for source, plan in plans.items()
    ]


def plans_from(given: list[SourceForm], proposed: Mapping[str, ColumnPlan]) -> dict[str, ColumnPlan]:
    """Return the plans of valid forms; values of no data source are converted as those of the first one."""
    plans = {form.source: form.plan(proposed[form.source].column) for form in given}
    return {NO_SOURCE: next(iter(plans.values())), **plans}


def digest(plans: Mapping[str, ColumnPlan]) -> str:
    """Return a short text that differs when plans do: a save says which plans its preview was of."""
    text = json.dumps(plans_to_json(plans), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
