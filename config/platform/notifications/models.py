"""Define kinds of alerts, conditions, which are open while something is wrong, and the notifications of them.

A condition opens when a state worsens and closes when it recovers. The database allows one open condition of a
kind and subject, and one notification of a condition, change and recipient: each recipient is notified exactly
once, however many attempts, processes and crashes lie between. A notification is a job: sent later when not
now.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.platform.jobs import clock
from config.platform.jobs.models import Job


class Kind(TextChoices):
    """The kinds of alerts."""

    FAILED = "failed", _("Failed (permanent)")
    SKIPPED = "skipped", _("Skipped")
    NEEDS_CONFIRMATION = "needs_confirmation", _("Needs confirmation")
    OVER_LIMIT = "over_limit", _("Over limit")
    REJECTED = "rejected", _("Many contacts rejected")
    LATE = "late", _("Schedule missed")
    DRIFT = "drift", _("List differs")
    SEGMENT_EMPTY = "segment_empty", _("Empty segment")
    SEGMENT_HALVED = "segment_halved", _("Segment lost half of its members")
    RECONNECT = "reconnect", _("Reconnect needed")
    EXPORT_USER = "export_user", _("Export user needed")
    WEBHOOK_OFF = "webhook_off", _("Webhook turned off")
    EVIDENCE = "evidence", _("Evidence not written")
    TEST = "test", _("Test")


KIND_MEANINGS: dict[Kind, Promise] = {
    Kind.FAILED: _(
        "An export or a refresh failed permanently and needs attention. Automatic retries are not reported."
    ),
    Kind.SKIPPED: _("An export was skipped because something it depends on failed."),
    Kind.NEEDS_CONFIRMATION: _("A run or an import needs confirmation."),
    Kind.OVER_LIMIT: _("An export has more contacts than its limit."),
    Kind.REJECTED: _("A run had more rejected contacts than the configured share."),
    Kind.LATE: _("An export or the system refresh has not run on its schedule."),
    Kind.DRIFT: _("Many contacts on a list differ from what exports know of them."),
    Kind.SEGMENT_EMPTY: _("A segment that had members is now empty."),
    Kind.SEGMENT_HALVED: _("A segment lost more than half of its members in a refresh."),
    Kind.RECONNECT: _("The destination no longer accepts the credentials of a connection."),
    Kind.WEBHOOK_OFF: _("A webhook was turned off because its receiver has accepted no event for days."),
    Kind.EVIDENCE: _("Files with the evidence of runs cannot be written."),
    Kind.EXPORT_USER: _("The export user of a connection is no longer an active administrator."),
}


class Condition(models.Model):
    """A state that people are notified of, from its beginning to its end."""

    kind = models.CharField(max_length=30, choices=Kind.choices)
    # Of what: kept in plain words, since this package knows nothing of exports, segments and connections.
    subject_kind = models.CharField(max_length=30)
    subject_key = models.CharField(max_length=60)
    subject_name = models.CharField(max_length=200)
    # The exports and connections that the subject belonged to when the alert was opened: the same webhooks get
    # the events that it was opened and resolved.
    export_ids = ArrayField(models.BigIntegerField(), default=list, db_default=[])
    connection_ids = ArrayField(models.BigIntegerField(), default=list, db_default=[])
    path = models.CharField(max_length=200, blank=True)
    sentence = models.TextField(blank=True)
    # What its recovery is measured by, where that takes a number.
    measure = models.BigIntegerField(null=True, blank=True)
    # Of a run: how many contacts have which result.
    results = models.JSONField(null=True, blank=True)
    opened_at = models.DateTimeField(default=clock.now)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject_kind", "subject_key"],
                condition=Q(closed_at=None),
                name="one_open_condition_of_a_kind",
            )
        ]
        indexes = [models.Index(fields=["subject_kind", "subject_key"], name="condition_by_subject")]

    def __str__(self) -> str:
        return f"“{self.subject_name}”: {self.get_kind_display()}"


class Change(models.TextChoices):
    """Whether a notification is about the beginning or the end of a condition."""

    OPENED = "opened", _("Problem")
    CLOSED = "closed", _("Resolved")


class Channel(models.TextChoices):
    """The channel by which a notification is sent."""

    MAIL = "mail", _("Email")
    WEBHOOK = "webhook", _("Webhook")


class Notification(Job):
    """One change of one condition, sent to one recipient: an address, or the webhook. ``message`` is what went
    wrong with it last."""

    condition = models.ForeignKey(Condition, on_delete=models.CASCADE, related_name="notifications")
    change = models.CharField(max_length=10, choices=Change.choices)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    recipient = models.CharField(max_length=254, blank=True)
    not_before = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["condition", "change", "channel", "recipient"], name="everybody_is_told_once"
            )
        ]
        indexes = [models.Index(fields=["status", "not_before"], name="notification_by_status")]

    def __str__(self) -> str:
        return f"{self.condition} → {self.recipient or self.get_channel_display()}"
