"""Contacts of a run or a preview that were not sent, many in a row."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from exports.models.preview import ExportPreview
from exports.models.run import Run


class ContactBlock(models.Model):
    """Up to 1,000 contacts with one result, as arrays in step with each other. A run keeps those for which nothing
    was sent and no outcome is kept: a row for each would take longer than the run. A preview keeps all."""

    run = models.ForeignKey(Run, null=True, on_delete=models.CASCADE, related_name="blocks")
    preview = models.ForeignKey(ExportPreview, null=True, on_delete=models.CASCADE, related_name="blocks")
    kind = models.CharField(max_length=24)  # a results.summary.ContactKind
    code = models.CharField(max_length=40, blank=True, db_default="")
    # The segment that the contacts have left, where it is known.
    segment = models.CharField(max_length=200, blank=True, db_default="")
    size = models.IntegerField()
    profile_ids = ArrayField(models.BigIntegerField())
    emails = ArrayField(models.TextField())

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["run", "kind"], condition=models.Q(run__isnull=False), name="block_of_run"),
            models.Index(
                fields=["preview", "kind"], condition=models.Q(preview__isnull=False), name="block_of_preview"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(run__isnull=True) ^ models.Q(preview__isnull=True),
                name="block_of_run_or_preview",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.size}"
