"""When segments are refreshed by themselves, and what came of each due moment."""

from django.db import models

from config.platform.jobs.models import Schedule, Tick
from segments.models.segment import Segment, SegmentRefresh


class SegmentSchedule(Schedule):
    """When a segment is refreshed by itself."""

    segment = models.OneToOneField(Segment, on_delete=models.CASCADE, related_name="schedule")

    def __str__(self) -> str:
        return self.segment.name


class SegmentTick(Tick):
    """That a segment was due, and the refresh that came of it. Exactly one for each: the database sees to it."""

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="ticks")
    refresh = models.ForeignKey(SegmentRefresh, null=True, on_delete=models.SET_NULL, related_name="ticks")

    class Meta(Tick.Meta):
        constraints = [
            models.UniqueConstraint(fields=["segment", "due_at"], name="one_tick_per_segment_and_moment")
        ]

    def __str__(self) -> str:
        return f"{self.segment_id}: {self.due_at:%Y-%m-%d %H:%M}"
