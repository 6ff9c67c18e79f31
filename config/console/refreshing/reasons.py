"""Say why something was skipped, in the language of each reader."""

from django.utils.translation import gettext as _

from config.console.models import RefreshStep, StepKind
from config.platform.jobs.models import JobStatus


def why_skipped(cause: RefreshStep) -> str:
    """What kept something from being tried; and when that was not tried itself, why."""
    kinds = {StepKind.DATA_SOURCE: _("The data source"), StepKind.SEGMENT: _("The segment")}
    sentence = _("%(kind)s “%(name)s”: %(status)s.") % {
        "kind": kinds[StepKind(cause.kind)],
        "name": cause.name,
        "status": JobStatus(cause.status).label,
    }
    if cause.status != JobStatus.SKIPPED:
        return sentence
    before = why_skipped(cause.blocked_by) if cause.blocked_by else cause.message
    return f"{sentence} {before}".rstrip()
