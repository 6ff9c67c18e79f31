"""Check who may see and manage segments, data sources and customers."""

from config.platform.accounts.decorators import check_permission
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission


def user_can_manage_segments(user: User) -> bool:
    return user.may(Permission.SEGMENT_MANAGE)


def user_can_manage_data_sources(user: User) -> bool:
    return user.may(Permission.DATA_SOURCE_MANAGE)


def user_can_see_personal_data(user: User) -> bool:
    return user.may(Permission.PERSONAL_DATA_SEE)


def user_can_manage_personal_data(user: User) -> bool:
    return user.may(Permission.PERSON_RIGHTS)


def check_can_manage_personal_data(user: User) -> None:
    """Raise PermissionDenied unless the user may download the personal data of a person and erase them."""
    check_permission(user, Permission.PERSON_RIGHTS)


def check_can_manage_segments(user: User | None) -> None:
    """Raise PermissionDenied unless the user may create and edit segments; None is the system itself."""
    if user is not None:
        check_permission(user, Permission.SEGMENT_MANAGE)


def user_can_choose_exclusion(user: User) -> bool:
    return user.may(Permission.SYSTEM_MANAGE)


def check_can_choose_exclusion(user: User | None) -> None:
    """Raise PermissionDenied unless the user may choose the segment whose members no export sends; None is the
    system itself."""
    if user is not None:
        check_permission(user, Permission.SYSTEM_MANAGE)


def user_can_manage_identity(user: User) -> bool:
    return user.may(Permission.SYSTEM_MANAGE)


def check_can_manage_identity(user: User) -> None:
    """Raise PermissionDenied unless the user may choose which profiles are one customer."""
    check_permission(user, Permission.SYSTEM_MANAGE)


def check_can_manage_data_sources(user: User | None) -> None:
    """Raise PermissionDenied unless the user may import data; None is the system itself."""
    if user is not None:
        check_permission(user, Permission.DATA_SOURCE_MANAGE)


def user_can_manage_databases(user: User) -> bool:
    return user.may(Permission.CONNECTION_MANAGE)


def check_can_manage_databases(user: User | None) -> None:
    """Raise PermissionDenied unless the user may set up which databases are read, with their credentials; None is
    the system itself."""
    if user is not None:
        check_permission(user, Permission.CONNECTION_MANAGE)
