"""Signing in and out."""

from typing import Any, cast

from allauth.account.utils import perform_login
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from config.platform.accounts import known_devices, single_sign_on
from config.platform.accounts.lockout import Locked, attempt
from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.web.middleware import client_address

DEMO_PASSWORD = "demo"  # noqa: S105 — shown on the page on purpose; such accounts exist in the demo alone


class SignInForm(AuthenticationForm):
    """User name and password; one sentence for whatever is wrong, so that names cannot be guessed."""

    error_messages = {
        "invalid_login": _("The user name or the password is not right."),
        "inactive": _("The user name or the password is not right."),
    }

    def clean(self) -> dict[str, Any]:
        username = str(self.cleaned_data.get("username", ""))
        try:
            with attempt(username, *self._origin(username), failure="sign-in failed") as one:
                super().clean()
                one.succeeded()
        except Locked as refusal:
            raise ValidationError(refusal.sentence, code="locked") from refusal
        return self.cleaned_data

    def _origin(self, username: str) -> tuple[str, str]:
        if self.request is None:
            return "", ""
        return client_address(self.request), known_devices.device_for(self.request, username)


class SignIn(LoginView):
    """The door. In the demo it lists the demo accounts."""

    template_name = "accounts/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Past the password; allauth asks for a code if the person has a second factor, and lets them in."""
        answer = perform_login(
            self.request, form.get_user(), email_verification="none", redirect_url=self.get_success_url()
        )
        return cast(HttpResponse, answer)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        accounts = User.objects.filter(is_demo=True, is_active=True).order_by("pk") if settings.DEMO else []
        return super().get_context_data(**kwargs) | {
            "demo_accounts": accounts,
            "demo_password": DEMO_PASSWORD,
            "single_sign_on": settings.OIDC_NAME if single_sign_on.is_configured() else "",
        }


class SignOut(LogoutView):
    """Only by POST; leads to the sign-in page."""

    next_page = "accounts:sign_in"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if isinstance(request.user, User):
            record("signed out", request.user, by=request.user)
        return super().post(request, *args, **kwargs)
