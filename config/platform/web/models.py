"""Store the names of this installation and what it requires of accounts, as administrators set them."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class SecondFactorRequired(models.TextChoices):
    """Of which accounts a second factor is required."""

    NO_ACCOUNT = "", _("No users")
    ADMINISTRATORS = "ADMINISTRATORS", _("Administrators")
    EVERYONE = "EVERYONE", _("All customers")


class Installation(models.Model):
    """The one row there may be. Empty fields stand for the settings."""

    organisation_name = models.CharField(_("organization"), max_length=120, blank=True)
    environment_name = models.CharField(_("environment"), max_length=40, blank=True)
    second_factor_required_of = models.CharField(
        _("second factor required of"),
        max_length=20,
        blank=True,
        choices=SecondFactorRequired.choices,
        db_default="",
    )
    version = models.IntegerField(default=1)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="there_is_one_installation")]

    def __str__(self) -> str:
        return self.environment_name or self.organisation_name or "installation"
