"""Define by which attributes profiles of several data sources are unified, and the job that does it."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from config.platform.jobs import clock
from config.platform.jobs.models import Job


class NormalForm(models.TextChoices):
    """How values of an identifying attribute are compared."""

    TEXT = "text", _("Exact text, ignoring case")
    EMAIL = "email", _("Email address")
    PHONE = "phone", _("Phone number")


class ValuePreference(models.TextChoices):
    """Which value of an attribute a unified profile gets when its data sources differ."""

    SOURCE_ORDER = "source_order", _("By the order of data sources")
    MOST_RECENT = "most_recent", _("The most recent value")


class IdentityRules(models.Model):
    """By which attributes profiles are unified, and which of their values count. There is one row, or none yet."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    # Such as [{"attribute": 3, "form": "email"}], by the ID of the attribute.
    identifiers = models.JSONField(_("identifying attributes"), default=list, blank=True)
    # The IDs of data sources, the preferred one first; others come after them.
    source_order = ArrayField(models.BigIntegerField(), verbose_name=_("data sources"), default=list, blank=True)
    preference = models.CharField(
        _("values"), max_length=20, choices=ValuePreference.choices, default=ValuePreference.SOURCE_ORDER
    )
    # The IDs of the attributes with the other preference.
    exceptions = ArrayField(models.BigIntegerField(), verbose_name=_("exceptions"), default=list, blank=True)
    version = models.IntegerField(default=0)
    # The version that the unified profiles are of; 0: none is.
    applied_version = models.IntegerField(default=0)
    applied_at = models.DateTimeField(null=True, blank=True)
    # Whether writers of the profile store unify the profiles: from the save of the first rules until maintenance
    # finds that they were removed and no member set needs them any more.
    is_in_use = models.BooleanField(default=False)
    # Whether readers read the unified profiles: from the first unification, which writes all, until then as well.
    is_applied = models.BooleanField(default=False)
    # What the last unification counted, such as {"profiles": 3, "unified": 2, "largest": 2, "ignored": 0}.
    counts = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_row_of_identity_rules")]

    def __str__(self) -> str:
        return str(_("Identity"))


class Unification(Job):
    """A job that unifies the profiles by the newest identity rules."""

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return str(_("Identity"))


class RemovedSource(models.Model):
    """A data source that was removed, until its profiles are deleted from the profile store; the ID is that of the
    source."""

    id = models.BigIntegerField(primary_key=True)
    removed_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return str(self.pk)
