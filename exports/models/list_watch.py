"""The watch of a list: when it is looked at next, and how far the looks have come."""

from django.db import models

from config.platform.jobs import clock
from config.platform.jobs.models import Job
from exports.models.list_state import ListState


class ListWatch(Job):
    """The standing job that reads from a list which subscribers left it or joined it. It stays queued; a worker
    claims it when it is due. ``message``: why the last look failed."""

    list_state = models.OneToOneField(ListState, on_delete=models.CASCADE, related_name="watch")
    due_at = models.DateTimeField(default=clock.now, db_index=True)
    asked_at = models.DateTimeField(null=True)  # a webhook asked for a look, which has not begun since
    began_at = models.DateTimeField(null=True)  # when the present look began; None between two
    by_webhook = models.BooleanField(db_default=False)  # whether a webhook asked for the present look
    looked_at = models.DateTimeField(null=True)  # when the last look that is complete began
    # How far the looks have come, by subscriber state: feedback.positions.Position as JSON.
    positions = models.JSONField(default=dict)
    tries = models.IntegerField(default=0)  # looks that failed, one after the other

    def __str__(self) -> str:
        return str(self.list_state)
