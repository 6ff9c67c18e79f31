"""Forms of schedules: the Schedule pane, and the base of all others, with the rule that follows from the
answers."""

from collections.abc import Mapping
from typing import Any, Self
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from config.platform.jobs import clock
from config.platform.jobs.models import Schedule
from config.platform.schedules.cron import LONGEST
from config.platform.schedules.next_due import MOST_HOURS, MOST_TIMES, Recurrence
from config.platform.schedules.serialize import LAST, WrongRule, from_plain, to_plain
from config.platform.schedules.serialize import WEEKDAYS as DAY_NAMES

ZONES = [(zone, zone.replace("_", " ")) for zone in sorted(available_timezones()) if "/" in zone or zone == "UTC"]
TIME_FIELDS = tuple(f"time_{number}" for number in range(1, MOST_TIMES + 1))


class RuleForm(forms.Form):
    """Base of forms of schedules. They show as many times as are asked for, see ``show_times``."""

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

    def without_errors(self) -> Self:
        """Return the rule as typed, without errors: Save was not clicked."""
        self._errors = forms.utils.ErrorDict()
        return self

    def rule_from(self, cleaned: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the rule that the answers make, in plain values. None when they make none: what is wrong then
        stands beside its field."""
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
            "cron": cleaned.get("cron", ""),
            "starts_on": cleaned.get("starts_on"),
            "hours": cleaned.get("hours", 0),
            "weekdays": cleaned.get("weekdays", []),
            "month_days": days,
        }


def times_typed(data: Mapping[str, Any]) -> int:
    """Count the times that a posted form has."""
    return sum(name in data for name in TIME_FIELDS)


def time_answers(plain: Mapping[str, Any]) -> dict[str, str]:
    """Return the times of a rule by the field that shows each."""
    return dict(zip(TIME_FIELDS, plain.get("times", ()), strict=False))


def _time_field(label: Any, *, required: bool) -> forms.TimeField:
    widget = forms.TimeInput(format="%H:%M", attrs={"type": "time"})
    return forms.TimeField(label=label, required=required, widget=widget, input_formats=["%H:%M", "%H:%M:%S"])


SYSTEM = "system"  # every system refresh, which is no rule
KEEP, DEFINE = "keep", "define"
USUAL_TIME = "02:00"
USUAL_CRON = "0 6 * * 1-5"

# What is asked for each recurrence, in the order of the page. A zone is asked for all of them, and a time for all
# but cron text.
_DETAILS: dict[str, tuple[str, ...]] = {
    Recurrence.HOURS: ("hours",),
    Recurrence.DAILY: (),
    Recurrence.WEEKLY: ("weekdays",),
    Recurrence.MONTHLY: ("month_days",),
    Recurrence.CRON: ("cron",),
}


class ScheduleForm(RuleForm):
    """The schedule of one thing, or of several at once. Only what the chosen recurrence needs is asked for."""

    keep = forms.ChoiceField(
        label=_("Keep or override schedules"),
        choices=[
            (KEEP, _("Keep individual schedules and switch them on or off")),
            (DEFINE, _("Define a new schedule for all")),
        ],
        widget=forms.RadioSelect,
    )
    is_on = forms.BooleanField(label=_("Schedule run"), required=False)
    recurrence = forms.ChoiceField(
        label=_("Recurrence"), choices=[(SYSTEM, _("Every system refresh")), *Recurrence.choices]
    )
    hours = forms.IntegerField(label=_("Hours between runs"), min_value=1, max_value=MOST_HOURS)
    month_days = forms.MultipleChoiceField(
        label=_("Days of the month"),
        choices=[*((str(day), str(day)) for day in range(1, 32)), (LAST, _("Last day"))],
        widget=forms.CheckboxSelectMultiple,
    )
    cron = forms.CharField(
        label=_("Cron text"),
        max_length=LONGEST,
        help_text=_(
            "Five fields: minute, hour, day of the month, month, day of the week. 0 6 * * 1-5 is 06:00 from "
            "Monday to Friday."
        ),
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )
    starts_on = forms.DateField(label=_("Start date"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))

    def __init__(self, data: QueryDict | None = None, *, schedule: Schedule, several: bool = False) -> None:
        super().__init__(data, initial=_initial(schedule))
        self.show_times(_times_shown(data, schedule), first=_("Start time"), further=_("Additional start time"))
        self._drop(() if several else ("keep",))
        if several and self._chosen("keep") == KEEP:
            self._drop(("recurrence", *self._all_details()))
        else:
            self._keep_details_of(self._chosen("recurrence"))

    @property
    def details(self) -> list[forms.BoundField]:
        """Return the fields of the chosen recurrence."""
        return [self[name] for name in self._all_details() if name in self.fields]

    @property
    def keeps_rules(self) -> bool:
        """Return whether several keep the schedules they have."""
        return "recurrence" not in self.fields

    @property
    def follows_system(self) -> bool:
        """Return whether every system refresh is what is chosen."""
        return not self.keeps_rules and self._chosen("recurrence") == SYSTEM

    def clean(self) -> dict[str, Any]:
        """Add ``rule`` in plain values; None for every system refresh."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        cleaned["rule"] = None
        if not self.errors and cleaned.get("recurrence", SYSTEM) != SYSTEM:
            cleaned["rule"] = self.rule_from(cleaned)
        return cleaned

    def _chosen(self, name: str) -> str:
        """Return the choice of a field; its initial value when what was posted is not offered."""
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101
        usual = self.initial[name]
        typed = self.data.get(name, usual) if self.is_bound else usual
        return str(typed) if field.valid_value(typed) else str(usual)

    def _keep_details_of(self, recurrence: str) -> None:
        times = () if recurrence == Recurrence.CRON else self.time_names
        asked = (*_DETAILS.get(recurrence, ()), *times, "zone", "starts_on")
        self._drop(name for name in self._all_details() if recurrence == SYSTEM or name not in asked)
        if recurrence != Recurrence.HOURS and "starts_on" in self.fields:
            self.fields["starts_on"].required = False

    def _all_details(self) -> tuple[str, ...]:
        return ("hours", "weekdays", "month_days", "cron", *self.time_names, "zone", "starts_on")

    def _drop(self, names: Any) -> None:
        for name in list(names):
            self.fields.pop(name, None)


def with_usual_answers(typed: QueryDict, schedule: Schedule) -> QueryDict:
    """Return the posted data, with initial values for fields that the form did not show before."""
    answers = typed.copy()
    for name, value in _initial(schedule).items():
        if name not in answers and name != "is_on":
            answers.setlist(name, value if isinstance(value, list) else [str(value)])
    if answers.get("recurrence") == Recurrence.HOURS and not answers.get("starts_on"):
        answers["starts_on"] = clock.today().isoformat()
    return answers


def _initial(schedule: Schedule) -> dict[str, Any]:
    plain = dict(schedule.rule or {})
    times = time_answers({"times": plain.pop("times", [USUAL_TIME])})
    days = [str(day) for day in plain.pop("month_days", ["1"])]
    usual = {
        "is_on": schedule.is_on,
        "keep": KEEP,
        "recurrence": SYSTEM,
        "hours": 6,
        "weekdays": ["monday"],
        "cron": USUAL_CRON,
        "zone": settings.TIME_ZONE,
        "starts_on": "",
    }
    return usual | plain | times | {"month_days": days}


def _times_shown(data: QueryDict | None, schedule: Schedule) -> int:
    """Count the times to show: one, or as many as were stored (by a file, for example) or posted."""
    stored = len((schedule.rule or {}).get("times", ()))
    posted = times_typed(data) if data is not None else 0
    return min(MOST_TIMES, max(1, stored, posted))
