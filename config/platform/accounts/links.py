"""Make links to choose a password: they work once, and for a while. An invitation is such a link for an account
that has no password yet."""

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.http import HttpRequest
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.notifications import mail


def base_of(request: HttpRequest) -> str:
    """Return the address that links begin with: PUBLIC_URL where it is set, otherwise as the request came, whose
    Host header its sender may choose among ALLOWED_HOSTS."""
    return settings.PUBLIC_URL if settings.PUBLIC_URL_IS_GIVEN else request.build_absolute_uri("/")


def password_link(base: str, user: User) -> str:
    """The address where ``user`` chooses a password. It stops working when it was used, when the person signs in,
    and after settings.PASSWORD_RESET_TIMEOUT."""
    place = {
        "uidb64": urlsafe_base64_encode(force_bytes(user.pk)),
        "token": default_token_generator.make_token(user),
    }
    return f"{base.rstrip('/')}{reverse('accounts:choose_password', kwargs=place)}"


def mail_reset(base: str, user: User) -> bool:
    """Mail a link to a user who has forgotten the password. Returns False when it could not be sent."""
    context = {"person": user, "username": user.username, "link": password_link(base, user)}
    return mail.send("password_reset", to=user.email, subject=_("Choose a new password"), context=context)


def mail_invitation(base: str, user: User, *, by: User | None) -> bool:
    """Send a link to a new account; False when it could not be sent."""
    context = {"person": user, "username": user.username, "by": by, "link": password_link(base, user)}
    return mail.send("invitation", to=user.email, subject=_("Your account"), context=context)
