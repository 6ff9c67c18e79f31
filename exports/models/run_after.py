"""What an export runs after, and starts that these noted and that have not begun."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from exports.models.export import Export
from segments.models import DataSource


class RunAfter(models.Model):
    """That an export runs after a data source was imported, or after another export succeeded: one of the two."""

    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="run_after")
    source = models.ForeignKey(
        DataSource, null=True, blank=True, on_delete=models.CASCADE, related_name="exports_after"
    )
    predecessor = models.ForeignKey(
        Export, null=True, blank=True, on_delete=models.CASCADE, related_name="exports_after"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(source=None, predecessor__isnull=False)
                | models.Q(source__isnull=False, predecessor=None),
                name="run_after_names_one_thing",
            ),
            models.CheckConstraint(
                condition=~models.Q(predecessor=models.F("export")), name="export_runs_not_after_itself"
            ),
            models.UniqueConstraint(fields=["export", "source"], name="run_after_a_source_once"),
            models.UniqueConstraint(fields=["export", "predecessor"], name="run_after_an_export_once"),
        ]

    def __str__(self) -> str:
        return f"{self.export_id} after {self.source_id or self.predecessor_id}"


class TriggeredStart(models.Model):
    """That an export is to run because others have succeeded; deleted when the run begins. Successes that arrive
    together share it."""

    export = models.OneToOneField(Export, on_delete=models.CASCADE, related_name="triggered_start")
    first_at = models.DateTimeField()
    due_at = models.DateTimeField()
    # A data source is among the causes: the segments are refreshed before the run.
    refreshes = models.BooleanField()
    # The names of the data sources and exports that succeeded.
    causes = ArrayField(models.CharField(max_length=120))

    def __str__(self) -> str:
        return f"{self.export_id}: {self.due_at:%Y-%m-%d %H:%M}"
