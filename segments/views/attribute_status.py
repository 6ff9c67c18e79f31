"""Say which change of an attribute is in progress and how far it is, or which failed lately, for the page of
attributes."""

from datetime import timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from config.platform.text.stored_texts import translate_stored
from segments.attribute_changes.frame import named, open_uses
from segments.attribute_changes.job import NAMING, UNIFYING, WRITING
from segments.models import AttributeChange
from segments.permissions import user_can_manage_data_sources

# How long a failure is shown.
_SHOWN = timedelta(days=1)


def attribute_change_context(user: User, *, was_open: bool = False) -> dict[str, object]:
    """Return what the template segments/attribute_status.html shows. ``was_open`` says that the page has shown an
    open change: when it has ended, the list is loaded again."""
    change = AttributeChange.objects.select_related("attribute").first()
    is_open = change is not None and change.is_open
    failure = ""
    if change is not None and change.status == JobStatus.FAILED and change.created_at > clock.now() - _SHOWN:
        failure = translate_stored(change.message)
    return {
        "change": change,
        "doing": _doing(change) if change is not None and is_open else "",
        "percent": change.percent if change is not None and change.progress_done else None,
        "may_cancel": is_open and user_can_manage_data_sources(user),
        "change_failure": failure,
        "has_just_ended": was_open and not is_open,
        "live_id": "attribute-change",
        "live_url": reverse("segments:attribute_change"),
        "live_done": not is_open,
    }


def _doing(change: AttributeChange) -> str:
    """Say what an open change does right now, or what it waits for."""
    if change.status != JobStatus.PROCESSING:
        reading = open_uses(change.names, change=change)
        if not reading:
            return _("Waiting for a worker")
        return _("Waiting until this ends: %(names)s") % {"names": named(reading)}
    if change.percent < WRITING:
        return _("Converting values")
    if change.percent < UNIFYING:
        return _("Writing values")
    return (
        _("Writing values of unified profiles") if change.percent < NAMING else _("Updating segments and exports")
    )
