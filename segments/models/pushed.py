"""The inbox of profiles that programs push through the REST API, until they are merged into the profile store."""

from collections.abc import Sequence

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from config.platform.jobs import clock
from segments.models.profile import DataSource


class PushSnapshot(models.Model):
    """A snapshot that is being pushed: when it is finished, the profiles that are not in it leave."""

    source = models.ForeignKey(DataSource, on_delete=models.CASCADE, related_name="push_snapshots")
    started_at = models.DateTimeField(default=clock.now)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    # The import that it became.
    job = models.OneToOneField("ImportJob", null=True, on_delete=models.SET_NULL, related_name="+")
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.source_id}: {self.pk}"


class PushedBatch(models.Model):
    """The accepted profiles of one request: a line of CSV for each, and its key, in step with each other. Deleted
    once they are merged."""

    source = models.ForeignKey(DataSource, on_delete=models.CASCADE, related_name="pushed_batches")
    snapshot = models.ForeignKey(PushSnapshot, null=True, on_delete=models.CASCADE, related_name="batches")
    # The import that merges it; None while it waits.
    job = models.ForeignKey("ImportJob", null=True, on_delete=models.CASCADE, related_name="pushed_batches")
    # The columns of the lines.
    columns = ArrayField(models.TextField())
    keys = ArrayField(models.TextField())
    lines = ArrayField(models.TextField())
    size = models.IntegerField()
    byte_count = models.BigIntegerField(default=0, db_default=0)  # of the lines, when they were accepted
    # How many profiles were accepted; an erasure makes ``size`` less.
    accepted = models.IntegerField(default=0, db_default=0)
    # How many imports of it have failed, and when the next may start.
    failed_imports = models.IntegerField(default=0, db_default=0)
    retry_at = models.DateTimeField(null=True)
    pushed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    received_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [
            models.Index(
                fields=["source", "id"],
                condition=models.Q(job__isnull=True, snapshot__isnull=True),
                name="pushed_batch_to_merge",
            )
        ]

    def __str__(self) -> str:
        return f"{self.source_id}: {self.pk}"

    def keep_rows(self, rows: Sequence[tuple[str, str]]) -> None:
        """Keep only these rows, each a key and its line. Without any a batch that waits to be merged is deleted;
        one of a snapshot stays, since it counts what was accepted."""
        if len(rows) == self.size:
            return
        if not rows and self.snapshot_id is None:
            self.delete()
            return
        self.keys, self.lines = [key for key, _line in rows], [line for _key, line in rows]
        self.size = len(rows)
        self.save(update_fields=["keys", "lines", "size"])
