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

from config.platform.accounts import lockout, reauthentication, sign_ins, single_sign_on
from config.platform.accounts.lockout import Locked
from config.platform.accounts.models import User
from config.platform.accounts.sign_ins import may_sign_in
from config.platform.encryption import keyring
from config.platform.encryption.keyring import CannotDecrypt
from config.platform.web.middleware import client_address


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
        elif not sociallogin.is_existing:
            self._connect_known_person(request, sociallogin)

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> User:
        user = cast(User, super().populate_user(request, sociallogin, data))
        user.full_name = single_sign_on.name_of(data)[:150]
        user.role = settings.OIDC_DEFAULT_ROLE
        if not single_sign_on.verified_email(sociallogin):
            user.email = ""
        return user

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: object = None) -> User:
        sociallogin.email_addresses = []  # the account's own address is the one that counts here
        user = cast(User, super().save_user(request, sociallogin, form))
        single_sign_on.note_arrival(user)
        return user

    def on_authentication_error(self, request: HttpRequest, provider: object, **kwargs: Any) -> None:
        messages.error(request, _("Single sign-on failed. Try again, or sign in with your password."))
        raise ImmediateHttpResponse(redirect(settings.LOGIN_URL))

    def _connect_known_person(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        known = single_sign_on.known_person(single_sign_on.verified_email(sociallogin))
        if known is not None:
            sociallogin.connect(request, known)
            single_sign_on.note_connected(known)
