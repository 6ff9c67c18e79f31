"""What a person may do with exports. Whether it can be done now is said in policies.py."""

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from config.platform.accounts.decorators import check_permission, check_scope
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from connections.permissions import user_can_use, user_can_use_all
from exports import policies
from exports.models import Export, Run


def user_can_manage(user: User, export: Export) -> bool:
    """Edit, run, remove: the role must carry it, and the connection must be shared with the role."""
    if not user.may(Permission.EXPORT_MANAGE):
        return False
    return export.connection is None or user_can_use(user, export.connection)


def check_can_manage(user: User, export: Export) -> None:
    """Raise PermissionDenied with a sentence unless the person may manage this export."""
    check_permission(user, Permission.EXPORT_MANAGE)
    if not user_can_manage(user, export):
        raise PermissionDenied(_("You can view this export. Its connection is not shared with your role."))


def user_can_confirm(user: User, run: Run) -> bool:
    """Tell whether the user may confirm removals that a guard holds: users who manage the export, where its
    connection allows removals; only administrators when contacts are unsubscribed from all lists of a
    client."""
    connection = run.connection
    if connection is None or not user_can_manage(user, run.export):
        return False
    if run.is_cleanup and not user_can_use(user, connection):
        return False
    if run.removal_guard == "reach" or policies.reaches_everywhere(run):
        return user_can_use_all(user)
    return connection.limited.may_remove or user_can_use_all(user)


def check_can_confirm(user: User, run: Run) -> None:
    """Raise PermissionDenied unless the person may confirm the run's removals."""
    check_scope(user, Permission.EXPORT_MANAGE)
    if not user_can_confirm(user, run):
        raise PermissionDenied(_("You cannot confirm these removals. Ask an administrator."))


def user_can_add(user: User) -> bool:
    """Set up a new export, on some connection."""
    return user.may(Permission.EXPORT_MANAGE)
