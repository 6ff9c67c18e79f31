"""What a run sends, and who was exceptional."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from connections.destinations.values import REMOVALS, BatchOperation
from exports.models.run import Run

IS_REMOVAL = models.Q(operation__in=[operation.value for operation in REMOVALS])


class BatchStatus(models.TextChoices):
    PLANNED = "planned", _("Planned")
    SENDING = "sending", _("Sending")  # the intention, written before the request leaves
    DONE = "done", _("Done")
    SPLIT = "split", _("Split")  # refused as a whole; its two halves go on for it
    NOT_SENT = "not_sent", _("Not attempted")


class Batch(models.Model):
    """One request's worth of a plan: its members stand in it as arrays, in step with each other."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="batches")
    number = models.IntegerField()
    # How often it was halved, written “12”, “12.1”, “12.1.2” on screen.
    label = models.CharField(max_length=60)
    operation = models.CharField(max_length=12, default=BatchOperation.SEND.value)
    status = models.CharField(
        max_length=10,
        choices=BatchStatus.choices,
        default=BatchStatus.PLANNED,
        db_default=BatchStatus.PLANNED.value,
    )
    attempt = models.IntegerField(default=0, db_default=0)
    not_before = models.DateTimeField(null=True)
    size = models.IntegerField()
    # How many of them the export had not delivered before.
    adds = models.IntegerField(default=0, db_default=0)
    profile_ids = ArrayField(models.BigIntegerField())
    emails = ArrayField(models.TextField())
    payloads = ArrayField(models.TextField())
    hashes = ArrayField(models.UUIDField())
    # Whether payloads are in the list's own form; until they are sent, most are mapped values.
    converted = models.BooleanField(db_default=True)

    delivered = models.IntegerField(default=0, db_default=0)  # of a removal: removed
    new_people = models.IntegerField(default=0, db_default=0)
    left = models.IntegerField(default=0, db_default=0)
    rejected = models.IntegerField(default=0, db_default=0)
    # Contacts whose result the answer does not tell.
    unaccounted = models.IntegerField(default=0, db_default=0)
    sent_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    seconds = models.FloatField(null=True)
    http_status = models.IntegerField(null=True)
    bytes_sent = models.IntegerField(null=True)
    # Until when a call of a worker that lost its lease may still land, see results/unknown_results.py.
    late_until = models.DateTimeField(null=True)
    code = models.CharField(max_length=40, blank=True, db_default="")
    message = models.TextField(blank=True, db_default="")

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="batch_number_is_unique")]
        indexes = [
            models.Index(
                fields=["run", "number"],
                condition=models.Q(status__in=("planned", "sending")),
                name="batch_to_send",
            ),
            models.Index(
                fields=["late_until"], condition=models.Q(late_until__isnull=False), name="batch_with_late_call"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.run_id}/{self.label}"


class OutcomeKind(models.TextChoices):
    """Why a profile is exceptional. Who was delivered has no row here."""

    INVALID = "invalid", _("Invalid email")
    DUPLICATE = "duplicate", _("Duplicate email")
    EXCLUSION = "exclusion", _("In the exclusion segment")
    NO_CONSENT = "no_consent", _("No consent")
    CONTROL = "control", _("In the control group")
    LEFT = "left", _("Suppressed")
    REJECTED = "rejected", _("Rejected")
    UNKNOWN = "unknown", _("Unknown")
    INCOMPLETE = "incomplete", _("Delivered without a value")
    TO_REMOVE = "to_remove", _("Removals awaiting confirmation")
    REMOVED = "removed", _("Removed")
    KEPT = "kept", _("Not removed")


class Outcome(models.Model):
    """What became of one exceptional profile of a run."""

    # Without a foreign key in the database: checking it for each of many took as long as writing them. They are
    # written under the run's row, and go with it.
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="outcomes", db_constraint=False)
    batch_number = models.IntegerField(null=True)
    kind = models.CharField(max_length=10, choices=OutcomeKind.choices)
    profile_id = models.BigIntegerField(null=True)
    email = models.TextField(blank=True)
    code = models.CharField(max_length=40)
    message = models.TextField()
    # The key of the field that cannot hold a value.
    field = models.CharField(max_length=120, blank=True, db_default="")
    # The segment that a contact to remove has left, where it is known.
    segment = models.CharField(max_length=200, blank=True, db_default="")
    # Rejected, and not for the same reason with the same data in an earlier run.
    is_new = models.BooleanField(db_default=False)

    class Meta:
        indexes = [models.Index(fields=["run", "kind", "code"], name="outcome_by_kind")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.code}"
