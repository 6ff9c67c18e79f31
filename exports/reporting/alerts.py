"""Open and close alerts by how runs end: one notification when a condition begins, one when it is resolved."""

from collections.abc import Mapping, Sequence

from django.conf import settings
from django.urls import Resolver404, get_script_prefix, resolve, reverse
from django.utils.translation import gettext as _

from config.platform.jobs.models import ENDED_WELL, JobStatus
from config.platform.notifications import alerts
from config.platform.notifications.alerts import Subject
from config.platform.notifications.models import Condition, Kind
from exports.models import Export, Run
from exports.reporting import messages
from exports.reporting.run_message import describe_message
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
        alerts.open_alert(
            Kind.REJECTED, subject, _rejections_sentence(run), also=run.export.tell_also, results=_numbers(run)
        )
    elif run.planned:
        alerts.close_alerts([Kind.REJECTED], subject)


def describe_conditions(conditions: Sequence[Condition]) -> Mapping[int, str]:
    """Say what open conditions about runs say, in the language that is active. Conditions whose run is gone, and
    those about something else, are left out."""
    run_ids = {condition.pk: _run_id(condition.path) for condition in conditions}
    runs = Run.objects.in_bulk([run_id for run_id in run_ids.values() if run_id])
    found = {}
    for condition in conditions:
        run = runs.get(run_ids[condition.pk] or 0)
        if run and condition.kind == Kind.REJECTED:
            found[condition.pk] = _rejections_sentence(run)
        elif run and condition.kind == _kind_of(run):
            found[condition.pk] = _sentence(run)
    return found


def _run_id(path: str) -> int | None:
    """Return the ID of the run whose page has that address; None for other addresses."""
    prefix = get_script_prefix()  # of FORCE_SCRIPT_NAME; reverse() adds it, and resolve() expects none
    try:
        match = resolve("/" + path.removeprefix(prefix))
    except Resolver404:
        return None
    return match.kwargs["run_id"] if match.view_name == "exports:run" else None


def _rejections_sentence(run: Run) -> str:
    sentence = _("%(rejected)d of %(planned)d contacts were rejected.")
    words = sentence % {"rejected": run.rejected, "planned": run.planned}
    return f"{words} {summary.of_run(run).in_words()}"


def _sentence(run: Run) -> str:
    message = messages.message_of_run(run)
    said = describe_message(run, with_fields=False)
    parts = (message.explanation, said, summary.of_run(run).in_words(), message.next_step)
    return " ".join(str(part) for part in parts if part)


def _numbers(run: Run) -> dict[str, int]:
    """Return the results of a run for the webhook."""
    return summary.of_run(run).as_numbers()
