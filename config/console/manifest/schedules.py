"""Read and apply the schedules of exports, segments and the system refresh in a manifest."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from config.console.manifest.document import Entry, Problems, text_of
from config.console.manifest.report import AppliedEntry, Change
from config.console.system_refresh import actions
from config.platform.jobs.models import Schedule
from config.platform.schedules.next_due import Recurrence
from config.platform.schedules.serialize import WrongRule, from_plain, to_plain

SYSTEM, OFF = "system", "off"
_SINGLE = ("recurrence", "zone", "starts_on")
_LISTS = ("times", "weekdays", "month_days")
_YES_OR_NO = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


@dataclass(frozen=True)
class ScheduleSpec:
    """What a file says of a schedule; ``rule`` is in plain values, None for every system refresh."""

    is_on: bool
    rule: dict[str, Any] | None


def read_schedule(entry: Entry, problems: Problems) -> ScheduleSpec | None:
    """Read the schedule of an entry: “system”, “off”, or a mapping with the fields of a rule. None when the
    file does not say; problems are added to ``problems``."""
    node = entry.value("schedule")
    if node is None:
        return None
    if text := text_of(node):
        if text not in (SYSTEM, OFF):
            entry.note("schedule", _("Use system, off, or a schedule such as {recurrence: daily, …}."))
            return None
        return ScheduleSpec(is_on=text != OFF, rule=None)
    return _mapping(Entry(node, problems, ("on", "hours", *_SINGLE, *_LISTS)), problems)


def apply_schedule(
    schedule: Schedule, spec: ScheduleSpec | None, save: Callable[..., object], changed: list[str]
) -> None:
    """Save ``schedule`` with ``save`` when the file says another one; then “schedule” is added to ``changed``."""
    if spec is None or (schedule.is_on, schedule.rule) == (spec.is_on, spec.rule):
        return
    save(is_on=spec.is_on, rule=spec.rule, version=schedule.version, by=None)
    changed.append("schedule")


def _mapping(entry: Entry, problems: Problems) -> ScheduleSpec | None:
    switch = entry.text("on") or "yes"
    if switch not in _YES_OR_NO:
        entry.note("on", _("Use yes or no."))
    is_on = _YES_OR_NO.get(switch, True)
    if entry.text("recurrence", required=True) == SYSTEM:
        return ScheduleSpec(is_on, None)
    try:
        return ScheduleSpec(is_on, to_plain(from_plain(_plain(entry))))
    except WrongRule as wrong:
        for field, sentence in wrong.problems.items():
            problems.add(entry.line_of(field), f"{field}: {sentence}")
    return None


def _plain(entry: Entry) -> dict[str, Any]:
    """Return the fields of a rule; numbers are written as texts in a file."""
    plain: dict[str, Any] = {name: entry.text(name) for name in _SINGLE}
    plain |= {name: [text for text, _line in entry.texts(name) or ()] for name in _LISTS}
    plain["month_days"] = [_number(day) for day in plain["month_days"]]
    plain["hours"] = _number(entry.text("hours") or "0")
    return plain


def _number(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() else text


SYSTEM_REFRESH = "system_refresh"
_RECURRENCES = (Recurrence.DAILY, Recurrence.WEEKLY)


def read_system_refresh(root: Entry, problems: Problems) -> ScheduleSpec | None:
    """Read the schedule of the system refresh; None when the file does not say. A bare “off” keeps its times."""
    node = root.value(SYSTEM_REFRESH)
    if node is None:
        return None
    entry = Entry(node, problems, ("schedule",))
    if "schedule" not in entry:
        entry.missing("schedule")
    spec = read_schedule(entry, problems)
    if spec is not None and (reason := _why_not_for_system(spec)):
        entry.note("schedule", reason)
    return spec


def apply_system_refresh(spec: ScheduleSpec) -> AppliedEntry:
    """Save the schedule of the system refresh when the file says another one."""
    row = actions.load_schedule()
    rule = spec.rule or row.rule or {}
    change = Change.UNCHANGED
    if (row.is_on, row.rule) != (spec.is_on, rule):
        actions.save_schedule(is_on=spec.is_on, rule=rule, version=row.version, by=None)
        change = Change.UPDATED
    return AppliedEntry(_("schedule"), _("System refresh"), change)


def _why_not_for_system(spec: ScheduleSpec) -> str:
    """Why the system refresh cannot have such a schedule; empty when it can."""
    if spec.rule is None:
        return _("Set a schedule. The system refresh cannot follow itself.") if spec.is_on else ""
    if spec.rule["recurrence"] not in _RECURRENCES:
        return _("The system refresh must be daily or weekly.")
    return _("The system refresh has no start date.") if "starts_on" in spec.rule else ""
