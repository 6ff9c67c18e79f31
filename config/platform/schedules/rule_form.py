"""What every form of a schedule asks, and the rule that follows from the answers."""

from collections.abc import Mapping
from typing import Any, Self
from zoneinfo import available_timezones

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from config.platform.schedules.next_due import MOST_TIMES
from config.platform.schedules.serialize import LAST, WrongRule, from_plain, to_plain
from config.platform.schedules.serialize import WEEKDAYS as DAY_NAMES

ZONES = [(zone, zone.replace("_", " ")) for zone in sorted(available_timezones()) if "/" in zone or zone == "UTC"]
TIME_FIELDS = tuple(f"time_{number}" for number in range(1, MOST_TIMES + 1))


class RuleForm(forms.Form):
    """Base of forms of schedules. They ask for as many times as they show, see ``show_times``."""

    weekdays = forms.MultipleChoiceField(
        label=_("Days of the week"),
        choices=[(name, WEEKDAYS[day]) for day, name in enumerate(DAY_NAMES)],
        widget=forms.CheckboxSelectMultiple,
    )
    zone = forms.ChoiceField(label=_("Time zone"), choices=ZONES)

    def show_times(self, count: int, *, first: Any, further: Any) -> None:
        """Ask for ``count`` times; the first has to be given."""
        self.time_names = TIME_FIELDS[:count]
        for name in self.time_names:
            is_first = name == TIME_FIELDS[0]
            self.fields[name] = _time_field(first if is_first else further, required=is_first)

    def unjudged(self) -> Self:
        """Return the rule as typed, without errors: Save was not clicked."""
        self._errors = forms.utils.ErrorDict()
        return self

    def rule_from(self, cleaned: Mapping[str, Any]) -> dict[str, Any] | None:
        """The rule that the answers make, in plain values. None when they make none: what is wrong then stands
        beside its field."""
        try:
            return to_plain(from_plain(self._plain(cleaned)))
        except WrongRule as wrong:
            for field, sentence in wrong.problems.items():
                self.add_error(TIME_FIELDS[0] if field == "times" else field, str(sentence))
        return None

    def _plain(self, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        days = [LAST if day == LAST else int(day) for day in cleaned.get("month_days", ())]
        return {
            "recurrence": cleaned["recurrence"],
            "zone": cleaned["zone"],
            "times": [at for name in self.time_names if (at := cleaned.get(name))],
            "starts_on": cleaned.get("starts_on"),
            "hours": cleaned.get("hours", 0),
            "weekdays": cleaned.get("weekdays", []),
            "month_days": days,
        }


def times_typed(data: Mapping[str, Any]) -> int:
    """For how many times a posted form asked."""
    return sum(name in data for name in TIME_FIELDS)


def time_answers(plain: Mapping[str, Any]) -> dict[str, str]:
    """The times of a rule, by the field that asks for each."""
    return dict(zip(TIME_FIELDS, plain.get("times", ()), strict=False))


def _time_field(label: Any, *, required: bool) -> forms.TimeField:
    widget = forms.TimeInput(format="%H:%M", attrs={"type": "time"})
    return forms.TimeField(label=label, required=required, widget=widget, input_formats=["%H:%M", "%H:%M:%S"])
