"""Who is told of what a run came to: a state that got worse is told once, and once more when it is well again."""

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from config.platform.jobs.models import JobStatus
from config.platform.notifications import alerts
from config.platform.notifications.alerts import Subject
from config.platform.notifications.models import Kind
from exports.models import Export, Run
from exports.reporting import messages
from exports.state.status import Reason

# What a run that goes well ends.
_OF_RUNS = (Kind.FAILED, Kind.SKIPPED, Kind.NEEDS_CONFIRMATION, Kind.OVER_LIMIT)
_WELL = (JobStatus.SUCCESSFUL, JobStatus.WARNINGS)
# Skipped because something upstream went wrong; other reasons to skip are nobody's trouble.
_UPSTREAM = (Reason.SEGMENTS_NOT_REFRESHED, Reason.UPSTREAM_FAILED)


def of_end(run: Run) -> None:
    """Tell what is to be told of a run that has ended. Called inside the transaction that ends it."""
    subject = subject_of(run.export, reverse("exports:run", args=[run.pk]))
    if run.status in _WELL and not run.is_cleanup:  # the end of a list cleanup says nothing of what is sent
        alerts.close_alerts([kind for kind in _OF_RUNS if kind != _kind_of(run)], subject)
        _of_rejections(run, subject)
    if kind := _kind_of(run):
        removals = {"removed": run.removed, "awaiting_confirmation": run.removals_held}
        alerts.open_alert(kind, subject, _sentence(run), also=run.export.tell_also, removals=removals)


def subject_of(export: Export, path: str = "") -> Subject:
    """An export, to speak of."""
    return Subject("export", str(export.pk), export.name, path)


def _kind_of(run: Run) -> Kind | None:
    """What kind of trouble it is; None for what passes by itself, and for what a person stopped."""
    if run.reason in (Reason.TOO_MANY_PROFILES, Reason.ACCOUNT_FULL):
        return Kind.OVER_LIMIT
    if run.status == JobStatus.FAILED:
        return Kind.FAILED
    if run.status == JobStatus.NEEDS_CONFIRMATION or run.removals_held:
        return Kind.NEEDS_CONFIRMATION
    if run.status == JobStatus.SKIPPED and run.reason in _UPSTREAM:
        return Kind.SKIPPED
    return None


def _of_rejections(run: Run, subject: Subject) -> None:
    if run.rejected * 100 > run.planned * settings.REJECTED_PERCENT:
        sentence = _("%(rejected)d of %(planned)d contacts were rejected.")
        words = sentence % {"rejected": run.rejected, "planned": run.planned}
        alerts.open_alert(Kind.REJECTED, subject, words, also=run.export.tell_also)
    elif run.planned:
        alerts.close_alerts([Kind.REJECTED], subject)


def _sentence(run: Run) -> str:
    message = messages.of_run(run)
    parts = (message.explanation, run.message, _removals(run), message.next_step)
    return " ".join(str(part) for part in parts if part)


def _removals(run: Run) -> str:
    """Say how many subscribers were removed from the list, or would be once a person confirms it."""
    named = (
        (run.removed, _("Removed: %(contacts)d.")),
        (run.removals_held, _("Removals awaiting confirmation: %(contacts)d.")),
    )
    return " ".join(text % {"contacts": contacts} for contacts, text in named if contacts)
