"""Describe schedules, rules and ticks in words, in the reader's language."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils import formats
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.platform.jobs import clock
from config.platform.jobs.models import Schedule, Tick, TickResult
from config.platform.schedules.next_due import LAST_DAY, Recurrence, Rule
from config.platform.schedules.serialize import from_plain
from config.platform.text.word_lists import join_words
from config.platform.web.formats import exact


def describe_rule(rule: Rule) -> str:
    """Describe a rule, such as “Weekly on Monday and Thursday at 02:00 (Europe/Warsaw)”."""
    parts = {
        "often": _often(rule),
        "times": joined([f"{at:%H:%M}" for at in rule.times]),
        "zone": rule.zone,
        "start": formats.date_format(rule.starts_on, "DATE_FORMAT") if rule.starts_on else "",
    }
    if rule.recurrence == Recurrence.CRON:
        return _describe_cron(rule)
    if rule.recurrence == Recurrence.HOURS:
        return _("%(often)s, counted from %(start)s, %(times)s (%(zone)s)") % parts
    if _starts_later(rule):
        return _("%(often)s at %(times)s (%(zone)s), from %(start)s") % parts
    return _("%(often)s at %(times)s (%(zone)s)") % parts


def _describe_cron(rule: Rule) -> str:
    """Show cron text as it is: users who write it can read it, and the next times are beside it."""
    parts = {"cron": rule.cron, "zone": rule.zone}
    if rule.starts_on is not None and _starts_later(rule):
        parts["start"] = formats.date_format(rule.starts_on, "DATE_FORMAT")
        return _("Cron text %(cron)s (%(zone)s), from %(start)s") % parts
    return _("Cron text %(cron)s (%(zone)s)") % parts


def _starts_later(rule: Rule) -> bool:
    today = clock.now().astimezone(ZoneInfo(rule.zone)).date()
    return rule.starts_on is not None and rule.starts_on > today


def format_in_zone(moment: datetime, zone: str) -> str:
    """Format a moment as the clock of ``zone`` shows it: “Thu, Nov. 26, 2026, 02:00 CET”."""
    local = moment.astimezone(ZoneInfo(zone))
    day, date = formats.date_format(local, "D"), formats.date_format(local, "DATE_FORMAT")
    return f"{day}, {date}, {local:%H:%M} {local.tzname()}"


def note(rule: Rule) -> str:
    """Return a note about days that some months do not have; empty for other rules."""
    return _("Months without this day are skipped.") if max(rule.month_days, default=0) > 28 else ""


def joined(words: Sequence[str]) -> str:
    """Join words: “a”, “a and b”, “a, b and c”."""
    if len(words) < 2:
        return "".join(words)
    return _("%(first)s and %(last)s") % {"first": join_words(words[:-1]), "last": words[-1]}


def _often(rule: Rule) -> str:
    if rule.recurrence == Recurrence.HOURS:
        return ngettext("Every hour", "Every %(n)d hours", rule.hours) % {"n": rule.hours}
    if rule.recurrence == Recurrence.DAILY:
        return _("Daily")
    if rule.recurrence == Recurrence.WEEKLY:
        return _("Weekly on %(days)s") % {"days": joined([str(WEEKDAYS[day]) for day in rule.weekdays])}
    return _("Monthly on %(days)s") % {"days": joined([_month_day(day) for day in rule.month_days])}


def _month_day(day: int) -> str:
    return _("the last day") if day == LAST_DAY else _("day %(number)d") % {"number": day}


def describe_tick(tick: Tick) -> str:
    """Describe the result of a due moment, such as “Due at …, while the system was not running. Passed over.”"""
    parts = {"due": exact(tick.due_at), "noticed": exact(tick.noticed_at)}
    if tick.result == TickResult.PASSED_OVER:
        sentence = _("Due at %(due)s while the system was not running. Skipped.") % parts
    elif tick.result == TickResult.IMPOSSIBLE:
        sentence = _("Due at %(due)s. Not started, because there was no connection.") % parts
    elif tick.was_missed:
        sentence = _("Due at %(due)s while the system was not running. Started at %(noticed)s instead.") % parts
    elif tick.result == TickResult.JOINED:
        sentence = _("Due at %(due)s. Merged with a job that was already queued.") % parts
    else:
        sentence = _("Due at %(due)s.") % parts
    if tick.missed_since is None:
        return sentence
    since = _("Everything due since %(since)s was skipped.") % {"since": exact(tick.missed_since)}
    return f"{sentence} {since}"


def describe_schedule(schedule: Schedule | None) -> str:
    """Describe a schedule for lists and the audit."""
    if schedule is None or schedule.rule is None:
        described = _("System refresh")
    else:
        described = describe_rule(from_plain(schedule.rule))
    return described if schedule is None or schedule.is_on else _("Off (%(schedule)s)") % {"schedule": described}
