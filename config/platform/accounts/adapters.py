"""Answer allauth's questions: who may sign in, how secrets of second factors are encrypted, and which account
belongs to a user of single sign-on."""

import secrets
from typing import Any, cast

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import Login
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base.constants import AuthProcess
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from config.platform.accounts import lockout, reauthentication, sign_ins
from config.platform.accounts.lockout import Locked
from config.platform.accounts.models import User
from config.platform.accounts.sign_ins import may_sign_in
from config.platform.audit.record import record
from config.platform.encryption import keyring
from config.platform.encryption.keyring import CannotDecrypt
from config.platform.text.addresses import lower_ascii
from config.platform.web.middleware import client_address

PROVIDER = "single-sign-on"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Close sign-up, and check every sign-in, whichever way it comes."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request) or "0.0.0.0"  # noqa: S104 - means “unspecified”: the list of sessions keeps it

    def pre_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse | None:
        if may_sign_in(user):
            return None
        messages.error(request, _("This account has no access. Ask an administrator."))
        return redirect(settings.LOGIN_URL)

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        """Record the sign-in once every step of it is done, and remember the device."""
        response = cast(HttpResponse, super().post_login(request, user, **kwargs))
        sign_ins.record_sign_in(request, user)
        lockout.remember_device(request, response, user)
        return response

    def reauthenticate(self, user: User, password: str) -> bool:
        """Count guesses of the own password like those at sign-in."""
        try:
            return reauthentication.check_password(user, password, client_address(context.request))
        except Locked as refusal:
            raise ValidationError(refusal.sentence, code="locked") from refusal

    def generate_unique_username(self, txts: list[str], regex: str | None = None) -> str:
        """Make a user name for a new account, which no account has in its normal form either."""
        name = str(super().generate_unique_username(txts, regex))
        return f"{name[:140]}-{secrets.token_hex(4)}" if User.objects.find(name) else name

    def is_login_by_code_required(self, login: Login) -> bool:
        return False


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Encrypt secrets of second factors under the keyring, like credentials."""

    def get_totp_label(self, user: User) -> str:
        return user.username

    def encrypt(self, text: str) -> str:
        return keyring.encrypt(text.encode())

    def decrypt(self, encrypted_text: str) -> str:
        try:
            return keyring.decrypt(encrypted_text).decode()
        except CannotDecrypt as error:  # its key is gone: no code can be right
            raise self.validation_error("incorrect_code") from error

    def build_totp_svg(self, url: str) -> str:
        """Return the SVG element alone, to stand inside a page."""
        svg = str(super().build_totp_svg(url))
        return svg[svg.index("<svg") :]


class SingleSignOnAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Match users of the organisation's own sign-in service with accounts."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return True

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Do not sign in again a user who confirms their identity; give users who have an account theirs."""
        if sociallogin.state.get("process") == AuthProcess.REDIRECT:
            reauthentication.note_single_sign_on(request, sociallogin)
        elif not sociallogin.is_existing and (user := _find_account(_verified_email(sociallogin))):
            sociallogin.connect(request, user)
            record("edited", user, by=None, changes={"single_sign_on": (False, True)})

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> User:
        user = cast(User, super().populate_user(request, sociallogin, data))
        parts = (data.get("first_name"), data.get("last_name"))
        user.full_name = str(data.get("name") or " ".join(str(part) for part in parts if part))[:150]
        user.role = settings.OIDC_DEFAULT_ROLE
        if not _verified_email(sociallogin):
            user.email = ""
        return user

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: object = None) -> User:
        sociallogin.email_addresses = []  # the account's own address is the one that counts here
        user = cast(User, super().save_user(request, sociallogin, form))
        changes = {"role": (None, user.role), "single_sign_on": (None, True)}
        record("added", user, by=None, changes=changes)
        return user

    def on_authentication_error(self, request: HttpRequest, provider: object, **kwargs: Any) -> None:
        messages.error(request, _("Single sign-on failed. Try again, or sign in with your password."))
        raise ImmediateHttpResponse(redirect(settings.LOGIN_URL))


def is_configured() -> bool:
    """Return whether OIDC_ISSUER names a single sign-on service."""
    return bool(settings.SOCIALACCOUNT_PROVIDERS)


def _verified_email(sociallogin: SocialLogin) -> str:
    """Return the address that the service has verified; empty when it has none."""
    return next((str(address.email) for address in sociallogin.email_addresses if address.verified), "")


def _find_account(email: str) -> User | None:
    """Return the one account with this address, so that an invited user keeps their role. None when several have
    it; demo and service accounts never match.

    Only A–Z and a–z count as equal: the database takes a dotless ``ı`` for an ``i``, and lookalike addresses
    belong to other users."""
    alike = (
        User.objects.filter(email__iexact=email, is_demo=False, is_service=False) if email else User.objects.none()
    )
    found = [user for user in alike if lower_ascii(user.email) == lower_ascii(email)]
    return found[0] if len(found) == 1 else None
