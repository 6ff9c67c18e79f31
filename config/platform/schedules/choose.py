"""Choosing a schedule: what every app does with its own rows."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from config.platform.jobs import clock
from config.platform.jobs.models import Schedule
from config.platform.schedules.describe import in_words
from config.platform.schedules.next_due import next_due
from config.platform.schedules.serialize import from_plain


def choose(schedule: Schedule, *, is_on: bool, rule: Mapping[str, Any] | None) -> None:
    """Set ``schedule`` (unsaved) to ``rule``, in plain values; None is every system refresh. When it is due next
    is counted from now, unless nothing has changed. Raises WrongRule."""
    chosen = from_plain(rule) if rule is not None else None
    if (schedule.is_on, schedule.rule) == (is_on, rule):
        return
    schedule.is_on, schedule.rule = is_on, dict(rule) if rule is not None else None
    schedule.due_at = next_due(chosen, clock.now()) if chosen is not None and is_on else None


def words(schedule: Schedule | None) -> str:
    """The schedule in words, for lists and the record."""
    if schedule is None or schedule.rule is None:
        told = _("System refresh")
    else:
        told = in_words(from_plain(schedule.rule))
    return told if schedule is None or schedule.is_on else _("Off (%(schedule)s)") % {"schedule": told}
