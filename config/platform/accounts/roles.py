"""Define the three roles as data: a name, a sentence, and what the role may do."""

from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.platform.accounts.permissions import Permission


class Role(TextChoices):
    VIEWER = "viewer", _("Viewer")
    CONTRIBUTOR = "contributor", _("Contributor")
    ADMINISTRATOR = "administrator", _("Administrator")


@dataclass(frozen=True)
class RoleDescription:
    """What a role is, for the permissions page and for every check."""

    sentence: str | Promise
    permissions: frozenset[Permission]


_SEEING = frozenset(
    {
        Permission.EXPORT_VIEW,
        Permission.SEGMENT_VIEW,
        Permission.CUSTOMER_VIEW,
        Permission.SYSTEM_VIEW,
    }
)
_CONTRIBUTING = _SEEING | {
    Permission.EXPORT_MANAGE,
    Permission.SEGMENT_MANAGE,
    Permission.DATA_SOURCE_MANAGE,
    Permission.PERSONAL_DATA_SEE,
}

ROLES: dict[str, RoleDescription] = {
    Role.VIEWER: RoleDescription(_("Sees exports, segments and customers; personal data is masked."), _SEEING),
    Role.CONTRIBUTOR: RoleDescription(
        _("Sets up segments and data sources, and exports on the connections shared with contributors."),
        _CONTRIBUTING,
    ),
    Role.ADMINISTRATOR: RoleDescription(
        _("May do everything: connections, users, schedules and every export."), frozenset(Permission)
    ),
}


def roles_with(permission: Permission) -> list[str]:
    """The roles that carry ``permission``, the humblest first."""
    return [role for role in Role.values if permission in ROLES[role].permissions]
