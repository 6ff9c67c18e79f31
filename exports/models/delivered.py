"""What one export alone knows of a list: that it has sent there, and what the list rejected of its data."""

from typing import Any

from django.db import models

from exports.models.export import Export
from exports.models.list_state import ListState


class DeliveredSet(models.Model):
    """That an export sends, or has sent, to a list. What it knows of the contacts there is in the list's state."""

    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="delivered_sets")
    list_state = models.ForeignKey(ListState, on_delete=models.CASCADE, related_name="sets")
    account = models.CharField(max_length=80)
    list_id = models.CharField(max_length=64)
    list_title = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["export", "account", "list_id"], name="one_set_per_list")]

    def __str__(self) -> str:
        return f"{self.export}: {self.list_id}"

    def save(self, **options: Any) -> None:
        """Save it, with the state of its list, which is made when this is the first export to it."""
        if not self.__dict__.get("list_state_id"):
            self.list_state, _created = ListState.objects.get_or_create(account=self.account, list_id=self.list_id)
        super().save(**options)

    @property
    def title(self) -> str:
        """How the list is called, as far as that is known."""
        return self.list_title or self.list_id


class Refused(models.Model):
    """A contact that the destination did not take when last asked, with which data, and for which reason. It is
    sent again only when the data have changed, or a person asks for it: such as that suppressed contacts be
    subscribed again."""

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
