"""When an export runs by itself, in a sentence."""

from django.utils.translation import gettext as _

from config.platform.schedules import describe, display
from config.platform.web import formats
from exports.actions.schedule import schedule_of
from exports.models import Export


def when_it_runs(export: Export) -> str:
    """Say when the export runs next."""
    chosen = schedule_of(export)
    if not chosen.is_on:
        return _("It runs when someone clicks Run: its schedule is off.")
    if chosen.rule is not None:
        return _("It runs by its own schedule: %(words)s.") % {"words": describe.schedule_words(chosen)}
    system = display.system_state()
    if system.next_due_at is None:
        return _("It runs when someone clicks Run: the system refresh is off.")
    return _("It runs with every system refresh; the next is due %(when)s.") % {
        "when": formats.ago(system.next_due_at)
    }
