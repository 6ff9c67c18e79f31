"""Guard views by permission."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.core.exceptions import PermissionDenied
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.accounts.permissions import PERMISSION_LABELS, Permission, Role, roles_with
from config.platform.accounts.scopes import PERMISSIONS

P = ParamSpec("P")
View = Callable[Concatenate[Any, P], HttpResponseBase]


def require_permission(permission: Permission) -> Callable[[View[P]], View[P]]:
    """Let only users through whose role carries ``permission``; others get the 403 page, which says which role
    it takes (htmx: the same sentence as a toast)."""

    def guard(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: Any, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            check_permission(cast(User, request.user), permission)
            return view(request, *args, **kwargs)

        return guarded

    return guard


def check_permission(user: User, permission: Permission) -> None:
    """Raise PermissionDenied with a sentence when ``user`` lacks ``permission``."""
    check_scope(user, permission)
    if not user.may(permission):
        raise PermissionDenied(
            _(
                "Your role, %(role)s, does not allow you to %(action)s. Required role: %(roles)s. Ask an "
                "administrator for access."
            )
            % {
                "role": user.get_role_display(),
                "action": PERMISSION_LABELS[permission],
                "roles": _(" or ").join(str(Role(role).label) for role in roles_with(permission)),
            }
        )


def check_scope(user: User, permission: Permission) -> None:
    """Raise PermissionDenied with a sentence when the role carries ``permission`` and the API token of the request
    has no scope for it. The REST API speaks English."""
    if user.may(permission) or not user.role_allows(permission):
        return
    scopes = [f"“{scope.label}”" for scope, allowed in PERMISSIONS.items() if permission in allowed]
    if not scopes:
        raise PermissionDenied("No API token allows this. Sign in to do it.")
    raise PermissionDenied(f"The token lacks the scope {' or '.join(scopes)}. Use a token that has it.")
