"""Evaluate rules over a profile in plain Python, independent of their compiler: the specification that every
engine is compared with."""

import calendar
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from segments.models import AttributeType

Profile = Mapping[str, Any]


@dataclass(frozen=True)
class Evaluator:
    """Evaluates rules at a moment in a zone; ``members`` are the IDs of the profiles in other segments."""

    types: Mapping[str, AttributeType]
    moment: datetime
    zone: ZoneInfo
    members: Mapping[int, frozenset[int]]

    def matches(self, tree: Mapping[str, Any], profile: Profile) -> bool:
        """Say whether a profile, with its attributes and “id”, matches rules."""
        found = self._group(tree, profile)
        return True if found is None else found

    def _group(self, tree: Mapping[str, Any], profile: Profile) -> bool | None:
        found = [
            self._group(rule, profile) if "rules" in rule else self._condition(rule, profile)
            for rule in tree.get("rules", [])
        ]
        known = [matches for matches in found if matches is not None]
        join = tree.get("join", "and")
        if not known:
            return None
        if join == "except":
            return found[0] is not False and not any(found[1:])
        return any(known) if join in ("or", "union") else all(known)

    def _condition(self, rule: Mapping[str, Any], profile: Profile) -> bool:
        operator = rule["operator"]
        if "segment" in rule:
            return bool((profile["id"] in self.members[rule["segment"]]) == (operator == "member"))
        found, data_type = profile.get(rule["attribute"]), self.types[rule["attribute"]]
        if operator in ("has_value", "has_none"):
            return bool((found is None) == (operator == "has_none"))
        if operator in _OPPOSITES:
            return not self._condition({**rule, "operator": _OPPOSITES[operator]}, profile)
        if found is None:
            return False
        if "other_attribute" in rule:
            other = profile.get(rule["other_attribute"])
            return other is not None and self._compare(operator, data_type, found, other, rule)
        return self._with_value(operator, data_type, found, rule)

    def _with_value(self, operator: str, data_type: AttributeType, found: Any, rule: Mapping[str, Any]) -> bool:
        value = rule.get("value")
        if data_type in (AttributeType.DATE, AttributeType.DATETIME):
            return self._date(operator, found, value)
        if operator in ("is_yes", "is_no"):
            return bool(found is (operator == "is_yes"))
        if isinstance(value, list | tuple):
            return self._compare(operator, data_type, found, [typed(data_type, one) for one in value], rule)
        return self._compare(operator, data_type, found, typed(data_type, value), rule)

    def _compare(
        self, operator: str, data_type: AttributeType, found: Any, value: Any, rule: Mapping[str, Any]
    ) -> bool:
        if rule.get("ignore_case") and data_type in (AttributeType.TEXT, AttributeType.LIST):
            found, value = lowered(found), lowered(value)
        if operator == "on" and data_type == AttributeType.DATETIME:
            found, value = self._day(found), self._day(value)
        return _COMPARISONS[operator](found, value)

    def _date(self, operator: str, found: Any, value: Any) -> bool:
        if operator == "month_of":
            month = self._day(self.moment).month if value == "current" else int(value)
            return self._day(found).month == month
        if operator == "day_of":
            return self._is_anniversary(self._day(found), value)
        if operator in ("in_last", "in_next", "more_than_ago", "within_last_days"):
            count, unit = (value, "days") if operator == "within_last_days" else value
            return self._period(operator, found, int(count), unit)
        day = self._day(found)
        days = [one if isinstance(one, date) else date.fromisoformat(one) for one in _as_list(value)]
        if operator == "between":
            return days[0] <= day <= days[1]
        return {"on": day == days[0], "before": day < days[0], "after": day > days[0]}[operator]

    def _period(self, operator: str, found: Any, count: int, unit: str) -> bool:
        is_moment = isinstance(found, datetime)
        if unit == "hours":
            past, future = self.moment - timedelta(hours=count), self.moment + timedelta(hours=count)
            if operator == "more_than_ago":
                return bool(found < past)
            return bool(past <= found <= self.moment if operator == "in_last" else self.moment < found <= future)
        day, today = self._day(found), self._day(self.moment)
        if operator == "more_than_ago":
            return day < shifted(today, -count, unit)
        if operator == "in_next":
            return (not is_moment or found > self.moment) and today <= day <= shifted(today, count, unit)
        return (not is_moment or found <= self.moment) and shifted(today, -count, unit) <= day <= today

    def _is_anniversary(self, day: date, value: str) -> bool:
        today = self._day(self.moment)
        month, number = (today.month, today.day) if value == "today" else map(int, value.split("-"))
        if (day.month, day.day) == (2, 29) and (month, number) == (2, 28):
            return not calendar.isleap(today.year)
        return (day.month, day.day) == (month, number)

    def _day(self, found: Any) -> date:
        """The day of a date, or of a moment in the zone."""
        if isinstance(found, datetime):
            return found.astimezone(self.zone).date()
        assert isinstance(found, date)
        return found


def typed(data_type: AttributeType, value: Any) -> Any:
    """The value of a rule as the type of its attribute."""
    if data_type == AttributeType.NUMBER:
        return float(Decimal(str(value)))
    return int(Decimal(str(value))) if data_type == AttributeType.INTEGER else value


def lowered(value: Any) -> Any:
    """Texts in simple lower case of NFC, letter by letter."""
    if isinstance(value, str):
        return "".join(letter.lower()[0] for letter in unicodedata.normalize("NFC", value))
    return [lowered(one) for one in value]


def shifted(day: date, count: int, unit: str) -> date:
    """The day so many days, weeks or months later, clamped to the month and to the calendar."""
    if unit == "months":
        months = day.year * 12 + day.month - 1 + count
        year, month = divmod(months, 12)
        if not 1 <= year <= 9999:
            return date.min if count < 0 else date.max
        return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
    days = day.toordinal() + count * (7 if unit == "weeks" else 1)
    return date.fromordinal(min(max(days, 1), date.max.toordinal()))


def _as_list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else [value]


_OPPOSITES = {
    "is_not": "is",
    "!=": "=",
    "none_of": "any_of",
    "not_contains": "contains",
    "contains_none": "contains_any",
}
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "is": lambda found, value: bool(found == value),
    "any_of": lambda found, value: found in value,
    "contains": lambda found, value: value in found,
    "starts_with": lambda found, value: bool(found.startswith(value)),
    "ends_with": lambda found, value: bool(found.endswith(value)),
    "=": lambda found, value: bool(found == value),
    "<": lambda found, value: bool(found < value),
    "<=": lambda found, value: bool(found <= value),
    ">": lambda found, value: bool(found > value),
    ">=": lambda found, value: bool(found >= value),
    "between": lambda found, value: bool(value[0] <= found <= value[1]),
    "on": lambda found, value: bool(found == value),
    "before": lambda found, value: bool(found < value),
    "after": lambda found, value: bool(found > value),
    "contains_any": lambda found, value: not set(found).isdisjoint(value),
    "contains_all": lambda found, value: set(found) >= set(value),
}
