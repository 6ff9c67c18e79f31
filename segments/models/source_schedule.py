"""Define when data sources are imported again without a click."""

from django.db import models

from config.platform.jobs.models import Schedule, Tick
from segments.models.profile import DataSource


class SourceSchedule(Schedule):
    """The refresh schedule of a data source."""

    source = models.OneToOneField(DataSource, on_delete=models.CASCADE, related_name="schedule")

    def __str__(self) -> str:
        return self.source.name


class SourceTick(Tick):
    """A due moment of a data source and the import that it started. The database allows one for each moment."""

    source = models.ForeignKey(DataSource, on_delete=models.CASCADE, related_name="ticks")
    job = models.ForeignKey("ImportJob", null=True, on_delete=models.SET_NULL, related_name="ticks")

    class Meta(Tick.Meta):
        constraints = [models.UniqueConstraint(fields=["source", "due_at"], name="one_tick_per_source_and_moment")]

    def __str__(self) -> str:
        return f"{self.source_id}: {self.due_at:%Y-%m-%d %H:%M}"
