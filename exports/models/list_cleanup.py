"""The cleanup of a list that an export no longer uses."""

from django.db import models

from connections.models import Connection
from exports.models.delivered import DeliveredSet
from exports.models.run import Run


class ListCleanup(models.Model):
    """The removal of the contacts that an export added to a list that it no longer uses: which list, and the
    connection that leads there. Its run (RunKind.LIST_CLEANUP) carries it out; how the contacts are removed, and
    how many a person confirmed, stands in the options of the run."""

    run = models.OneToOneField(Run, primary_key=True, on_delete=models.CASCADE, related_name="cleanup")
    delivered_set = models.ForeignKey(DeliveredSet, on_delete=models.CASCADE, related_name="cleanups")
    connection = models.ForeignKey(Connection, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    def __str__(self) -> str:
        return f"{self.run}: {self.delivered_set.title}"
