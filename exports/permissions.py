"""What a person may do with exports. Whether it can be done now is said in policies.py."""

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from config.accounts.models import User
from config.accounts.permissions import Permission
from connections.permissions import user_can_use
from exports.models import Export


def user_can_manage(user: User, export: Export) -> bool:
    """Edit, run, remove: the role must carry it, and the connection must be shared with the role."""
    if not user.may(Permission.EXPORT_MANAGE):
        return False
    return export.connection is None or user_can_use(user, export.connection)


def check_can_manage(user: User, export: Export) -> None:
    """Raise PermissionDenied with a sentence unless the person may manage this export."""
    if not user_can_manage(user, export):
        raise PermissionDenied(_("You can view this export. Its connection is not shared with your role."))


def user_can_add(user: User) -> bool:
    """Set up a new export, on some connection."""
    return user.may(Permission.EXPORT_MANAGE)
