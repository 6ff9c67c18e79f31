"""Name the kinds of conditions that people are notified of."""

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Kind(TextChoices):
    """A way in which something can be worse than it should be."""

    FAILED = "failed", _("Failed (permanent)")
    SKIPPED = "skipped", _("Skipped")
    NEEDS_CONFIRMATION = "needs_confirmation", _("Needs confirmation")
    OVER_LIMIT = "over_limit", _("Over the limit")
    REJECTED = "rejected", _("Many people rejected")
    LATE = "late", _("Has not run when it should")
    SEGMENT_EMPTY = "segment_empty", _("Empty")
    SEGMENT_HALVED = "segment_halved", _("Half of its members or more are gone")
    RECONNECT = "reconnect", _("Reconnect needed")
    EXPORT_USER = "export_user", _("Export user needed")
    TEST = "test", _("Test")


MEANINGS: dict[Kind, Promise] = {
    Kind.FAILED: _(
        "An export or a refresh failed, and a person has to look. Never while it is tried again by itself."
    ),
    Kind.SKIPPED: _("An export was skipped because something that it depends on failed."),
    Kind.NEEDS_CONFIRMATION: _("A run waits until somebody confirms what it would do."),
    Kind.OVER_LIMIT: _("An export has more people than it may send."),
    Kind.REJECTED: _("A run was refused more people than the set share."),
    Kind.LATE: _("An export or the system refresh has not run for longer than its schedule says."),
    Kind.SEGMENT_EMPTY: _("A segment that had members has none any more."),
    Kind.SEGMENT_HALVED: _("A refresh took more than half of the members out of a segment."),
    Kind.RECONNECT: _("The service no longer accepts the credentials of a connection."),
    Kind.EXPORT_USER: _("The export user of a connection can no longer stand for it."),
}
