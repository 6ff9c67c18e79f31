"""The webhook of a list, by which the destination tells us that something changed there."""

from django.db import models

from config.platform.jobs import clock
from config.platform.jobs.models import Job
from connections.models import Connection
from exports.models.list_state import ListState


class ListWebhook(Job):
    """The webhook that we have created on a list, or are to create or delete there. It stays queued; a worker
    claims it when it is due. Its address holds a secret, of which the hash alone is kept. ``message``: the code of
    what failed last."""

    # None: the last export to the list was removed.
    list_state = models.OneToOneField(ListState, null=True, on_delete=models.SET_NULL, related_name="webhook")
    account = models.CharField(max_length=80)
    list_id = models.CharField(max_length=64)
    connection = models.ForeignKey(Connection, null=True, on_delete=models.SET_NULL, related_name="+")
    is_wanted = models.BooleanField(default=True)
    secret_hash = models.CharField(max_length=64, blank=True)  # SHA-256 of a random secret
    base_url = models.CharField(max_length=200, blank=True)  # of the address that was registered
    remote_id = models.CharField(max_length=64, blank=True)  # the destination's ID; empty: not created
    due_at = models.DateTimeField(default=clock.now, db_index=True)
    tries = models.IntegerField(default=0)
    checked_at = models.DateTimeField(null=True)  # when the destination last showed it as active
    received_at = models.DateTimeField(null=True)  # its last call

    def __str__(self) -> str:
        return self.list_id
