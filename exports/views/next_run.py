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
        return _("The export runs when you choose Run. Its schedule is off.")
    if chosen.rule is not None:
        return _("The export runs on its own schedule: %(words)s.") % {"words": describe.schedule_words(chosen)}
    system = display.system_state()
    if system.next_due_at is None:
        return _("The export runs when you choose Run. The system refresh is off.")
    return _("The export runs with every system refresh. The next refresh is due %(when)s.") % {
        "when": formats.ago(system.next_due_at)
    }
