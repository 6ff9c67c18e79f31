"""What an administrator types into Admin > System > Schedule."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from config.platform.jobs.models import Schedule
from config.platform.schedules.form import RuleForm, time_answers, times_typed
from config.platform.schedules.next_due import MOST_TIMES, Recurrence


class SystemScheduleForm(RuleForm):
    """The schedule of the system refresh: daily or weekly. Only as many times are there as the page shows."""

    use_required_attribute = False

    is_on = forms.BooleanField(label=_("Refresh the system by itself"), required=False)
    recurrence = forms.ChoiceField(
        label=_("Repeat"),
        choices=[(kind.value, kind.label) for kind in (Recurrence.DAILY, Recurrence.WEEKLY)],
        widget=forms.RadioSelect,
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, schedule: Schedule) -> None:
        rule = schedule.rule or {}
        super().__init__(data, initial={**rule, **time_answers(rule), "is_on": schedule.is_on})
        self.fields["weekdays"].required = False  # asked for either way, and judged only when weekly
        self.show_times(_shown(data, rule), first=_("Time"), further=_("Another time"))

    @property
    def times(self) -> list[forms.BoundField]:
        return [self[name] for name in self.time_names]

    @property
    def can_have_more_times(self) -> bool:
        return len(self.time_names) < MOST_TIMES

    def clean(self) -> dict[str, Any]:
        """The rule, as ``rule``; what is wrong with it stands beside its field."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            if cleaned["recurrence"] != Recurrence.WEEKLY:
                cleaned["weekdays"] = []
            cleaned["rule"] = self.rule_from(cleaned)
        return cleaned


def _shown(data: Mapping[str, Any] | None, rule: Mapping[str, Any]) -> int:
    """As many times as were posted, and one more when that was asked for; else as many as the rule has."""
    if data is None:
        return max(1, len(rule.get("times", ())))
    return min(MOST_TIMES, max(1, times_typed(data)) + ("add_time" in data))
