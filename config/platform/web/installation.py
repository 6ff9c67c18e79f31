"""Read and change the names of this installation and its organisation, and what it requires of accounts."""

from django.conf import settings
from django.db import transaction

from config.platform.accounts.decorators import check_permission
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.audit.record import record
from config.platform.web.models import Installation
from config.platform.web.versions import take_version


def current() -> Installation:
    """Read the settings of the installation. One query."""
    return Installation.objects.filter(pk=1).first() or Installation(pk=1)


def organisation_name() -> str:
    """Return the name that an administrator has given, or else the setting ORGANISATION_NAME."""
    return current().organisation_name or settings.ORGANISATION_NAME


@transaction.atomic
def change(
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
