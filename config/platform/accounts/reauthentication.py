"""Confirm the identity of a signed-in user before they take responsibility, such as an export user. Users with a
password type it; users of single sign-on sign in there again and come back.

A page asks like this: ``has_password(user)`` → a password field, checked by ``check_password``; otherwise a
link to ``confirm_url(back)``, and ``confirmed(request)`` is true for five minutes after they come back.
allauth's reauthentication is used for second factors; it is not enough here, since it trusts a return from
single sign-on without the time of the sign-in (``auth_time``), and its password field is a page of its own.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from config.platform.accounts import lockout
from config.platform.accounts.models import User
from config.platform.jobs import clock

if TYPE_CHECKING:
    from allauth.socialaccount.models import SocialLogin

RECENT = timedelta(minutes=5)
_KEY = "reauthenticated"
_STARTED = "reauthentication_started"


def has_password(user: User) -> bool:
    """Return whether this person can confirm with a password; otherwise single sign-on is their only way in."""
    return user.has_usable_password()


def check_password(user: User, password: str, address: str) -> bool:
    """Return whether ``password`` is that of ``user``. Failed attempts count as at sign-in. Raises
    lockout.Locked."""
    with lockout.attempt(user.username, address, failure="wrong password") as attempt:
        right = user.check_password(password)
        if right:
            attempt.succeeded()
        return right


def confirm_url(back: str) -> str:
    """Return the address that leads to single sign-on, and from there to ``back``, a path of this application."""
    return f"{reverse('accounts:confirm')}?{urlencode({'next': back})}"


def confirmed(request: HttpRequest) -> bool:
    """Return whether the signed-in user has signed in again by single sign-on within RECENT."""
    noted = request.session.get(_KEY, {})
    return bool(noted.get("user") == request.user.pk and noted.get("until", 0) > clock.now().timestamp())


def begin(request: HttpRequest) -> None:
    """Note in the session when the user was sent to sign in again."""
    request.session[_STARTED] = clock.now().timestamp()


def note_single_sign_on(request: HttpRequest, sociallogin: "SocialLogin") -> None:
    """Note that the user came back from single sign-on, if it is the same user and they really signed in again:
    the service must say when that was (auth_time), and it must have been since they were sent there."""
    started = request.session.pop(_STARTED, None)
    same = sociallogin.is_existing and sociallogin.user.pk == request.user.pk
    if not same or started is None or not _signed_in_since(sociallogin, started):
        return
    until = (clock.now() + RECENT).timestamp()
    request.session[_KEY] = {"user": request.user.pk, "until": until}


def _signed_in_since(sociallogin: "SocialLogin", started: float) -> bool:
    token = (sociallogin.account.extra_data or {}).get("id_token") or {}
    leeway = 60  # clocks differ
    try:
        return float(token["auth_time"]) >= started - leeway
    except (KeyError, TypeError, ValueError):
        return False  # a service that does not say when may have skipped asking
