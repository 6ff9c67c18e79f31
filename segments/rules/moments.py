"""Compute the bounds of date operators in the environment's time zone. Pure.

Bounds are computed here, so that no engine has to know time zones.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from segments.rules.operators import Operand


@dataclass(frozen=True)
class Bound:
    """A date that values are compared with, and the sign of the comparison: value, sign, date."""

    sign: str
    at: date


def bounds(key: str, operand: Operand, moment: datetime, zone: ZoneInfo) -> list[Bound]:
    """Return the bounds of an operator of dates; a date matches within all of them."""
    today = moment.astimezone(zone).date()
    if key == "within_last_days" and isinstance(operand, int):
        return [Bound(">=", today - timedelta(days=min(operand, (today - date.min).days))), Bound("<=", today)]
    if key == "between" and isinstance(operand, tuple):
        first, last = (day for day in operand if isinstance(day, date))
        return [Bound(">=", first), Bound("<=", last)]
    assert isinstance(operand, date), "the tree has been checked"  # noqa: S101
    return [Bound({"before": "<", "after": ">"}[key], operand)]
