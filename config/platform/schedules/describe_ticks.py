"""What came of a due moment, in a sentence."""

from django.utils.translation import gettext as _

from config.platform.jobs.models import Tick, TickResult
from config.platform.web.formats import exact


def told(tick: Tick) -> str:
    """Describe a tick that was noticed too late, such as “Due at …, but nobody was there to look; done once, at
    …”."""
    parts = {"due": exact(tick.due_at), "noticed": exact(tick.noticed_at)}
    if tick.result == TickResult.PASSED_OVER:
        sentence = _("Due at %(due)s, while the system was not running. Passed over.") % parts
    elif tick.result == TickResult.IMPOSSIBLE:
        sentence = _("Due at %(due)s. Not started, since there was no connection.") % parts
    elif tick.was_missed:
        sentence = _("Due at %(due)s, while the system was not running. Started at %(noticed)s instead.") % parts
    elif tick.result == TickResult.JOINED:
        sentence = _("Due at %(due)s, when one was queued already, which served for it.") % parts
    else:
        sentence = _("Due at %(due)s.") % parts
    if tick.missed_since is None:
        return sentence
    since = _("What was due since %(since)s was passed over.") % {"since": exact(tick.missed_since)}
    return f"{sentence} {since}"
