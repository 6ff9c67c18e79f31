"""Define the job that changes the type of an attribute, or merges another one into it."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.platform.jobs.models import OPEN, Job
from segments.models.profile import AttributeType, ProfileAttribute


class ChangeKind(models.TextChoices):
    """What a change of an attribute does."""

    RETYPE = "retype", _("Change of type")
    MERGE = "merge", _("Merge")


class AttributeChange(Job):
    """A job that writes the values of an attribute again: with another type, or with those of ``merged``."""

    kind = models.CharField(max_length=10, choices=ChangeKind.choices)
    attribute = models.ForeignKey(ProfileAttribute, on_delete=models.CASCADE, related_name="changes")
    # The attribute that is deleted after its values were merged.
    merged = models.ForeignKey(ProfileAttribute, null=True, on_delete=models.SET_NULL, related_name="+")
    # The names when it was requested.
    name = models.CharField(max_length=120)
    merged_name = models.CharField(max_length=120, blank=True)
    data_type = models.CharField(max_length=10, choices=AttributeType.choices)
    # How texts are converted: column plans by the ID of the data source; “” for those of no data source.
    plans = models.JSONField(default=dict)
    # How many values do not fit and become empty: at most so many, as a user has seen, and in the end.
    accepted_misfits = models.BigIntegerField(default=0)
    misfits = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["-id"]
        constraints = [
            # The condition is the same for all open ones: at most one is.
            models.UniqueConstraint(
                models.Value(1), condition=models.Q(status__in=OPEN), name="one_open_attribute_change"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def names(self) -> list[str]:
        """The names of the attributes that it changes."""
        return [name for name in (self.name, self.merged_name) if name]
