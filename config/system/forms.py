"""What an administrator types into Admin > System > Schedule."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from config.jobs.schedule import MOST_TIMES, Recurrence, Rule
from config.jobs.schedule_form import ZONES
from config.jobs.schedule_plain import WEEKDAYS as DAY_NAMES
from config.jobs.schedule_plain import WrongRule, from_plain, to_plain

TIME_FIELDS = tuple(f"time_{n}" for n in range(1, MOST_TIMES + 1))
_FIELD_OF = {"times": "time_1"}  # of a rule, to that of the form


class SystemScheduleForm(forms.Form):
    """The schedule of the system refresh. Only as many times are there as the page shows: ``shown``."""

    use_required_attribute = False

    is_on = forms.BooleanField(label=_("Refresh the system by itself"), required=False)
    recurrence = forms.ChoiceField(
        label=_("Repeat"),
        choices=[(kind.value, kind.label) for kind in (Recurrence.DAILY, Recurrence.WEEKLY)],
        widget=forms.RadioSelect,
    )
    weekdays = forms.MultipleChoiceField(
        label=_("Days"),
        choices=[(name, WEEKDAYS[day]) for day, name in enumerate(DAY_NAMES)],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    zone = forms.ChoiceField(label=_("Time zone"), choices=ZONES)

    def __init__(self, data: Mapping[str, Any] | None = None, *, rule: Rule | None = None) -> None:
        super().__init__(data, initial=_initial(rule) if rule else None)
        self.shown = _shown(data, rule)
        for number, name in enumerate(TIME_FIELDS[: self.shown], start=1):
            label = _("Time") if number == 1 else _("Another time")
            self.fields[name] = _time_field(label, required=number == 1)

    @property
    def times(self) -> list[forms.BoundField]:
        return [self[name] for name in TIME_FIELDS[: self.shown]]

    @property
    def can_have_more_times(self) -> bool:
        return self.shown < MOST_TIMES

    def unjudged(self) -> "SystemScheduleForm":
        """As typed, without complaints: nobody has said Save."""
        self._errors = forms.utils.ErrorDict()
        return self

    def clean(self) -> dict[str, Any]:
        """The rule, as ``rule``; what is wrong with it stands beside its field."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        times = [at for name in TIME_FIELDS[: self.shown] if (at := cleaned.get(name))]
        is_weekly = cleaned["recurrence"] == Recurrence.WEEKLY
        plain = {
            "recurrence": cleaned["recurrence"],
            "zone": cleaned["zone"],
            "times": times,
            "weekdays": cleaned["weekdays"] if is_weekly else [],
        }
        try:
            cleaned["rule"] = from_plain(plain)
        except WrongRule as wrong:
            for field, sentence in wrong.problems.items():
                self.add_error(_FIELD_OF.get(field, field), str(sentence))
        return cleaned


def _time_field(label: Any, *, required: bool) -> forms.TimeField:
    widget = forms.TimeInput(format="%H:%M", attrs={"type": "time"})
    return forms.TimeField(label=label, required=required, widget=widget, input_formats=["%H:%M", "%H:%M:%S"])


def _initial(rule: Rule) -> dict[str, Any]:
    plain = to_plain(rule)
    times = dict(zip(TIME_FIELDS, plain["times"], strict=False))
    return {
        "recurrence": plain["recurrence"],
        "zone": plain["zone"],
        "weekdays": plain.get("weekdays", []),
        **times,
    }


def _shown(data: Mapping[str, Any] | None, rule: Rule | None) -> int:
    """As many times as were posted, and one more when that was asked for; else as many as the rule has."""
    if data is None:
        return max(1, len(rule.times)) if rule else 1
    posted = sum(name in data for name in TIME_FIELDS)
    return min(MOST_TIMES, max(1, posted) + ("add_time" in data))
