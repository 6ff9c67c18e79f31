"""What a run would do, worked out without sending."""

from django.db import models

from config.platform.jobs.models import OPEN, Job
from exports.models.export import Export


class ExportPreview(Job):
    """An answer to “what would a run send now?”, computed by a worker, since a million profiles take a while."""

    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="previews")
    export_version = models.IntegerField()
    # PlanCounts, segments, overlaps and the rest of outlining.PreviewSummary, as plain values.
    outline = models.JSONField(null=True)
    # The first contacts, exactly as they would be sent: [{"email": …, "payload": …, "values": […]}, …]. Emptied
    # when a person is erased.
    sample = models.JSONField(default=list)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["export"], condition=models.Q(status__in=OPEN), name="one_open_preview_per_export"
            )
        ]

    def __str__(self) -> str:
        return f"{self.export}: preview {self.pk}"
