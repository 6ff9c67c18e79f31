"""Telling people of a segment that has lost its members, before an export acts on it."""

from django.urls import reverse
from django.utils.translation import gettext as _

from config.platform.notifications import alerts
from config.platform.notifications.alerts import Subject
from config.platform.notifications.models import Kind
from segments.models import DataSource, Segment


def of_refresh(segment: Segment, *, before: int, after: int) -> None:
    """Tell when a refresh emptied or halved the segment, and when it is back. Called inside the transaction of the
    refresh."""
    subject = subject_of(segment)
    alerts.recovered([Kind.FAILED], subject)
    if after == 0 < before:
        alerts.worsened(Kind.SEGMENT_EMPTY, subject, _had(before))
    elif after > 0:
        alerts.recovered([Kind.SEGMENT_EMPTY], subject)
    if 0 < after * 2 < before:
        # Halved once more is worse than before, and told again.
        sentence = _("It had %(before)d members and has %(after)d now.") % {"before": before, "after": after}
        alerts.worsened(Kind.SEGMENT_HALVED, subject, sentence, measure=before, again=True)
    else:
        _look_whether_it_is_back(subject, after)


def of_failure(segment: Segment, message: str) -> None:
    """Tell that it could not be drawn."""
    alerts.worsened(Kind.FAILED, subject_of(segment), message)


def of_import(source: DataSource, path: str = "", *, failure: str = "") -> None:
    """Tell when what a data source gives could not be read, and when it could again."""
    subject = Subject("source", str(source.pk), source.name, path or reverse("segments:data_sources"))
    if failure:
        alerts.worsened(Kind.FAILED, subject, failure)
    else:
        alerts.recovered([Kind.FAILED], subject)


def of_removed_source(source: DataSource) -> None:
    """Nothing is the matter with what is gone."""
    alerts.forget(Subject("source", str(source.pk), source.name))


def subject_of(segment: Segment) -> Subject:
    """A segment, to speak of."""
    return Subject("segment", str(segment.pk), segment.name, reverse("segments:detail", args=[segment.pk]))


def _look_whether_it_is_back(subject: Subject, after: int) -> None:
    halved = alerts.open_of(Kind.SEGMENT_HALVED, subject)
    if halved is not None and after * 2 >= (halved.measure or 0):
        alerts.recovered([Kind.SEGMENT_HALVED], subject)


def _had(before: int) -> str:
    return _("It had %(before)d members before this refresh. Its exports have nobody to send.") % {
        "before": before
    }
