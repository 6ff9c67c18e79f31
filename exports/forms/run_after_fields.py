"""Choose in the export pane what an export runs after."""

from typing import Any

from django import forms
from django.db.models.functions import Lower
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from exports.actions.run_after import Predecessors, circle_in_words, find_circle, predecessors_of
from exports.models import Export
from segments.models import DataSource


class RunAfterForm(forms.Form):
    """The data sources and exports after whose success an export runs, beside its schedule."""

    after_sources = forms.ModelMultipleChoiceField(
        label=_("Data sources"), queryset=DataSource.objects.none(), required=False
    )
    after_exports = forms.ModelMultipleChoiceField(
        label=_("Exports"), queryset=Export.objects.none(), required=False
    )

    def __init__(self, data: QueryDict | None = None, *, export: Export | None = None) -> None:
        super().__init__(data)
        self.export = export
        self.stored = predecessors_of(export) if export else Predecessors()
        others = Export.objects.filter(removal_asked_at=None).exclude(pk=export.pk if export else 0)
        self._offer("after_sources", DataSource.objects.order_by(Lower("name")))
        self._offer("after_exports", others.order_by(Lower("name")))

    @property
    def sources(self) -> list[tuple[DataSource, bool]]:
        """The data sources to choose from, each with whether it is chosen."""
        return self._choices("after_sources", self.stored.keys[0])

    @property
    def exports(self) -> list[tuple[Export, bool]]:
        """The exports to choose from, each with whether it is chosen."""
        return self._choices("after_exports", self.stored.keys[1])

    @property
    def is_open(self) -> bool:
        """Return whether the section is shown open: something is chosen, or wrong."""
        return bool(self.errors or self.stored.names or any(name in self.data for name in self.fields))

    def clean(self) -> dict[str, Any]:
        """Check that exports would not run after each other in a circle."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        after = [each.pk for each in cleaned.get("after_exports", ())]
        if circle := find_circle(self.export, after):
            self.add_error("after_exports", circle_in_words(circle))
        return cleaned

    def predecessors(self) -> Predecessors:
        """What was chosen. Only for a valid form."""
        cleaned = self.cleaned_data
        return Predecessors(list(cleaned["after_sources"]), list(cleaned["after_exports"]))

    def _offer(self, name: str, rows: Any) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ModelMultipleChoiceField)  # noqa: S101
        field.queryset = rows

    def _choices(self, name: str, stored: set[int]) -> list[tuple[Any, bool]]:
        field = self.fields[name]
        assert isinstance(field, forms.ModelMultipleChoiceField)  # noqa: S101
        typed = set(self.data.getlist(name)) if isinstance(self.data, QueryDict) else set()
        chosen = typed if self.is_bound else {str(pk) for pk in stored}
        return [(row, str(row.pk) in chosen) for row in field.queryset or ()]
