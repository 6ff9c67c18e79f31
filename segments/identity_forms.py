"""The form of the identity rules."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from segments.catalog import Attribute
from segments.models import DataSource, IdentityRules, NormalForm, ValuePreference
from segments.store.unified.rules import Identifier
from segments.unification import IDENTIFYING_TYPES, RuleChoices

# How many identifying attributes the form has room for.
MOST_IDENTIFIERS = 4


class IdentityForm(forms.Form):
    """Choose identifying attributes, the order of data sources, and which values count."""

    preference = forms.ChoiceField(
        label=gettext_lazy("When data sources differ"), choices=ValuePreference.choices, widget=forms.RadioSelect
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        stored: IdentityRules,
        attributes: Sequence[Attribute],
        sources: Sequence[DataSource],
    ) -> None:
        super().__init__(data, initial=_initial(stored, sources))
        self._attributes = {str(each.id): each for each in attributes}
        identifying = [each for each in attributes if each.data_type in IDENTIFYING_TYPES]
        for place in range(MOST_IDENTIFIERS):
            self.fields[f"attribute_{place}"] = forms.ChoiceField(
                label=_("Attribute"),
                choices=[("", _("None")), *((str(each.id), each.name) for each in identifying)],
                required=False,
            )
            self.fields[f"form_{place}"] = forms.ChoiceField(
                label=_("Compared as"), choices=NormalForm.choices, required=False
            )
        self._sources = sources
        places = [(place, str(place)) for place in range(1, len(sources) + 1)]
        for source in sources:
            self.fields[f"source_{source.pk}"] = forms.TypedChoiceField(
                label=source.name, choices=places, coerce=int, required=False, empty_value=None
            )
        self.fields["exceptions"] = forms.MultipleChoiceField(
            label=_("Attributes that use the other option"),
            choices=[(str(each.id), each.name) for each in attributes],
            widget=forms.CheckboxSelectMultiple,
            required=False,
        )

    @property
    def identifier_fields(self) -> Iterator[tuple[forms.BoundField, forms.BoundField]]:
        """The fields of each identifying attribute, with how it is compared."""
        return ((self[f"attribute_{place}"], self[f"form_{place}"]) for place in range(MOST_IDENTIFIERS))

    @property
    def source_fields(self) -> list[forms.BoundField]:
        """The fields of the places of data sources; none when there is nothing to order."""
        return [self[f"source_{source.pk}"] for source in self._sources] if len(self._sources) > 1 else []

    def clean(self) -> dict[str, Any]:
        """Check that each attribute is chosen once, and that one compared as email has email addresses."""
        cleaned = super().clean() or self.cleaned_data
        seen: set[str] = set()
        for place in range(MOST_IDENTIFIERS):
            chosen = cleaned.get(f"attribute_{place}")
            if not chosen:
                continue
            if chosen in seen:
                self.add_error(f"attribute_{place}", _("Choose each attribute once."))
            seen.add(chosen)
            if cleaned.get(f"form_{place}") == NormalForm.EMAIL and not self._attributes[chosen].has_emails:
                self.add_error(f"form_{place}", _("The attribute contains no email addresses."))
        return cleaned

    def choices(self) -> RuleChoices:
        """Return what was chosen, after validation."""
        cleaned = self.cleaned_data
        identifiers = [
            Identifier(self._attributes[chosen], NormalForm(cleaned[f"form_{place}"] or NormalForm.TEXT))
            for place in range(MOST_IDENTIFIERS)
            if (chosen := cleaned[f"attribute_{place}"])
        ]
        last = len(self._sources)
        ordered = sorted(
            self._sources, key=lambda each: (cleaned[f"source_{each.pk}"] or last, each.name.casefold())
        )
        return RuleChoices(
            identifiers=identifiers,
            source_order=[each.pk for each in ordered],
            preference=ValuePreference(cleaned["preference"]),
            exceptions=[int(pk) for pk in cleaned["exceptions"]],
        )


def _initial(stored: IdentityRules, sources: Sequence[DataSource]) -> dict[str, object]:
    initial: dict[str, object] = {
        "preference": stored.preference,
        "exceptions": [str(pk) for pk in stored.exceptions],
    }
    for place, each in enumerate(stored.identifiers):
        initial |= {f"attribute_{place}": str(each["attribute"]), f"form_{place}": each["form"]}
    ranks = {pk: rank for rank, pk in enumerate(stored.source_order)}
    ordered = sorted(sources, key=lambda each: (ranks.get(each.pk, len(ranks)), each.name.casefold()))
    return initial | {f"source_{each.pk}": place for place, each in enumerate(ordered, start=1)}
