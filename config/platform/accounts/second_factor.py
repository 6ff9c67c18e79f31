"""Require, record and remove second factors (allauth.mfa).

allauth sets them up and asks for codes. What it does not have is here: codes that count once within their whole
tolerance, an audit record, a requirement by role (SECOND_FACTOR_REQUIRED_OF or a setting of the system), and
the removal by an administrator.
"""

from typing import Any

from allauth.core import context
from allauth.mfa import app_settings, signals
from allauth.mfa.base import forms as base
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings
from django.contrib import messages
from django.core.cache import cache
from django.db import transaction
from django.db.models.signals import post_save
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from config.platform.accounts import sessions, sign_ins
from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.web.middleware import Middleware
from config.platform.web.models import current_installation


def has_second_factor(user: User) -> bool:
    """Return whether a code is asked for when this person signs in."""
    return bool(Authenticator.objects.filter(user_id=user.pk, type="totp").exists())


def users_with_second_factor() -> set[int]:
    """Return the ids of users who have a second factor."""
    return set(Authenticator.objects.filter(type="totp").values_list("user_id", flat=True))


@transaction.atomic
def reset_second_factor(*, user: User, by: User) -> None:
    """Remove the second factor and recovery codes of a user, so that the password alone signs in again."""
    if Authenticator.objects.filter(user_id=user.pk).delete()[0]:
        record("second factor reset", user, by=by)


def listen() -> None:
    """Record what users do to their own second factor; called once, when the application starts."""
    # allauth's own signal for this comes after the transaction; the record belongs inside.
    post_save.connect(_added, sender="mfa.Authenticator", dispatch_uid="audit_second_factor_added")
    signals.authenticator_removed.connect(_removed, dispatch_uid="audit_second_factor_removed")
    signals.authenticator_reset.connect(_made_codes, dispatch_uid="audit_second_factor_codes")
    signals.authenticator_used.connect(_used, dispatch_uid="audit_second_factor_used")


def _added(*, instance: Authenticator, created: bool, **_: Any) -> None:
    if created and instance.type == "totp":
        record("second factor added", instance.user, by=instance.user)
        _end_other_sessions(instance.user)


def _end_other_sessions(user: User) -> None:
    """Sessions that began with the password alone end, except the one in which the second factor was set up."""
    request = context.request
    if request is not None and request.user.pk == user.pk:
        sessions.end_other_sessions(request, user)
    else:
        sessions.end_sessions(user)


def _removed(*, user: User, authenticator: Authenticator, **_: Any) -> None:
    if authenticator.type == "totp":
        record("second factor removed", user, by=user)


def _made_codes(*, user: User, **_: Any) -> None:
    record("second factor codes", user, by=user)


def _used(*, user: User, authenticator: Authenticator, **_: Any) -> None:
    if authenticator.type == "recovery_codes":
        record("recovery code used", user, by=user)


# What it takes to set one up, and to leave.
_OPEN_WITHOUT_ONE = {"mfa_activate_totp", "account_reauthenticate", "sign_out", "account_logout"}


class RequireSecondFactor(Middleware):
    """Stands behind SignInRequired. Sessions by single sign-on pass: that service is trusted to ask for a second
    factor of its own."""

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
        if match is None or match.url_name in _OPEN_WITHOUT_ONE or has_second_factor(user):
            return None
        if "socialaccount" in sign_ins.methods_of(request, user):
            return None
        if request.headers.get("HX-Request") == "true":
            return HttpResponse(status=401, headers={"HX-Redirect": "/"})
        messages.warning(request, _("A second factor is required for your account. Set it up first."))
        return redirect("mfa_activate_totp")


def is_required_of(user: User, request: HttpRequest | None = None) -> bool:
    """Return whether ``user`` must have a second factor, by SECOND_FACTOR_REQUIRED_OF or by what an administrator
    has chosen, which is kept on ``request`` for the rest of the page."""
    if _includes(settings.SECOND_FACTOR_REQUIRED_OF, user):
        return True
    chosen = current_installation()
    if request is not None:
        request.installation = chosen  # type: ignore[attr-defined]
    return _includes(chosen.second_factor_required_of, user)


def _includes(who: str, user: User) -> bool:
    return who == "EVERYONE" or (who == "ADMINISTRATORS" and user.is_administrator)


def mark_used(user: User, code: str) -> None:
    """Refuse ``code`` for ``user`` for as long as it would be accepted. allauth alone remembers it for one period
    only, although it accepts codes of neighboring periods."""
    periods = 2 * app_settings.TOTP_TOLERANCE + 1
    key = TOTP(Authenticator(user=user))._get_used_cache_key(code)
    cache.set(key, "y", timeout=app_settings.TOTP_PERIOD * periods)


class _CodeCountsOnce:
    """Part of forms that take a code."""

    def clean_code(self) -> str:
        code = str(super().clean_code())  # type: ignore[misc]
        mark_used(self.user, code)  # type: ignore[attr-defined]
        return code


class ActivateForm(_CodeCountsOnce, ActivateTOTPForm):  # type: ignore[misc]
    pass


class AuthenticateForm(_CodeCountsOnce, base.AuthenticateForm):  # type: ignore[misc]
    pass


class ReauthenticateForm(_CodeCountsOnce, base.ReauthenticateForm):  # type: ignore[misc]
    pass
