"""Filter audit entries by user, action, kind, day and words."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.platform.audit import labels
from config.platform.audit.models import AuditEntry

SEARCHED = ("actor_name", "action", "target_name", "from_address", "details")


# Days around these have moments in every time zone, which the first and the last day of the calendar lack.
_FIRST_DAY, _LAST_DAY = date(1900, 1, 1), date(9000, 1, 1)


class Filters(forms.Form):
    """The filters of the page; each may stay empty, and unknown values narrow nothing."""

    use_required_attribute = False

    who = forms.ChoiceField(label=_("Who"), required=False)
    kind = forms.ChoiceField(label=_("What"), required=False)
    action = forms.ChoiceField(label=_("Action"), required=False)
    since = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    until = forms.DateField(
        label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "filter-%s", **kwargs})
        self._choices("who", [(name, name) for name in _distinct("actor_name")])
        self._choices("kind", [(name, labels.kind(name)) for name in _distinct("target_kind")])
        self._choices("action", [(name, labels.action(name)) for name in _distinct("action")])

    def found(self) -> "QuerySet[AuditEntry]":
        """Select the entries that match, with ``details`` (the changes as text) to search in."""
        self.is_valid()
        wanted = self.cleaned_data
        entries = AuditEntry.objects.annotate(details=Cast("changes", TextField()))
        for key, name in (("who", "actor_name"), ("kind", "target_kind"), ("action", "action")):
            if wanted.get(key):
                entries = entries.filter(**{name: wanted[key]})
        if wanted.get("since"):
            entries = entries.filter(at__gte=_midnight(wanted["since"]))
        if wanted.get("until"):
            entries = entries.filter(at__lt=_midnight(min(wanted["until"], _LAST_DAY) + timedelta(days=1)))
        return entries

    def said(self) -> dict[str, str]:
        """What was chosen, by name; for the record of a download."""
        return {name: str(value) for name, value in self.cleaned_data.items() if value}

    def _choices(self, name: str, choices: Sequence[tuple[str, str]]) -> None:
        ordered = sorted(choices, key=lambda choice: choice[1].lower())
        self.fields[name].choices = [("", _("All")), *ordered]  # type: ignore[attr-defined]


def _distinct(name: str) -> Iterator[str]:
    return iter(AuditEntry.objects.order_by(name).values_list(name, flat=True).distinct())


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(min(max(day, _FIRST_DAY), _LAST_DAY), time.min))
