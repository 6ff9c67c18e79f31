"""Imports of files, and their refused rows."""

from django.db import models

from config.platform.jobs.models import OPEN, Job, JobStatus
from segments.models.profile import DataSource


class ImportJob(Job):
    """The import of a file into a data source. Progress counts bytes of the file."""

    source = models.ForeignKey(DataSource, on_delete=models.CASCADE, related_name="imports")
    file_name = models.CharField(max_length=255)
    path = models.CharField(max_length=500)
    read_at = models.DateTimeField(null=True, blank=True)  # when the file was read to its end
    rows_read = models.BigIntegerField(default=0)
    rows_created = models.BigIntegerField(default=0)
    rows_updated = models.BigIntegerField(default=0)
    rows_unchanged = models.BigIntegerField(default=0)
    rows_refused = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source"],
                condition=models.Q(status=JobStatus.PROCESSING),
                name="one_working_import_per_source",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=OPEN) | models.Q(finished_at__isnull=False),
                name="finished_import_has_finish_time",
            ),
        ]

    def __str__(self) -> str:
        return self.file_name


class ImportProblem(models.Model):
    """A refused row of an import, with the reason."""

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="problems")
    line = models.BigIntegerField()
    reason = models.TextField()

    class Meta:
        ordering = ["line"]

    def __str__(self) -> str:
        return f"{self.line}: {self.reason}"
