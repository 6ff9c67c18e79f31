"""Define the permissions and the three roles as data: what each role may do, with the texts that pages show."""

from dataclasses import dataclass
from enum import StrEnum

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Permission(StrEnum):
    EXPORT_VIEW = "export_view"
    EXPORT_MANAGE = "export_manage"  # only on connections that are shared with one's role
    SEGMENT_VIEW = "segment_view"
    SEGMENT_MANAGE = "segment_manage"
    DATA_SOURCE_MANAGE = "data_source_manage"
    CUSTOMER_VIEW = "customer_view"
    PERSONAL_DATA_SEE = "personal_data_see"  # others see it masked
    PERSON_RIGHTS = "person_rights"  # download everything about a person, erase a person
    CONNECTION_MANAGE = "connection_manage"
    USER_MANAGE = "user_manage"
    SYSTEM_VIEW = "system_view"
    SYSTEM_MANAGE = "system_manage"
    WEBHOOK_MANAGE = "webhook_manage"
    AUDIT_VIEW = "audit_view"


# What each permission allows, as a thing to do; shown on the permissions page and where something is refused.
PERMISSION_LABELS: dict[Permission, Promise] = {
    Permission.EXPORT_VIEW: _("see exports, their status and their runs"),
    Permission.EXPORT_MANAGE: _("create, edit, run and remove exports"),
    Permission.SEGMENT_VIEW: _("see segments and data sources"),
    Permission.SEGMENT_MANAGE: _("create and edit segments"),
    Permission.DATA_SOURCE_MANAGE: _("add, refresh and remove data sources"),
    Permission.CUSTOMER_VIEW: _("see customers"),
    Permission.PERSONAL_DATA_SEE: _("see personal data unmasked"),
    Permission.PERSON_RIGHTS: _("download personal data and erase customers"),
    Permission.CONNECTION_MANAGE: _("see and manage connections"),
    Permission.USER_MANAGE: _("manage users and their roles"),
    Permission.SYSTEM_VIEW: _("see the status of the system"),
    Permission.SYSTEM_MANAGE: _("manage the system and its schedule"),
    Permission.WEBHOOK_MANAGE: _("manage webhooks"),
    Permission.AUDIT_VIEW: _("view the audit log"),
}


class Role(TextChoices):
    VIEWER = "viewer", _("Viewer")
    CONTRIBUTOR = "contributor", _("Contributor")
    ADMINISTRATOR = "administrator", _("Administrator")


@dataclass(frozen=True)
class RoleDescription:
    """The permissions of a role, and its description for the permissions page."""

    sentence: str | Promise
    permissions: frozenset[Permission]


_VIEW = frozenset(
    {
        Permission.EXPORT_VIEW,
        Permission.SEGMENT_VIEW,
        Permission.CUSTOMER_VIEW,
        Permission.SYSTEM_VIEW,
    }
)
_CONTRIBUTE = _VIEW | {
    Permission.EXPORT_MANAGE,
    Permission.SEGMENT_MANAGE,
    Permission.DATA_SOURCE_MANAGE,
    Permission.PERSONAL_DATA_SEE,
}

ROLES: dict[str, RoleDescription] = {
    Role.VIEWER: RoleDescription(_("Can view exports, segments and customers. Personal data is masked."), _VIEW),
    Role.CONTRIBUTOR: RoleDescription(
        _("Can set up segments, data sources, and exports on connections shared with contributors."),
        _CONTRIBUTE,
    ),
    Role.ADMINISTRATOR: RoleDescription(
        _("Can manage everything: connections, users, schedules and all exports."), frozenset(Permission)
    ),
}


def roles_with(permission: Permission) -> list[str]:
    """Return the roles that carry ``permission``, the humblest first."""
    return [role for role in Role.values if permission in ROLES[role].permissions]
