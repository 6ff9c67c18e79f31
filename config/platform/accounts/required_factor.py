"""Lead users who must have a second factor to its setup page, until they have one (SECOND_FACTOR_REQUIRED_OF,
or a setting of the system)."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from config.platform.accounts import second_factor, sign_ins
from config.platform.accounts.models import User
from config.platform.web import installation

# What it takes to set one up, and to leave.
_OPEN = {"mfa_activate_totp", "account_reauthenticate", "sign_out", "account_logout"}


class RequireSecondFactor:
    """Stands behind SignInRequired. Sessions by single sign-on pass: that service is trusted to ask for a second
    factor of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        match, user = request.resolver_match, request.user
        if (
            not isinstance(user, User)
            or not is_required_of(user, request)
            or getattr(view, "login_required", True) is False
        ):
            return None
        if match is None or match.url_name in _OPEN or second_factor.has_one(user):
            return None
        if "socialaccount" in sign_ins.methods_of(request, user):
            return None
        if request.headers.get("HX-Request") == "true":
            return HttpResponse(status=401, headers={"HX-Redirect": "/"})
        messages.warning(request, _("Set up a second factor first. It is required for your account."))
        return redirect("mfa_activate_totp")


def is_required_of(user: User, request: HttpRequest | None = None) -> bool:
    """Whether ``user`` must have a second factor, by SECOND_FACTOR_REQUIRED_OF or by what an administrator has
    chosen, which is kept on ``request`` for the rest of the page."""
    if _includes(settings.SECOND_FACTOR_REQUIRED_OF, user):
        return True
    chosen = installation.current()
    if request is not None:
        request.installation = chosen  # type: ignore[attr-defined]
    return _includes(chosen.second_factor_required_of, user)


def _includes(who: str, user: User) -> bool:
    return who == "EVERYONE" or (who == "ADMINISTRATORS" and user.is_administrator)
