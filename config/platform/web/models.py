"""Store the names of this installation and its organisation, and what it requires of accounts."""

from django.conf import settings
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from config.platform.accounts.decorators import check_permission
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.audit.record import record
from config.platform.web.versions import take_version


class SecondFactorRequired(models.TextChoices):
    """Of which accounts a second factor is required."""

    NO_ACCOUNT = "", _("No users")
    ADMINISTRATORS = "ADMINISTRATORS", _("Administrators")
    EVERYONE = "EVERYONE", _("All users")


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


def current_installation() -> Installation:
    """Read the settings of the installation. One query."""
    return Installation.objects.filter(pk=1).first() or Installation(pk=1)


def organisation_name() -> str:
    """Return the name that an administrator has given, or else the setting ORGANISATION_NAME."""
    return current_installation().organisation_name or settings.ORGANISATION_NAME


@transaction.atomic
def change_installation(
    *, organisation_name: str, environment_name: str, second_factor_required_of: str, version: int, by: User
) -> None:
    """Change settings of the installation. Raises PermissionDenied and StaleEdit."""
    check_permission(by, Permission.SYSTEM_MANAGE)
    found, _created = Installation.objects.get_or_create(pk=1)
    take_version(found, version)
    wanted = {
        "organisation_name": organisation_name,
        "environment_name": environment_name,
        "second_factor_required_of": second_factor_required_of,
    }
    changes = {name: (getattr(found, name), new) for name, new in wanted.items() if getattr(found, name) != new}
    Installation.objects.filter(pk=1).update(**wanted)
    record("edited", found, by=by, changes=changes, version=found.version)
