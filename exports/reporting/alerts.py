"""Open and close alerts by how runs end: one notification when a condition begins, one when it is resolved."""

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from config.platform.jobs.models import ENDED_WELL, JobStatus
from config.platform.notifications import alerts
from config.platform.notifications.alerts import Subject
from config.platform.notifications.models import Kind
from exports.models import Export, Run
from exports.reporting import messages
from exports.results import summary
from exports.state.status import Reason

# Alerts that a successful run closes.
_OF_RUNS = (Kind.FAILED, Kind.SKIPPED, Kind.NEEDS_CONFIRMATION, Kind.OVER_LIMIT)
# Skipped because something upstream went wrong; other reasons to skip need no alert.
_UPSTREAM = (Reason.SEGMENTS_NOT_REFRESHED, Reason.UPSTREAM_FAILED)


def update_alerts(run: Run) -> None:
    """Open and close the alerts of a run that has ended. Called inside the transaction that ends it."""
    subject = subject_of(run.export, reverse("exports:run", args=[run.pk]))
    if run.status in ENDED_WELL and messages.texts_of(run).sends_contacts:
        alerts.close_alerts([kind for kind in _OF_RUNS if kind != _kind_of(run)], subject)
        _update_alert_of_rejections(run, subject)
    if kind := _kind_of(run):
        alerts.open_alert(kind, subject, _sentence(run), also=run.export.tell_also, results=_numbers(run))


def subject_of(export: Export, path: str = "") -> Subject:
    """Return the subject of alerts about an export; ``path`` is the page to link."""
    return Subject("export", str(export.pk), export.name, path)


def _kind_of(run: Run) -> Kind | None:
    """Return the kind of alert; None for what is retried automatically, and for what a user canceled."""
    if run.reason in (Reason.TOO_MANY_PROFILES, Reason.ACCOUNT_FULL):
        return Kind.OVER_LIMIT
    if run.status == JobStatus.FAILED:
        return Kind.FAILED
    if run.status == JobStatus.NEEDS_CONFIRMATION or run.removals_held:
        return Kind.NEEDS_CONFIRMATION
    if run.status == JobStatus.SKIPPED and run.reason in _UPSTREAM:
        return Kind.SKIPPED
    return None


def _update_alert_of_rejections(run: Run, subject: Subject) -> None:
    if run.rejected * 100 > run.planned * settings.REJECTED_PERCENT:
        sentence = _("%(rejected)d of %(planned)d contacts were rejected.")
        words = sentence % {"rejected": run.rejected, "planned": run.planned}
        words = f"{words} {summary.of_run(run).in_words()}"
        alerts.open_alert(Kind.REJECTED, subject, words, also=run.export.tell_also, results=_numbers(run))
    elif run.planned:
        alerts.close_alerts([Kind.REJECTED], subject)


def _sentence(run: Run) -> str:
    message = messages.message_of_run(run)
    parts = (message.explanation, run.message, summary.of_run(run).in_words(), message.next_step)
    return " ".join(str(part) for part in parts if part)


def _numbers(run: Run) -> dict[str, int]:
    """Return the results of a run for the webhook."""
    return summary.of_run(run).as_numbers()
