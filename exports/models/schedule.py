"""When exports run automatically, and the result of each due moment."""

from django.db import models

from config.platform.jobs.models import Schedule, Tick
from exports.models.export import Export
from exports.models.run import Run


class ExportSchedule(Schedule):
    """When an export runs automatically."""

    export = models.OneToOneField(Export, on_delete=models.CASCADE, related_name="schedule")

    def __str__(self) -> str:
        return self.export.name


class ExportTick(Tick):
    """That an export was due, and the run that it started. Exactly one run for each: the database sees to it."""

    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="ticks")
    run = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="ticks")

    class Meta(Tick.Meta):
        constraints = [models.UniqueConstraint(fields=["export", "due_at"], name="one_tick_per_export_and_moment")]

    def __str__(self) -> str:
        return f"{self.export_id}: {self.due_at:%Y-%m-%d %H:%M}"
