"""What is known of the contacts on a list, shared by all exports to it."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

# The code of contacts that a user has suppressed by an imported list.
IMPORTED = "imported"


class Origin(models.IntegerChoices):
    """Whether an export has added a contact to a list, as far as the list's answers tell."""

    UNKNOWN = 0  # the list's own date of joining tells, when it matters
    ADDED = 1  # added by one of our exports
    PRE_EXISTING = 2  # was there before, or signed up without us: never removed


class ListState(models.Model):
    """One list of one account, as the key of all that is known of its contacts. Keyed by account and list, not by
    connection, so that a connection that was made again keeps it."""

    account = models.CharField(max_length=80)
    list_id = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "list_id"], name="one_state_per_list")]

    def __str__(self) -> str:
        return self.list_id


class SyncedContact(models.Model):
    """One contact that a list holds because exports sent it: which data it holds (as a hash of what was sent), who
    sent them, who added the contact, and which exports want it there.

    An export *once wanted* a contact when it is ``sent_by`` or in ``other_exports``; it does not any more when it
    is in ``unwanted_by``. The arrays are empty (NULL) as long as one export alone sends to the list.
    """

    pk = models.CompositePrimaryKey("list_state", "email")
    # No foreign key in the database: checking it for every contact takes a third of the time of writing them. A
    # state is deleted only with the last export to its list, after the runs of that export.
    list_state = models.ForeignKey(
        ListState, on_delete=models.CASCADE, related_name="contacts", db_constraint=False, db_index=False
    )
    email = models.CharField(max_length=254)
    data_hash = models.UUIDField()  # of the data that were sent last
    sent_by = models.BigIntegerField()  # the export that sent them
    last_run_id = models.BigIntegerField()
    # The run whose call added the contact, or was the last to add it again after it was gone. 0: sent manually.
    added_run_id = models.BigIntegerField(db_default=0)
    origin = models.SmallIntegerField(choices=Origin.choices, db_default=Origin.UNKNOWN)
    # The other exports that ever wanted the contact and, in step with them, the hash of what each sent; the hash
    # of unknown data where another export has written over it.
    other_exports = ArrayField(models.BigIntegerField(), null=True)
    other_hashes = ArrayField(models.UUIDField(), null=True)
    # Those of all these exports that did not want the contact in their last plan.
    unwanted_by = ArrayField(models.BigIntegerField(), null=True)
    # Values that were not sent because the list cannot hold them: code and message by the keys of their fields.
    left_out = models.JSONField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["list_state"],
                condition=models.Q(left_out__isnull=False),
                name="contact_with_left_out",
            )
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def exports(self) -> list[int]:
        """The exports that ever wanted the contact, by id."""
        return [self.sent_by, *(self.other_exports or ())]


class StatusSource(models.TextChoices):
    """How the status of a subscriber became known."""

    SENDING = "sending", _("Response to a run")  # to an import that did not take them
    REMOVING = "removing", _("Look-up before a removal")
    WEBHOOK = "webhook", _("Webhook")  # a look at the list, which a webhook asked for
    POLL = "poll", _("Poll")  # a look at the list that was due
    COMPARISON = "comparison", _("Comparison with the list")
    IMPORT = "import", _("Imported suppression list")


# The list itself shows that a contact is suppressed; it is not the answer to certain data. A plan does not send
# such contacts.
LEARNED = (StatusSource.WEBHOOK, StatusSource.POLL, StatusSource.COMPARISON)


class SubscriberStatus(models.Model):
    """That a list keeps a contact out (unsubscribed, bounced, deleted, suppressed …), as it has told last, in its
    own code. Deleted when the list takes the contact again."""

    pk = models.CompositePrimaryKey("list_state", "email")
    list_state = models.ForeignKey(ListState, on_delete=models.CASCADE, related_name="statuses")
    email = models.CharField(max_length=254)
    code = models.CharField(max_length=40)
    source = models.CharField(max_length=10, choices=StatusSource.choices)
    # Since when it is so by the list's own clock, as the list writes it; empty where the list did not tell.
    since = models.CharField(max_length=30, blank=True, db_default="")
    run_id = models.BigIntegerField()  # 0: no run told it
    known_since = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["list_state", "code", "email"], name="status_by_code")]

    def __str__(self) -> str:
        return f"{self.email}: {self.code}"


class ImportedSuppression(models.Model):
    """An address on the suppression list that users have imported for a list. It is kept apart from what the list
    shows, which goes on to be recorded and counts alone when the suppression list is removed."""

    pk = models.CompositePrimaryKey("list_state", "email")
    list_state = models.ForeignKey(ListState, on_delete=models.CASCADE, related_name="imported", db_index=False)
    email = models.CharField(max_length=254)
    imported_at = models.DateTimeField()  # when the last import that has the address began

    def __str__(self) -> str:
        return self.email

    @property
    def code(self) -> str:
        """The code by which plans and reports name the reason."""
        return IMPORTED


class RemovedContact(models.Model):
    """One contact that a run removed from a list, and how: what is needed to add it again, by any export."""

    pk = models.CompositePrimaryKey("list_state", "email")
    list_state = models.ForeignKey(ListState, on_delete=models.CASCADE, related_name="removed")
    email = models.CharField(max_length=254)
    operation = models.CharField(max_length=12)
    # The field that carries the mark, so that it is cleared there even when the export marks elsewhere by now.
    mark_field = models.CharField(max_length=120, blank=True)
    run_id = models.BigIntegerField()
    # The exports that had wanted the contact until then.
    exports = ArrayField(models.BigIntegerField(), default=list)

    def __str__(self) -> str:
        return self.email
