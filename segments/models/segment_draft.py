"""Define the rules that users built and have not saved."""

from django.conf import settings
from django.db import models

from config.platform.jobs import clock


class SegmentDraft(models.Model):
    """Rules that a user built and has not saved. Each open builder has a draft of its own, by ``key``, so that two
    tabs do not overwrite each other's."""

    key = models.UUIDField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    # None: a new segment.
    segment = models.ForeignKey("Segment", null=True, on_delete=models.CASCADE, related_name="drafts")
    # The version of the segment that the user changes.
    base_version = models.IntegerField(default=0)
    rules = models.JSONField()
    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="one_draft_per_user_and_key")]

    def __str__(self) -> str:
        return f"{self.segment_id}: {self.key}"
