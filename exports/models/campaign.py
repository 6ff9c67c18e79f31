"""Campaigns that were sent to lists, with their results, and the jobs that read them."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from config.platform.jobs import clock
from config.platform.jobs.models import Job
from exports.models.list_state import ListState


class Campaign(models.Model):
    """A sent campaign of an account, with its results as they were when last read. Counts, no persons."""

    account = models.CharField(max_length=80)
    campaign_id = models.CharField(max_length=64)
    name = models.CharField(max_length=300)
    subject = models.CharField(max_length=300, blank=True)
    # By the clock of the lists' dates: a text that sorts by time.
    sent_at = models.CharField(max_length=32)
    # The lists that it was sent to, which never change; None until that was read.
    list_ids = ArrayField(models.CharField(max_length=64), null=True)
    recipients = models.BigIntegerField(default=0)
    opened = models.BigIntegerField(default=0)
    opens = models.BigIntegerField(default=0)
    clicks = models.BigIntegerField(default=0)
    bounced = models.BigIntegerField(default=0)
    unsubscribed = models.BigIntegerField(default=0)
    complaints = models.BigIntegerField(default=0)
    url = models.URLField(max_length=500, blank=True)
    read_at = models.DateTimeField(null=True)  # when the results were read last

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "campaign_id"], name="campaign_is_known_once"),
        ]
        indexes = [GinIndex(fields=["list_ids"], name="campaign_by_list")]

    def __str__(self) -> str:
        return self.name


class CampaignReading(Job):
    """The standing job that reads the campaigns sent to a list. It stays queued; a worker claims it when it is
    due. ``message``: why the last reading failed."""

    list_state = models.OneToOneField(ListState, on_delete=models.CASCADE, related_name="campaign_reading")
    due_at = models.DateTimeField(default=clock.now, db_index=True)
    completed_at = models.DateTimeField(null=True)  # when the last complete reading ended
    tries = models.IntegerField(default=0)  # readings that failed, one after the other

    def __str__(self) -> str:
        return str(self.list_state)
