"""Forms for codes of a second factor: a code counts once, also the one that activates it."""

from allauth.mfa import app_settings
from allauth.mfa.base import forms as base
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import TOTP
from django.core.cache import cache

from config.platform.accounts.models import User


def mark_used(user: User, code: str) -> None:
    """Refuse ``code`` for ``user`` for as long as it would be accepted. allauth alone remembers it for one period
    only, although it accepts codes of neighboring periods."""
    periods = 2 * app_settings.TOTP_TOLERANCE + 1
    key = TOTP(Authenticator(user=user))._get_used_cache_key(code)
    cache.set(key, "y", timeout=app_settings.TOTP_PERIOD * periods)


class ActivateForm(ActivateTOTPForm):  # type: ignore[misc]
    def clean_code(self) -> str:
        code = str(super().clean_code())
        mark_used(self.user, code)
        return code


class AuthenticateForm(base.AuthenticateForm):  # type: ignore[misc]
    def clean_code(self) -> str:
        code = str(super().clean_code())
        mark_used(self.user, code)
        return code


class ReauthenticateForm(base.ReauthenticateForm):  # type: ignore[misc]
    def clean_code(self) -> str:
        code = str(super().clean_code())
        mark_used(self.user, code)
        return code
