"""One execution of an export, and the story of its statuses."""

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.platform.jobs import clock
from config.platform.jobs.models import OPEN, Job, JobStatus
from connections.destinations.base import Destination
from connections.models import Account, Connection
from exports.models.delivered import DeliveredSet
from exports.models.export import Export
from exports.models.snapshot import RunSnapshot, SnapshotField


class Trigger(models.TextChoices):
    MANUAL = "manual", _("Manual")
    COMMAND = "command", _("Command line")
    API = "api", _("REST API")
    SCHEDULE = "schedule", _("Schedule")
    RETRY = "retry", _("Retry")
    SYSTEM = "system", _("System refresh")
    AFTER = "after", _("Run after")


class Stage(models.TextChoices):
    """How far a run has come. Each stage is entered by one committed write, so that it can be resumed."""

    CHECK = "check", _("Check")
    PLAN = "plan", _("Plan")
    DELIVER = "deliver", _("Deliver")
    COMPLETE = "complete", _("Complete")


class RunKind(models.TextChoices):
    """What a run does. The steps of each kind stand in exports/run/pipeline.py."""

    EXPORT = "export", _("Export")  # sends the members of the segments, and removes who left them
    RESTORE = "restore", _("Restore")  # adds again the subscribers that an earlier run removed
    LIST_CLEANUP = "list_cleanup", _("List cleanup")  # removes contacts from a list that is no longer used


class Run(Job):
    """One execution of an export. Progress counts profiles."""

    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="runs")
    number = models.IntegerField()
    kind = models.CharField(max_length=12, choices=RunKind.choices, default=RunKind.EXPORT)
    trigger = models.CharField(max_length=10, choices=Trigger.choices)
    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.CHECK)
    reason = models.CharField(max_length=40, blank=True)  # a run_states.Reason
    # The list of the run: known from the beginning of a list cleanup, else once the run is checked. No other run
    # may work on that list meanwhile.
    account = models.CharField(max_length=80, blank=True)
    list_id = models.CharField(max_length=64, blank=True)
    # The settings as they were when the run was checked; empty before.
    snapshot = SnapshotField(default=RunSnapshot)
    # Options of this run alone: RunOptions as JSON.
    options = models.JSONField(default=dict)
    # Waits until then: everything that is left waits for the destination. A Failure is tried again then.
    resume_at = models.DateTimeField(null=True, blank=True)
    # The failed run that this one tries again, and how many such tries came before the next.
    retry_of = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="tried_again_by"
    )
    retries = models.IntegerField(default=0)
    # The names of the data sources and exports whose success has triggered it.
    started_after = models.TextField(blank=True, db_default="", default="")
    # When it was checked and planned, so that it can be said how long the stages take.
    checked_at = models.DateTimeField(null=True, blank=True)
    planned_at = models.DateTimeField(null=True, blank=True)

    # Unexpected errors and refused calls outside batches so far: too many, and the run fails.
    errors = models.IntegerField(default=0)

    # Counts of the plan …
    members = models.BigIntegerField(default=0)
    invalid = models.BigIntegerField(default=0)
    duplicates = models.BigIntegerField(default=0)
    excluded_by_segment = models.BigIntegerField(db_default=0, default=0)
    without_consent = models.BigIntegerField(default=0)
    held_out = models.BigIntegerField(db_default=0, default=0)  # in the control group
    unchanged = models.BigIntegerField(default=0)
    still_refused = models.BigIntegerField(default=0)
    # Of these, contacts that the list had suppressed when last asked.
    still_suppressed = models.BigIntegerField(db_default=0, default=0)
    to_add = models.BigIntegerField(default=0)
    to_update = models.BigIntegerField(default=0)
    # (members = invalid + duplicates + excluded_by_segment + without_consent + held_out + unchanged
    # + still_refused + planned, always)
    # … and of what became of it: planned = delivered + left + rejected + unknown + not_sent, always.
    planned = models.BigIntegerField(default=0)
    delivered = models.BigIntegerField(default=0)
    new_people = models.BigIntegerField(default=0)
    left = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    newly_rejected = models.BigIntegerField(
        default=0
    )  # of these, the contacts that no earlier run was refused for the same reason
    # Sent, and the answer does not tell whether the list took them; the next run sends them again.
    unknown = models.BigIntegerField(db_default=0, default=0)
    not_sent = models.BigIntegerField(default=0)
    # Sent or unchanged, without a value that the list cannot hold.
    incomplete = models.BigIntegerField(db_default=0, default=0)
    # Of those who have left the segments: to_remove = removed + kept + not_removed, always; held ones await
    # confirmation and are in none of the three.
    to_remove = models.BigIntegerField(default=0)
    removed = models.BigIntegerField(default=0)
    kept = models.BigIntegerField(default=0)
    not_removed = models.BigIntegerField(default=0)
    removals_held = models.BigIntegerField(default=0)
    removal_guard = models.CharField(max_length=40, blank=True)
    # How many the list said afterwards are active, and how many the export knew there.
    active_on_list = models.BigIntegerField(null=True)
    known_on_list = models.BigIntegerField(null=True)
    # How many contacts of the export itself were known to be on the list when the run had ended.
    own_on_list = models.BigIntegerField(null=True)

    # When the contacts that it has sent to were recorded (privacy/disclosures.py), and of which batch last; until
    # its batches tell.
    disclosed_at = models.DateTimeField(null=True, blank=True)
    disclosed_batch = models.IntegerField(db_default=0)
    # Since when the people in its batches, and its exceptional people, are no longer kept.
    batches_emptied_at = models.DateTimeField(null=True, blank=True)
    outcomes_removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["export", "number"], name="run_number_is_unique"),
            models.UniqueConstraint(
                fields=["export"],
                condition=models.Q(status=JobStatus.PROCESSING) & ~models.Q(kind=RunKind.LIST_CLEANUP),
                name="one_working_run_per_export",
            ),
            models.UniqueConstraint(
                fields=["export"],
                condition=models.Q(status=JobStatus.QUEUED) & ~models.Q(kind=RunKind.LIST_CLEANUP),
                name="one_queued_run_per_export",
            ),
            models.UniqueConstraint(
                fields=["export", "account", "list_id"],
                condition=models.Q(status__in=OPEN, kind=RunKind.LIST_CLEANUP),
                name="one_open_cleanup_per_list",
            ),
            models.UniqueConstraint(
                fields=["account", "list_id"],
                condition=models.Q(status=JobStatus.PROCESSING) & ~models.Q(list_id=""),
                name="one_working_run_per_list",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=OPEN) | models.Q(finished_at__isnull=False),
                name="finished_run_has_finish_time",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "resume_at"], name="run_by_status"),
            models.Index(fields=["finished_at"], name="run_by_finish"),
            models.Index(fields=["id"], condition=models.Q(disclosed_at=None), name="run_to_disclose"),
        ]

    @property
    def destination(self) -> Destination:
        """The destination of its list, known once it is checked."""
        return Account.parse(self.account).destination

    @property
    def is_cleanup(self) -> bool:
        """Whether the run removes contacts from a list that its export no longer uses."""
        return self.kind == RunKind.LIST_CLEANUP

    @property
    def connection(self) -> Connection | None:
        """The connection that the run uses."""
        return self.cleanup.connection if self.is_cleanup else self.export.connection

    @property
    def target(self) -> DeliveredSet | Export:
        """The row that names the list of the run."""
        return self.cleanup.delivered_set if self.is_cleanup else self.export

    @property
    def asked_in(self) -> "Run":
        """The run that was asked for what this one does: itself, or the first that it tries again."""
        run = self
        while run.retry_of is not None:
            run = run.retry_of
        return run

    @property
    def drift(self) -> int:
        """How many more are active on the list than the export knows there; fewer when negative."""
        return (self.active_on_list or 0) - (self.known_on_list or 0)

    @property
    def missing_on_list(self) -> int:
        return max(0, -self.drift)

    def __str__(self) -> str:
        return f"{self.export} #{self.number}"

    @property
    def next_try_at(self) -> datetime | None:
        """When it is tried again automatically; None when it is not."""
        return self.resume_at if self.status == JobStatus.FAILURE else None


class RunEvent(models.Model):
    """One change of a run's status: when, from what to what, why and by which user."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(default=clock.now)
    from_status = models.CharField(max_length=20, blank=True)
    to_status = models.CharField(max_length=20)
    reason = models.CharField(max_length=40, blank=True)
    by_name = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.from_status} → {self.to_status}"
