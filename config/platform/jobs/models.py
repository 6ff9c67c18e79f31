"""Define what every background job shares: its worker, lease, progress and cancellation.

A job is a row. Its worker holds a lease by the database's clock and an attempt number; every write says ``WHERE
attempt = mine`` (see leases.py), so that a worker that wakes too late changes nothing.
"""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from config.platform.jobs import clock
from config.platform.jobs.deadline import Stamp


class JobStatus(models.TextChoices):
    """Statuses in the mirrored product's words."""

    QUEUED = "queued", _("Queued")
    PROCESSING = "processing", _("Processing")
    SUCCESSFUL = "successful", _("Successful")
    WARNINGS = "warnings", _("Completed with warnings")
    SKIPPED = "skipped", _("Skipped")
    FAILURE = "failure", _("Failure")
    FAILED = "failed", _("Failed (permanent)")
    CANCELED = "canceled", _("Canceled")
    NEEDS_CONFIRMATION = "needs_confirmation", _("Needs confirmation")


OPEN = (JobStatus.QUEUED, JobStatus.PROCESSING)
ENDED_WELL = (JobStatus.SUCCESSFUL, JobStatus.WARNINGS)


class Job(models.Model):
    """Base of imports, refreshes and runs."""

    status = models.CharField(max_length=20, choices=JobStatus.choices, default=JobStatus.QUEUED)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    attempt = models.IntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    progress_done = models.BigIntegerField(default=0)
    progress_total = models.BigIntegerField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    # For people: why it ended as it did. Empty while all is well.
    message = models.TextField(blank=True)

    # The clocks as read before this worker claimed the job; None in a process that has not claimed it.
    lease_stamp: Stamp | None = None

    class Meta:
        abstract = True

    @property
    def is_open(self) -> bool:
        """Return whether the job is queued or processing."""
        return self.status in OPEN

    @property
    def percent(self) -> int:
        """Return the progress in percent; 0 while the total is unknown."""
        if not self.progress_total:
            return 0
        return min(100, self.progress_done * 100 // self.progress_total)


class Schedule(models.Model):
    """Base of schedules: whether, and when, something runs without a click. Things without a row follow the
    system refresh.

    When it is due next is computed once and stored; a tick looks for what is due (see schedules/ticks.py)."""

    is_on = models.BooleanField(_("on"), default=True)
    # As schedules/serialize.py writes it; None: every system refresh.
    rule = models.JSONField(_("schedule"), null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    version = models.IntegerField(default=0)  # 0: none was saved yet

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=models.Q(due_at=None, is_on=False)
                | models.Q(due_at=None, rule__isnull=True)
                | models.Q(due_at__isnull=False, is_on=True, rule__isnull=False),
                name="%(class)s_is_due_while_on",
            )
        ]
        indexes = [models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="%(class)s_due")]

    @property
    def runs_with_system(self) -> bool:
        """Return whether every system refresh runs it."""
        return self.is_on and self.rule is None


class TickResult(models.TextChoices):
    """The result of a due moment."""

    STARTED = "started", _("Started")
    JOINED = "joined", _("Merged with a queued job")
    PASSED_OVER = "passed_over", _("Skipped, because it was missed")
    IMPOSSIBLE = "impossible", _("Not started, because it had no connection")


NOT_STARTED = (TickResult.PASSED_OVER, TickResult.IMPOSSIBLE)


class Tick(models.Model):
    """Base of ticks: that a due moment was noticed, once, and its result."""

    due_at = models.DateTimeField()
    noticed_at = models.DateTimeField(default=clock.now)
    # No tick noticed this earlier due moment in time; those between were passed over.
    missed_since = models.DateTimeField(null=True)
    was_missed = models.BooleanField(default=False)  # noticed too late to count as on time
    result = models.CharField(max_length=12, choices=TickResult.choices)

    class Meta:
        abstract = True
        ordering = ["-due_at"]
