"""Know devices by a signed cookie, set after a successful sign-in, that tells which users have signed in on a
device. It opens no session; it only gives failed attempts of that user on that device a counter of their
own."""

import secrets

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from config.platform.accounts.models import User

_SALT = "config.platform.accounts.known_devices"
_MOST_PEOPLE = 5  # who share one device; the oldest is dropped
LIFETIME_SECONDS = 180 * 86_400


def device_for(request: HttpRequest, username: str) -> str:
    """Return the id of this device if the account with ``username`` has signed in on it; otherwise empty."""
    devices = _devices(request)
    user = User.objects.find(username) if devices else None
    return devices.get(str(user.pk), "") if user else ""


def remember_device(request: HttpRequest, response: HttpResponseBase, user: User) -> None:
    """Set the cookie that names this device as one on which ``user`` has signed in."""
    devices = _devices(request)
    device = devices.pop(str(user.pk), "") or secrets.token_urlsafe(16)
    kept = dict(list(devices.items())[-(_MOST_PEOPLE - 1) :]) | {str(user.pk): device}
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        signing.dumps(kept, salt=_SALT),
        max_age=LIFETIME_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _devices(request: HttpRequest) -> dict[str, str]:
    """Which person (id as text) has which device id here; empty when the cookie is missing or not ours."""
    signed = request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")
    try:
        found = signing.loads(signed, salt=_SALT, max_age=LIFETIME_SECONDS)
    except signing.BadSignature:
        return {}
    return {str(user): str(device) for user, device in found.items()} if isinstance(found, dict) else {}
