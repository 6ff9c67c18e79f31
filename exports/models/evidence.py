"""The jobs that write the evidence of runs."""

from django.db import models

from config.platform.jobs import clock
from config.platform.jobs.models import Job
from exports.models.run import Run


class EvidenceWriting(Job):
    """The job that writes the files of one run. ``message``: why the last attempt failed."""

    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="evidence")
    due_at = models.DateTimeField(default=clock.now, db_index=True)
    tries = models.IntegerField(default=0)  # attempts that failed

    def __str__(self) -> str:
        return str(self.run)
