"""Say who may manage connections, and who may put exports on one."""

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from config.platform.accounts.decorators import check_scope
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from connections.models import Connection


def user_can_manage_connections(user: User) -> bool:
    """Tell whether the user may see, create, change and remove connections."""
    return user.may(Permission.CONNECTION_MANAGE)


def check_can_manage_connections(user: User) -> None:
    """Raise PermissionDenied with a sentence unless the person may manage connections."""
    check_scope(user, Permission.CONNECTION_MANAGE)
    if not user_can_manage_connections(user):
        raise PermissionDenied(_("Only administrators can see and manage connections."))


def user_can_use_all(user: User) -> bool:
    """Tell whether the user's role may use each connection for exports, shared or not. Connections are shared
    with roles, so the scopes of an API token do not count here: they limit what it does with exports."""
    return user.role_allows(Permission.CONNECTION_MANAGE)


def user_can_use(user: User, connection: Connection) -> bool:
    """Tell whether the user may put exports on the connection and manage those there: administrators always,
    others where it is shared with their role."""
    if not user.may(Permission.EXPORT_MANAGE):
        return False
    return user_can_use_all(user) or user.role in connection.allowed_roles


def check_can_use(user: User, connection: Connection) -> None:
    """Raise PermissionDenied with a sentence unless the person may put exports on the connection."""
    check_scope(user, Permission.EXPORT_MANAGE)
    if not user_can_use(user, connection):
        raise PermissionDenied(_("This connection is not shared with your role."))
