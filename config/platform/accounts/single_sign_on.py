"""Single sign-on by OpenID Connect: whether there is one, who comes from it, and with which role."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction

from config.platform.accounts.models import User
from config.platform.audit.record import record

if TYPE_CHECKING:
    from allauth.socialaccount.models import SocialLogin

PROVIDER = "single-sign-on"


def is_configured() -> bool:
    """Return whether OIDC_ISSUER names a service."""
    return bool(settings.SOCIALACCOUNT_PROVIDERS)


def verified_email(sociallogin: "SocialLogin") -> str:
    """Return the address that the service has verified; empty when it has none."""
    return next((str(address.email) for address in sociallogin.email_addresses if address.verified), "")


def known_person(email: str) -> User | None:
    """Return the one account with this address, so that an invited user keeps their role. None when several have
    it; demo accounts never match.

    Only A–Z and a–z count as equal: the database takes a dotless ``ı`` for an ``i``, and lookalike addresses
    belong to other users."""
    alike = User.objects.filter(email__iexact=email, is_demo=False) if email else User.objects.none()
    found = [user for user in alike if _ascii_lower(user.email) == _ascii_lower(email)]
    return found[0] if len(found) == 1 else None


def _ascii_lower(address: str) -> str:
    return "".join(sign.lower() if sign.isascii() else sign for sign in address)


def name_of(data: Mapping[str, Any]) -> str:
    """Return the person's full name as the service gives it."""
    parts = (data.get("first_name"), data.get("last_name"))
    return str(data.get("name") or " ".join(str(part) for part in parts if part))


@transaction.atomic
def note_arrival(user: User) -> None:
    """Record that a new user came in by single sign-on."""
    record("added", user, by=None, changes={"role": (None, user.role), "single_sign_on": (None, True)})


@transaction.atomic
def note_connected(user: User) -> None:
    """Record that an account can be entered by single sign-on from now on."""
    record("edited", user, by=None, changes={"single_sign_on": (False, True)})
