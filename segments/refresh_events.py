"""Emit the events of segments: which one was refreshed, and how its members changed."""

from collections.abc import Sequence

from django.urls import reverse

from config.platform.events.models import EventType
from config.platform.events.outbox import NewEvent, emit
from config.platform.notifications.mail import absolute_url
from segments.models import Segment, SegmentRefresh


def emit_refreshed(ended: Sequence[tuple[Segment, SegmentRefresh]]) -> None:
    """Emit that refreshes have succeeded. Called inside the transaction that ends them."""
    if ended:
        emit([EventType.SEGMENT_REFRESHED], lambda: [_event(segment, job) for segment, job in ended])


def _event(segment: Segment, job: SegmentRefresh) -> NewEvent:
    page = absolute_url(reverse("segments:detail", args=[segment.pk]))
    return NewEvent(
        EventType.SEGMENT_REFRESHED,
        {
            "segment": {"id": segment.pk, "name": segment.name, "url": page},
            "refresh": {"id": job.pk, "status": job.status},
            "members": job.progress_done,
            "added": job.added,
            "removed": job.removed,
        },
    )
