"""The comparison of a list with its list state: how far it has come, what it read, and what differs."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.platform.jobs import clock
from config.platform.jobs.models import OPEN, Job
from exports.models.list_state import ListState


class DriftKind(models.TextChoices):
    """How a contact on a list differs from what is known of it."""

    STATE = "state", _("Other status")  # who left or joined again, which no look has found
    DATA = "data", _("Other data")  # changed on the list since exports sent the contact
    GONE = "gone", _("Not on the list")  # sent by an export, and in no state on the list
    NOT_OURS = "not_ours", _("Not from an export")  # active there, and not sent by an export


class ListComparison(Job):
    """One comparison of a list with the list state. Progress counts pages."""

    list_state = models.ForeignKey(ListState, on_delete=models.CASCADE, related_name="comparisons")
    due_at = models.DateTimeField(default=clock.now)
    tries = models.IntegerField(default=0)
    # The page to read next of each subscriber state, and the number of its pages where that is known.
    positions = models.JSONField(default=dict)
    fields = models.JSONField(default=list)  # the keys of the fields whose values are compared
    # Subscribers on the list, active ones, contacts that exports sent, and those that differ.
    subscribers = models.BigIntegerField(default=0)
    active = models.BigIntegerField(default=0)
    contacts = models.BigIntegerField(default=0)
    other_state = models.BigIntegerField(default=0)
    other_data = models.BigIntegerField(default=0)
    gone = models.BigIntegerField(default=0)
    not_ours = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["list_state"], condition=models.Q(status__in=OPEN), name="one_open_comparison_per_list"
            )
        ]

    def __str__(self) -> str:
        return f"{self.list_state}: {self.get_status_display()}"

    def count(self, kind: DriftKind) -> int:
        """Return how many contacts differ in that way."""
        counts = {
            DriftKind.STATE: self.other_state,
            DriftKind.DATA: self.other_data,
            DriftKind.GONE: self.gone,
            DriftKind.NOT_OURS: self.not_ours,
        }
        return counts[kind]


class ListedContact(models.Model):
    """A subscriber as a comparison read it. Of the last comparison, those that exports sent are kept, so that the
    next one finds whose values have changed."""

    pk = models.CompositePrimaryKey("comparison", "email")
    # Without a foreign key in the database, see SyncedContact.
    comparison = models.ForeignKey(
        ListComparison, on_delete=models.CASCADE, related_name="listed", db_constraint=False, db_index=False
    )
    email = models.CharField(max_length=254)
    state = models.CharField(max_length=12)
    since = models.CharField(max_length=30)
    values_hash = models.UUIDField(null=True)

    def __str__(self) -> str:
        return f"{self.email}: {self.state}"


class ListDrift(models.Model):
    """A contact that differs, of the last comparison of a list; of each kind so many are kept at most."""

    pk = models.CompositePrimaryKey("comparison", "kind", "email")
    comparison = models.ForeignKey(
        ListComparison, on_delete=models.CASCADE, related_name="drift", db_constraint=False, db_index=False
    )
    kind = models.CharField(max_length=10, choices=DriftKind.choices)
    email = models.CharField(max_length=254)
    code = models.CharField(max_length=40, blank=True)  # the state on the list, where that differs

    def __str__(self) -> str:
        return f"{self.email}: {self.kind}"
