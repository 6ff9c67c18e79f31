"""Forms of Admin > System: the schedule of the system refresh, the formats and notifications of a user, and the
names of the installation."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.jobs.models import Schedule
from config.platform.notifications.recipients import is_notified
from config.platform.schedules.form import RuleForm, time_answers, times_typed
from config.platform.schedules.next_due import MOST_TIMES, Recurrence
from config.platform.web import formats as web_formats
from config.platform.web.formats import Formats
from config.platform.web.models import Installation


class SystemScheduleForm(RuleForm):
    """The schedule of the system refresh: daily or weekly. Only as many times are there as the page shows."""

    use_required_attribute = False

    is_on = forms.BooleanField(label=gettext_lazy("Refresh on a schedule"), required=False)
    recurrence = forms.ChoiceField(
        label=gettext_lazy("Repeat"),
        choices=[(kind.value, kind.label) for kind in (Recurrence.DAILY, Recurrence.WEEKLY)],
        widget=forms.RadioSelect,
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, schedule: Schedule) -> None:
        rule = schedule.rule or {}
        super().__init__(data, initial={**rule, **time_answers(rule), "is_on": schedule.is_on})
        self.fields["weekdays"].required = False  # shown either way, and required only when weekly
        self.show_times(
            _times_shown(data, rule), first=gettext_lazy("Time"), further=gettext_lazy("Additional time")
        )

    @property
    def times(self) -> list[forms.BoundField]:
        return [self[name] for name in self.time_names]

    @property
    def can_have_more_times(self) -> bool:
        return len(self.time_names) < MOST_TIMES

    def clean(self) -> dict[str, Any]:
        """Return the rule, as ``rule``; what is wrong with it stands beside its field."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            if cleaned["recurrence"] != Recurrence.WEEKLY:
                cleaned["weekdays"] = []
            cleaned["rule"] = self.rule_from(cleaned)
        return cleaned


def _times_shown(data: Mapping[str, Any] | None, rule: Mapping[str, Any]) -> int:
    """Count the times to show: as many as were posted, and one more when that was clicked; else as many as the
    rule has."""
    if data is None:
        return max(1, len(rule.get("times", ())))
    return min(MOST_TIMES, max(1, times_typed(data)) + ("add_time" in data))


EXAMPLE_NUMBER = 1234567.89
_FIELDS = ("language", "time_zone", "date_format", "time_format", "number_format")


class ReadingForm(forms.Form):
    """Choose language, time zone and formats, and whether to be notified by email."""

    language = forms.ChoiceField(label=gettext_lazy("Language"), required=False)
    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"), required=False)
    date_format = forms.ChoiceField(label=gettext_lazy("Dates"), choices=web_formats.DATES, required=False)
    time_format = forms.ChoiceField(label=gettext_lazy("Times"), choices=web_formats.TIMES, required=False)
    number_format = forms.ChoiceField(label=gettext_lazy("Numbers"), choices=web_formats.NUMBERS, required=False)
    hears_of_troubles = forms.BooleanField(
        label=gettext_lazy("Email me about problems and when they are resolved"), required=False
    )

    def __init__(self, user: User, data: Any = None) -> None:
        initial = {name: getattr(user, name) for name in _FIELDS} | {"hears_of_troubles": is_notified(user)}
        super().__init__(data, initial=initial)
        languages = [("", _("Browser default")), *settings.LANGUAGES]
        zones = [("", _("System default: %(zone)s") % {"zone": settings.TIME_ZONE}), *time_zones()]
        self.fields["language"].choices = languages  # type: ignore[attr-defined]
        self.fields["time_zone"].choices = zones  # type: ignore[attr-defined]
        if not user.email:
            self.fields["hears_of_troubles"].help_text = _("An administrator has to add your email address first.")

    @property
    def chosen(self) -> dict[str, str]:
        """Return what is valid so far, for a preview; the rest as the language has it."""
        self.is_valid()
        return {name: self.cleaned_data.get(name, "") for name in _FIELDS}


class NamesForm(forms.ModelForm):  # type: ignore[type-arg]
    """Name the organisation and the environment, and require second factors."""

    class Meta:
        model = Installation
        fields = ("environment_name", "organisation_name", "second_factor_required_of")
        labels = {
            "environment_name": gettext_lazy("Environment"),
            "organisation_name": gettext_lazy("Organization"),
            "second_factor_required_of": gettext_lazy("Require a second factor for"),
        }
        help_texts = {
            "environment_name": gettext_lazy("Shown in the top bar, such as “Production” or “Test”."),
            "organisation_name": gettext_lazy("The legal name shown in emails and consent texts."),
            "second_factor_required_of": gettext_lazy(
                "Users who sign in with a password have to set up a second factor first. "
                "SECOND_FACTOR_REQUIRED_OF can require more, not less."
            ),
        }


def formats_preview(chosen: dict[str, str]) -> list[tuple[str, str]]:
    """Show how dates, times and numbers look in the chosen formats."""
    language = chosen["language"] or translation.get_language()
    zone = ZoneInfo(chosen["time_zone"]) if chosen["time_zone"] else None
    formats = Formats(chosen["date_format"], chosen["time_format"], chosen["number_format"])
    now = clock.now()
    with translation.override(language), timezone.override(zone), web_formats.written_in(formats):
        local = timezone.localtime(now)
        return [
            (_("Date"), web_formats.day(local)),
            (_("Time"), f"{web_formats.time_of_day(local)} {local.tzname()}"),
            (_("Number"), web_formats.number(EXAMPLE_NUMBER, 2)),
            (_("Relative time"), web_formats.ago(now - timedelta(hours=3))),
        ]


@cache
def time_zones() -> list[tuple[str, list[tuple[str, str]]]]:
    """List time zones under the name of their region, as users look for them: Europe, then Warsaw."""
    regions: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name in sorted(available_timezones()):
        region, slash, place = name.partition("/")
        if slash and region not in {"Etc", "SystemV", "US", "posix", "right"}:
            regions[region].append((name, place.replace("_", " ").replace("/", ", ")))
    return [("UTC", [("UTC", "UTC")]), *regions.items()]
