"""What an export knows of the people on its list."""

from django.db import models

from exports.models.export import Export


class Origin(models.IntegerChoices):
    """Whether an export has brought somebody to a list, as far as the list's answers tell."""

    UNKNOWN = 0  # the list's own date of joining tells, when it matters
    BROUGHT = 1
    FOUND_THERE = 2  # was there before: never removed


class DeliveredSet(models.Model):
    """What one export knows of one list. Keyed by account and list, not by connection, so that a connection
    made anew keeps it. A changed list opens a new set."""

    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="delivered_sets")
    account = models.CharField(max_length=80)
    list_id = models.CharField(max_length=64)
    list_title = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["export", "account", "list_id"], name="one_set_per_list")]

    def __str__(self) -> str:
        return f"{self.export}: {self.list_id}"

    @property
    def title(self) -> str:
        """How the list is called, as far as that is known."""
        return self.list_title or self.list_id


class Delivered(models.Model):
    """That the list holds a person because of this export, and with which data (as a hash of what was sent)."""

    pk = models.CompositePrimaryKey("delivered_set", "email")
    # No foreign key in the database: looking for the one set with every person takes a third of the time of
    # writing them. Whoever writes holds the run's row, and a set goes only with its export, after its runs.
    delivered_set = models.ForeignKey(
        DeliveredSet, on_delete=models.CASCADE, related_name="people", db_constraint=False, db_index=False
    )
    email = models.CharField(max_length=254)
    data_hash = models.UUIDField()
    last_run_id = models.BigIntegerField()
    first_run_id = models.BigIntegerField(db_default=0)
    origin = models.SmallIntegerField(choices=Origin.choices, db_default=Origin.UNKNOWN)

    def __str__(self) -> str:
        return self.email


class Removed(models.Model):
    """That this export took a person off the list, and how: what it needs to let them come back."""

    pk = models.CompositePrimaryKey("delivered_set", "email")
    delivered_set = models.ForeignKey(DeliveredSet, on_delete=models.CASCADE, related_name="removed")
    email = models.CharField(max_length=254)
    deed = models.CharField(max_length=12)
    # The field that carries the mark, so that it is cleared there even when the export marks elsewhere by now.
    mark_field = models.CharField(max_length=120, blank=True)
    run_id = models.BigIntegerField()

    def __str__(self) -> str:
        return self.email


class Refused(models.Model):
    """That the destination did not take a person when last asked, with which data, and for which reason. Asked
    again only when the data have changed, or somebody wishes it: such as that those whom the list has only *left*
    as they are be subscribed again."""

    pk = models.CompositePrimaryKey("delivered_set", "email")
    delivered_set = models.ForeignKey(DeliveredSet, on_delete=models.CASCADE, related_name="refused")
    email = models.CharField(max_length=254)
    data_hash = models.UUIDField()
    code = models.CharField(max_length=40, db_default="")
    ask_again = models.BooleanField(db_default=False)  # in the next run, whatever their data
    last_run_id = models.BigIntegerField()
    left = models.BooleanField(db_default=False)

    def __str__(self) -> str:
        return self.email
