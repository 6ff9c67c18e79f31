"""What this installation is called, where administrators have said so in a page."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Installation(models.Model):
    """The one row there may be. Empty fields stand for the settings."""

    organisation_name = models.CharField(_("organisation"), max_length=120, blank=True)
    environment_name = models.CharField(_("environment"), max_length=40, blank=True)
    version = models.IntegerField(default=1)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="there_is_one_installation")]

    def __str__(self) -> str:
        return self.environment_name or self.organisation_name or "installation"
