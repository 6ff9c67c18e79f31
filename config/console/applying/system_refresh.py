"""The schedule of the system refresh, as a file says it."""

from django.utils.translation import gettext as _

from config.console.applying import schedules
from config.console.applying.document import Entry
from config.console.applying.problems import Problems
from config.console.applying.report import Applied, Fate
from config.console.applying.schedules import ScheduleSpec
from config.console.refreshing import actions, schedule
from config.platform.schedules.next_due import Recurrence

SECTION = "system_refresh"
_RECURRENCES = (Recurrence.DAILY, Recurrence.WEEKLY)


def read(root: Entry, problems: Problems) -> ScheduleSpec | None:
    """What the file says of it; None when it does not. A bare “off” keeps the times that there are."""
    node = root.value(SECTION)
    if node is None:
        return None
    entry = Entry(node, problems, ("schedule",))
    if "schedule" not in entry:
        entry.missing("schedule")
    spec = schedules.read(entry, problems)
    if spec is not None and (reason := _why_not(spec)):
        entry.note("schedule", reason)
    return spec


def carry_out(spec: ScheduleSpec) -> Applied:
    """Make the schedule so, if it is not."""
    row = schedule.load()
    rule = spec.rule or row.rule or {}
    fate = Fate.UNCHANGED
    if (row.is_on, row.rule) != (spec.is_on, rule):
        actions.save_schedule(is_on=spec.is_on, rule=rule, version=row.version, by=None)
        fate = Fate.UPDATED
    return Applied(_("schedule"), _("System refresh"), fate)


def _why_not(spec: ScheduleSpec) -> str:
    """Why the system refresh cannot have such a schedule; empty when it can."""
    if spec.rule is None:
        return _("Say when: it cannot follow itself.") if spec.is_on else ""
    if spec.rule["recurrence"] not in _RECURRENCES:
        return _("The system refresh is daily or weekly.")
    return _("The system refresh has no first day.") if "starts_on" in spec.rule else ""
