"""Define to which lists people were ever sent. It outlives exports, connections and profiles."""

from django.db import models

from config.platform.encryption.fields import EncryptedJSONField
from config.platform.jobs.models import OPEN, Job
from connections.models import Connection


class PersonKey(models.Model):
    """The key of all hashes of people: made once, encrypted with the keyring, the same for good. It has one
    row."""

    secret = EncryptedJSONField()

    def __str__(self) -> str:
        return "key of people"


class DisclosedList(models.Model):
    """A list that people were sent to, and over which connection. ``connection_id`` leads nowhere once that is
    removed."""

    account = models.CharField(max_length=80)
    list_id = models.CharField(max_length=64)
    list_title = models.CharField(max_length=200, blank=True)
    connection_id = models.BigIntegerField(null=True)
    connection_name = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "list_id"], name="one_disclosed_list")]

    def __str__(self) -> str:
        return self.list_title or self.list_id


class Disclosure(models.Model):
    """A person who was sent to a list: a keyed hash of the address, and when first and last."""

    # One index for both: it is asked for people. Without a foreign key in the database, see SyncedContact.
    pk = models.CompositePrimaryKey("person", "disclosed_list")
    disclosed_list = models.ForeignKey(
        DisclosedList, on_delete=models.CASCADE, related_name="people", db_index=False, db_constraint=False
    )
    person = models.UUIDField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.disclosed_list_id}: {str(self.person)[:8]}"


class PersonRemoval(Job):
    """Taking one person off one list because they were erased. The address is sealed, and gone when it is done."""

    erasure_id = models.BigIntegerField(db_index=True)
    connection = models.ForeignKey(Connection, null=True, on_delete=models.SET_NULL, related_name="+")
    connection_name = models.CharField(max_length=120)
    account = models.CharField(max_length=80)
    list_id = models.CharField(max_length=64)
    list_title = models.CharField(max_length=200, blank=True)
    email = EncryptedJSONField(null=True)
    due_at = models.DateTimeField(null=True)
    tries = models.IntegerField(default=0)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=OPEN) | models.Q(email=None),
                name="finished_removal_knows_no_address",
            )
        ]

    def __str__(self) -> str:
        return self.list_title or self.list_id
