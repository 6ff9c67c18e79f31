"""Open and close alerts about segments that lost their members, and about failed refreshes and imports."""

from collections.abc import Collection

from django.urls import reverse
from django.utils.translation import gettext as _

from config.platform.jobs.models import JobStatus
from config.platform.notifications import alerts
from config.platform.notifications.alerts import Subject
from config.platform.notifications.models import Kind
from segments.models import DataSource, Segment


def segments_with_alerts(ids: Collection[int]) -> set[int]:
    """Return which of these segments have open alerts."""
    return {int(key) for key in alerts.subjects_with_alerts("segment", [str(pk) for pk in ids])}


def update_after_refresh(segment: Segment, *, before: int, after: int, has_alerts: bool) -> None:
    """Open alerts when a refresh emptied or halved a segment, and close them when its members are back.
    ``has_alerts`` says whether any are open. Call it inside the transaction of the refresh."""
    if not has_alerts and after * 2 >= before:
        return
    subject = subject_of(segment)
    alerts.close_alerts([Kind.FAILED], subject)
    if after == 0 < before:
        sentence = _(
            "The segment had %(before)d members before this refresh. Its exports have no contacts to send."
        )
        alerts.open_alert(Kind.SEGMENT_EMPTY, subject, sentence % {"before": before})
    elif after > 0:
        alerts.close_alerts([Kind.SEGMENT_EMPTY], subject)
    if 0 < after * 2 < before:
        # Halved again is worse than before, and notified again.
        sentence = _("The segment had %(before)d members and has %(after)d now.") % {
            "before": before,
            "after": after,
        }
        alerts.open_alert(Kind.SEGMENT_HALVED, subject, sentence, measure=before, again=True)
        return
    halved = alerts.open_of(Kind.SEGMENT_HALVED, subject)
    if halved is not None and after * 2 >= (halved.measure or 0):
        alerts.close_alerts([Kind.SEGMENT_HALVED], subject)


def open_refresh_failed(segment: Segment, message: str) -> None:
    """Open the alert that a refresh failed."""
    alerts.open_alert(Kind.FAILED, subject_of(segment), message)


def update_after_import(source: DataSource, path: str = "", *, failure: str = "") -> None:
    """Open the alert that an import failed, or close it when ``failure`` is empty and no pushed profiles of a
    failed import wait to be imported again. ``path`` is the page that it links to."""
    subject = Subject("source", str(source.pk), source.name, path or reverse("segments:data_sources"))
    close_removals_held(source)
    if failure:
        alerts.open_alert(Kind.FAILED, subject, failure)
    elif not source.pushed_batches.filter(job=None, failed_imports__gt=0).exists():
        alerts.close_alerts([Kind.FAILED], subject)


def open_place_unreadable(source: DataSource, problem: str) -> None:
    """Open the alert that the folder or bucket of a data source cannot be read."""
    alerts.open_alert(Kind.FAILED, _source_subject(source), problem)


def close_place_unreadable(source: DataSource) -> None:
    """Close the alert that the folder or bucket of a data source cannot be read."""
    alerts.close_alerts([Kind.FAILED], _source_subject(source))


def open_removals_held(source: DataSource, path: str, sentence: str) -> None:
    """Open the alert that removals of an import await confirmation; ``path`` is the page of the import."""
    subject = Subject("source", str(source.pk), source.name, path)
    alerts.open_alert(Kind.NEEDS_CONFIRMATION, subject, sentence)


def close_removals_held(source: DataSource) -> None:
    """Close the alert that removals of an import await confirmation, unless those of another import do."""
    if not source.imports.filter(status=JobStatus.NEEDS_CONFIRMATION).exists():
        alerts.close_alerts([Kind.NEEDS_CONFIRMATION], _source_subject(source))


def forget_source(source: DataSource) -> None:
    """Delete the alerts of a removed data source."""
    alerts.forget(Subject("source", str(source.pk), source.name))


def _source_subject(source: DataSource) -> Subject:
    return Subject("source", str(source.pk), source.name, reverse("segments:data_sources"))


def subject_of(segment: Segment) -> Subject:
    """Return a segment as the subject of alerts."""
    return Subject("segment", str(segment.pk), segment.name, reverse("segments:detail", args=[segment.pk]))
