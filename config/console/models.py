"""Define the schedule of the system refresh, each of its executions, and their steps."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from config.platform.jobs import clock
from config.platform.jobs.models import OPEN, Job, JobStatus, Schedule, Tick
from exports.models import Run
from segments.models import ImportJob, SegmentRefresh


class SystemSchedule(Schedule):
    """The schedule of the system refresh. There is one row."""

    THE_ONE = 1

    is_on = models.BooleanField(_("on"), default=False)

    class Meta(Schedule.Meta):
        constraints = [
            *Schedule.Meta.constraints,
            models.CheckConstraint(condition=models.Q(pk=1), name="there_is_one_system_schedule"),
        ]

    def __str__(self) -> str:
        return str(_("System schedule"))


class SystemRefresh(Job):
    """One execution: data sources, then what depends on them. Progress counts steps."""

    class Trigger(models.TextChoices):
        MANUAL = "manual", _("Manual")
        SCHEDULE = "schedule", _("Schedule")

    trigger = models.CharField(max_length=10, choices=Trigger.choices)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["status"],
                condition=models.Q(status=JobStatus.PROCESSING),
                name="one_working_system_refresh",
            ),
            models.UniqueConstraint(
                fields=["status"], condition=models.Q(status=JobStatus.QUEUED), name="one_queued_system_refresh"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=OPEN) | models.Q(finished_at__isnull=False),
                name="finished_system_refresh_has_finish_time",
            ),
        ]

    def __str__(self) -> str:
        return str(_("System refresh"))


class AppliedConfiguration(models.Model):
    """A file that the command “apply” has applied, with the revision that it was given, such as a commit."""

    applied_at = models.DateTimeField(default=clock.now)
    file_name = models.CharField(max_length=255)
    revision = models.CharField(max_length=200, blank=True)
    changed = models.IntegerField()  # how many entries of the configuration

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.revision or self.file_name


class SystemTick(Tick):
    """A due moment of the schedule, and the refresh that it started."""

    refresh = models.ForeignKey(SystemRefresh, null=True, on_delete=models.SET_NULL, related_name="ticks")

    class Meta(Tick.Meta):
        constraints = [models.UniqueConstraint(fields=["due_at"], name="one_system_tick_per_moment")]

    def __str__(self) -> str:
        return f"{self.due_at:%Y-%m-%d %H:%M}"


class StepKind(models.TextChoices):
    DATA_SOURCE = "data_source", _("Data sources")
    SEGMENT = "segment", _("Segments")
    EXPORT = "export", _("Exports")


class RefreshStep(models.Model):
    """One thing that a system refresh refreshes. What it waits for is decided when the refresh begins."""

    refresh = models.ForeignKey(SystemRefresh, on_delete=models.CASCADE, related_name="steps")
    kind = models.CharField(max_length=12, choices=StepKind.choices)
    target_id = models.BigIntegerField()
    name = models.CharField(max_length=200)
    waits_for = ArrayField(models.BigIntegerField(), default=list)  # ids of steps
    status = models.CharField(max_length=20, choices=JobStatus.choices, default=JobStatus.QUEUED)
    message = models.TextField(blank=True)
    # The step because of which this one was skipped.
    blocked_by = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")
    finished_at = models.DateTimeField(null=True)
    # What does the work, one of:
    import_job = models.ForeignKey(ImportJob, null=True, on_delete=models.SET_NULL, related_name="steps")
    segment_refresh = models.ForeignKey(SegmentRefresh, null=True, on_delete=models.SET_NULL, related_name="steps")
    run = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="steps")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["refresh", "kind", "target_id"], name="step_is_unique"),
        ]
        indexes = [models.Index(fields=["refresh", "status"], name="step_by_status")]

    def __str__(self) -> str:
        return self.name

    @property
    def job(self) -> Job | None:
        """Return the job of the step, once there is one."""
        return self.import_job or self.segment_refresh or self.run

    @property
    def is_open(self) -> bool:
        return self.status in OPEN
