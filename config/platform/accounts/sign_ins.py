"""Record sign-ins and wrong codes in the audit."""

from typing import TYPE_CHECKING, Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa import signals
from django.http import HttpRequest

from config.platform.accounts.models import User
from config.platform.audit.record import record

if TYPE_CHECKING:
    from allauth.mfa.models import Authenticator


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


def _wrong_code(*, user: User, authenticator: "Authenticator", **_: Any) -> None:
    record("wrong code", user, by=None)
