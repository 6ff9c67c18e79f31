"""Rules in plain values, as the database and files hold them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, time
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.platform.schedules.cron import clean_cron
from config.platform.schedules.next_due import LAST_DAY, Recurrence, Rule, problems

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LAST = "last"
_FIELDS = ("recurrence", "times", "zone", "starts_on", "hours", "weekdays", "month_days", "cron")


class WrongRule(ValueError):
    """The values are not a valid rule; ``problems`` says why, by field."""

    def __init__(self, problems: Mapping[str, str | Promise]) -> None:
        super().__init__("; ".join(f"{field}: {sentence}" for field, sentence in problems.items()))
        self.problems = dict(problems)


def to_plain(rule: Rule) -> dict[str, Any]:
    """Serialize ``rule`` as JSON and YAML hold it, without empty fields: ``{"recurrence": "weekly", "zone":
    "Europe/Warsaw", "times": ["02:00"], "weekdays": ["monday"]}``."""
    plain = {
        "recurrence": str(rule.recurrence),
        "zone": rule.zone,
        "times": [f"{at:%H:%M}" for at in rule.times],
        "starts_on": rule.starts_on.isoformat() if rule.starts_on else None,
        "hours": rule.hours,
        "weekdays": [WEEKDAYS[day] for day in rule.weekdays],
        "month_days": [LAST if day == LAST_DAY else day for day in rule.month_days],
        "cron": rule.cron,
    }
    return {field: value for field, value in plain.items() if value}


def from_plain(plain: Mapping[str, Any]) -> Rule:
    """Return the rule that ``plain`` describes, in one way of writing: sorted, nothing twice. Raises WrongRule."""
    if unknown := [field for field in plain if field not in _FIELDS]:
        raise WrongRule({field: _("This setting does not exist for schedules.") for field in unknown})
    if plain.get("recurrence") not in Recurrence.values:
        raise WrongRule({"recurrence": _("Choose the recurrence: hours, daily, weekly, monthly or cron.")})
    rule = Rule(
        recurrence=Recurrence(plain["recurrence"]),
        zone=str(plain.get("zone", "")),
        times=tuple(_read("times", _time, part) for part in _list(plain, "times")),
        starts_on=_read("starts_on", _date, plain["starts_on"]) if plain.get("starts_on") else None,
        hours=_read("hours", _whole, plain.get("hours", 0)),
        weekdays=tuple(_read("weekdays", WEEKDAYS.index, part) for part in _list(plain, "weekdays")),
        month_days=tuple(_read("month_days", _month_day, part) for part in _list(plain, "month_days")),
        cron=clean_cron(str(plain.get("cron") or "")),
    )
    if found := problems(rule):
        raise WrongRule(found)
    return _tidy(rule)


def _tidy(rule: Rule) -> Rule:
    """Sort days and times, the last day of the month at the end."""
    month_days = sorted(set(rule.month_days), key=lambda day: (day == LAST_DAY, day))
    return replace(
        rule,
        times=tuple(sorted(rule.times)),
        weekdays=tuple(sorted(set(rule.weekdays))),
        month_days=tuple(month_days),
    )


def _list(plain: Mapping[str, Any], field: str) -> list[Any]:
    value = plain.get(field) or []
    if not isinstance(value, list | tuple):
        raise WrongRule({field: _("Enter a list.")})
    return list(value)


def _read(field: str, reader: Any, value: Any) -> Any:
    try:
        return reader(value)
    except (ValueError, TypeError):
        raise WrongRule({field: _("“%(value)s” cannot be used here.") % {"value": value}}) from None


def _time(value: Any) -> time:
    return value if isinstance(value, time) else time.fromisoformat(value)


def _date(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(value)
    return value


def _month_day(value: Any) -> int:
    return LAST_DAY if value == LAST else _whole(value)
