"""Define events, the webhooks that they are sent to, and the delivery of one event to one webhook.

An event is written in the transaction that makes the change, with a delivery for each webhook that wants it. A
delivery is a job: made again until the receiver accepts it, always with the same ID of the event.
"""

from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, TextChoices
from django.utils.translation import gettext_lazy as _

from config.platform.encryption.fields import EncryptedJSONField
from config.platform.jobs import clock
from config.platform.jobs.models import OPEN, Job


class EventType(TextChoices):
    """The types of events."""

    RUN_QUEUED = "run.queued", _("Run queued")
    RUN_STARTED = "run.started", _("Run started")
    RUN_COMPLETED = "run.completed", _("Run completed")
    RUN_NEEDS_CONFIRMATION = "run.needs_confirmation", _("Run needs confirmation")
    RUN_FAILED = "run.failed", _("Run failed")
    SEGMENT_REFRESHED = "segment.refreshed", _("Segment refreshed")
    LIST_DRIFT = "list.drift", _("List differs")
    ALERT_OPENED = "alert.opened", _("Alert opened")
    ALERT_RESOLVED = "alert.resolved", _("Alert resolved")


# Sent by the button of a webhook alone, whatever types it wants.
TEST_EVENT = "webhook.test"


def _new_event_id() -> str:
    return f"evt_{uuid4().hex}"


class Event(models.Model):
    """One thing that happened. ``event_id`` is what receivers know it by; ``data`` holds nothing personal."""

    event_id = models.CharField(max_length=40, unique=True, default=_new_event_id)
    type = models.CharField(max_length=40)
    occurred_at = models.DateTimeField(default=clock.now, db_index=True)
    data = models.JSONField()

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"


class Webhook(models.Model):
    """An address that events are sent to. ``sealed`` holds the secret, and the former one for a day after it was
    replaced."""

    # It may hold a secret too, so it is shown to those who manage webhooks alone.
    address = models.CharField(_("address"), max_length=500)
    event_types = ArrayField(models.CharField(max_length=40), verbose_name=_("event types"))
    # Events of one connection or one export alone; this package knows no more than their IDs. None: of all.
    connection_id = models.BigIntegerField(_("connection"), null=True, blank=True)
    export_id = models.BigIntegerField(_("export"), null=True, blank=True)
    sealed = EncryptedJSONField(verbose_name=_("secret"))
    former_secret_until = models.DateTimeField(null=True, blank=True)
    is_enabled = models.BooleanField(_("on"), default=True)
    version = models.IntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now)
    # Since when no delivery was accepted, and how many attempts have failed in a row.
    failing_since = models.DateTimeField(null=True, blank=True)
    failures = models.IntegerField(default=0)
    # Nothing is sent before, because the receiver is failing.
    resume_at = models.DateTimeField(null=True, blank=True)
    tried_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(connection_id=None) | Q(export_id=None), name="webhook_has_one_scope"
            )
        ]

    def __str__(self) -> str:
        return self.host

    @property
    def host(self) -> str:
        """The host of the address, with its port."""
        return self.address.partition("://")[2].partition("/")[0].partition("?")[0]


class Delivery(Job):
    """The delivery of one event to one webhook. ``message`` says why the last attempt failed."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    not_before = models.DateTimeField(default=clock.now)
    # Attempts, and the moment it was queued, since it was last resent.
    tries = models.IntegerField(default=0)
    queued_at = models.DateTimeField(default=clock.now)
    http_status = models.IntegerField(null=True, blank=True)
    duration_ms = models.IntegerField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event", "webhook"], name="one_delivery_to_a_webhook")]
        indexes = [
            models.Index(fields=["webhook", "not_before"], condition=Q(status__in=OPEN), name="open_delivery"),
            models.Index(fields=["webhook", "-id"], name="delivery_log"),
        ]

    def __str__(self) -> str:
        return f"{self.event} → {self.webhook}"
