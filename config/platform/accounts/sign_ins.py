"""Authenticate users by name and password, and record sign-ins and wrong codes in the audit.

allauth's own backend finds users by ``iexact`` and knows no demo accounts; ours compares normalized names.
"""

from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa import signals
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from config.platform.accounts.models import User
from config.platform.audit.record import record


def methods_of(request: HttpRequest, user: User) -> set[str]:
    """Return allauth's methods by which ``user`` signed in to this session, such as “mfa” or “socialaccount”."""
    return {str(entry.get("method")) for entry in get_authentication_records(request, user)}


def record_sign_in(request: HttpRequest, user: User) -> None:
    """Record a complete sign-in, and how it was made."""
    methods = methods_of(request, user)
    how = "single sign-on" if "socialaccount" in methods else "password"
    changes: dict[str, tuple[object, object]] = {"by": (None, how)}
    if "mfa" in methods:
        changes["second_factor"] = (None, True)
    record("signed in", user, by=user, changes=changes)


def listen() -> None:
    """Record wrong codes of second factors; called once, when the application starts."""
    signals.authentication_failed.connect(_wrong_code, dispatch_uid="audit_wrong_code")


def _wrong_code(*, user: User, authenticator: Authenticator, **_: Any) -> None:
    record("wrong code", user, by=None)


class AccountBackend(BaseBackend):
    """Authenticate by user name and password; demo accounts only where the demo is on."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: object
    ) -> User | None:
        if username is None or password is None:
            return None
        user = User.objects.find(username)
        if user is None:
            User().set_password(password)  # takes as long as a real check, so that names cannot be guessed by time
            return None
        return user if user.check_password(password) and may_sign_in(user) else None

    def get_user(self, user_id: int) -> User | None:
        user = User.objects.filter(pk=user_id).first()
        return user if user is not None and may_sign_in(user) else None


def may_sign_in(user: User) -> bool:
    """Return whether a person can sign in to the account: never to a service account."""
    return may_use_account(user) and not user.is_service


def may_use_account(user: User) -> bool:
    """Return whether ``user`` is active, and no demo account outside the demo."""
    return user.is_active and (settings.DEMO or not user.is_demo)
