"""Limit password guesses: too many failed attempts from one origin for one user name, or from one origin in all,
lock sign-in for that origin for a while.

An origin is a network address (an IPv6 network of 64 bits), or a known device. Counting per name *and* origin
means that a stranger cannot lock an account for its owner. Names are kept as keyed hashes only: users type
passwords there by mistake. allauth's rate limits count in the cache, per name or per address, so a stranger could
lock an account with them.

A known device carries a signed cookie, set after a successful sign-in, that tells which users have signed in on
it. It opens no session; it gives failed attempts of that user on that device a counter of their own, so that
the user can sign in even behind an address that is locked.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.core import signing
from django.db import connection, transaction
from django.db.models import Q
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.platform import retention
from config.platform.accounts.models import SignInAttempt, User, normalize_username
from config.platform.audit.record import record
from config.platform.jobs import clock

MOST_PER_NAME = 5
MOST_PER_ADDRESS = 30  # people behind one router share it
WINDOW = retention.SIGN_IN_ATTEMPTS.kept_for


class Locked(Exception):
    """Too many failed attempts. The message is a sentence to show."""

    def __init__(self) -> None:
        minutes = int(WINDOW.total_seconds() // 60)
        form = ngettext(
            "Too many failed attempts. Sign-in is locked. Try again in %(minutes)s minute.",
            "Too many failed attempts. Sign-in is locked. Try again in %(minutes)s minutes.",
            minutes,
        )
        super().__init__(form % {"minutes": minutes})
        self.sentence = str(self)


@dataclass
class SignIn:
    """Attempts to sign in with an unknown name, or from one origin; the target of audit entries."""

    name: str
    pk: int = 0

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Origin:
    """Where attempts come from: the network address, and the known device when there is one."""

    address: str
    device: str = ""

    @property
    def attempts(self) -> Q:
        """Return the filter for the attempts that count for this origin."""
        return Q(device=self.device) if self.device else Q(device="", address=self.address)


class Attempt:
    """One attempt. It counts as failed until ``succeeded`` is called, so that many at once gain nothing."""

    def __init__(self, row: SignInAttempt, origin: Origin, by_name: int, by_address: int) -> None:
        self.row, self.origin = row, origin
        self.by_name, self.by_address = by_name, by_address

    def succeeded(self) -> None:
        """Delete the failed attempts for this name from this origin; other names keep their count."""
        SignInAttempt.objects.filter(self.origin.attempts, name_hash=self.row.name_hash).delete()
        self.row.pk = None


@contextmanager
def attempt(username: str, address: str, device: str = "", failure: str = "") -> Iterator[Attempt]:
    """Count an attempt before it is tried, and record ``failure`` (an audit action) when it does not succeed.

    Raises Locked when there were too many within WINDOW; reaching that point is recorded once.
    """
    one = _count(username, Origin(network_of(address), device))
    try:
        yield one
    finally:
        if one.row.pk is not None:  # it failed
            _record_failure(one, username, failure)


def forget(username: str) -> None:
    """Delete the failed attempts for a name from everywhere, as when its password was set."""
    SignInAttempt.objects.filter(name_hash=_hash(username)).delete()


def forget_old() -> int:
    """Delete attempts that no longer count.

    Returns how many rows were deleted.
    """
    return SignInAttempt.objects.filter(at__lt=retention.SIGN_IN_ATTEMPTS.cutoff()).delete()[0]


def network_of(address: str) -> str:
    """Return the address to count by: of an IPv6 address its network of 64 bits, which one machine may own."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, 64), strict=False))


@transaction.atomic
def _count(username: str, origin: Origin) -> Attempt:
    """Add an attempt unless the limits are reached. Attempts of one origin wait for each other here, so that no
    more are let through at once than one after the other."""
    with connection.cursor() as cursor:
        lock = f"sign-in {origin.device or origin.address}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [lock])
    recent = SignInAttempt.objects.filter(origin.attempts, at__gte=clock.now() - WINDOW)
    by_name = recent.filter(name_hash=_hash(username)).count()
    by_address = 0 if origin.device or not origin.address else recent.count()
    if by_name >= MOST_PER_NAME or by_address >= MOST_PER_ADDRESS:
        raise Locked
    row = SignInAttempt.objects.create(name_hash=_hash(username), address=origin.address, device=origin.device)
    return Attempt(row, origin, by_name + 1, by_address + 1)


def _record_failure(one: Attempt, username: str, failure: str) -> None:
    user = User.objects.find(username)
    target = user or SignIn(_("an unknown name"))
    if failure:
        record(failure, target, by=None)
    if one.by_name == MOST_PER_NAME:
        record("locked", target, by=None, changes={"failed": (None, one.by_name)})
    if one.by_address == MOST_PER_ADDRESS:
        record("locked", SignIn(one.origin.address), by=None, changes={"failed": (None, one.by_address)})


def _hash(username: str) -> str:
    key = "config.platform.accounts.lockout"
    return salted_hmac(key, normalize_username(username), algorithm="sha256").hexdigest()


_DEVICE_SALT = "config.platform.accounts.lockout"
_MOST_USERS_OF_A_DEVICE = 5  # who share one device; the oldest is dropped
DEVICE_LIFETIME_SECONDS = 180 * 86_400


def device_for(request: HttpRequest, username: str) -> str:
    """Return the id of this device if the account with ``username`` has signed in on it; otherwise empty."""
    devices = _devices(request)
    user = User.objects.find(username) if devices else None
    return devices.get(str(user.pk), "") if user else ""


def remember_device(request: HttpRequest, response: HttpResponseBase, user: User) -> None:
    """Set the cookie that names this device as one on which ``user`` has signed in."""
    devices = _devices(request)
    device = devices.pop(str(user.pk), "") or secrets.token_urlsafe(16)
    remembered = dict(list(devices.items())[-(_MOST_USERS_OF_A_DEVICE - 1) :]) | {str(user.pk): device}
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        signing.dumps(remembered, salt=_DEVICE_SALT),
        max_age=DEVICE_LIFETIME_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _devices(request: HttpRequest) -> dict[str, str]:
    """Read the device ids of this browser by user id (as text); empty when the cookie is missing or not ours."""
    signed = request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")
    try:
        found = signing.loads(signed, salt=_DEVICE_SALT, max_age=DEVICE_LIFETIME_SECONDS)
    except signing.BadSignature:
        return {}
    return {str(user): str(device) for user, device in found.items()} if isinstance(found, dict) else {}
