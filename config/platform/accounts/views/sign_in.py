"""Sign in, by password or by single sign-on, and sign out."""

import json
from typing import Any, cast

from allauth.account.utils import perform_login
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.base.constants import AuthProcess
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe
from requests import RequestException

from config.platform.accounts import adapters, first_account, lockout, reauthentication
from config.platform.accounts.lockout import Locked, attempt
from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.web.middleware import client_address

DEMO_PASSWORD = "demo"  # noqa: S105 — shown on the page on purpose; such accounts exist in the demo alone


class SignInForm(AuthenticationForm):
    """User name and password; one sentence for whatever is wrong, so that names cannot be guessed."""

    error_messages = {
        "invalid_login": gettext_lazy("The username or password is incorrect."),
        "inactive": gettext_lazy("The username or password is incorrect."),
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
        return client_address(self.request), lockout.device_for(self.request, username)


@method_decorator(login_not_required, name="dispatch")
class SignIn(LoginView):
    """Show and take the sign-in page; over a page whose session has ended, a dialog. In the demo the page lists
    the demo accounts."""

    template_name = "accounts/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if self._is_dialog and isinstance(request.user, User):
            return _signed_in(request, request.user)  # in another tab
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Sign in after the password was right; allauth asks for a code if the user has a second factor."""
        user = form.get_user()
        answer = perform_login(self.request, user, email_verification="none", redirect_url=self.get_success_url())
        if not self._is_dialog:
            return cast(HttpResponse, answer)
        if isinstance(self.request.user, User):
            return _signed_in(self.request, self.request.user)
        return self.render_to_response(self.get_context_data(form=form, code_url=answer.headers.get("Location")))

    def get_template_names(self) -> list[str]:
        return ["accounts/sign_in_dialog.html"] if self._is_dialog else [self.template_name]

    def get_form_kwargs(self) -> dict[str, Any]:
        # The page under the dialog may have a field of the same name.
        return super().get_form_kwargs() | ({"auto_id": "sign-in-%s"} if self._is_dialog else {})

    def get_form(self, form_class: type[AuthenticationForm] | None = None) -> AuthenticationForm:
        form = super().get_form(form_class)
        if self._is_dialog:
            form.fields["username"].widget.attrs.pop("autofocus", None)
            form.fields["password"].widget.attrs["autofocus"] = True
        return form

    def get_initial(self) -> dict[str, Any]:
        return super().get_initial() | {"username": self.request.GET.get("user", "")}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        accounts = User.objects.filter(is_demo=True, is_active=True).order_by("pk") if settings.DEMO else []
        return super().get_context_data(**kwargs) | {
            "demo_accounts": accounts,
            "demo_password": DEMO_PASSWORD,
            "needs_first_account": first_account.is_needed(),
            "single_sign_on": settings.OIDC_NAME if adapters.is_configured() else "",
        }

    @property
    def _is_dialog(self) -> bool:
        return bool(self.request.headers.get("HX-Target") == "sign-in-again")


def _signed_in(request: HttpRequest, user: User) -> HttpResponse:
    """Tell the page under the dialog who is signed in now, and the token that its forms need from now on."""
    told = {"signed-in": {"user": user.username, "token": get_token(request)}}
    return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(told)})


class SignOut(LogoutView):
    """Sign out by POST only; leads to the sign-in page."""

    next_page = "accounts:sign_in"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if isinstance(request.user, User):
            record("signed out", request.user, by=request.user)
        return super().post(request, *args, **kwargs)


@login_not_required
@require_safe
def sign_in_by_single_sign_on(request: HttpRequest) -> HttpResponseBase:
    """Redirect to the single sign-on service."""
    return _go_to_single_sign_on(request, AuthProcess.LOGIN)


@require_safe
def confirm_by_single_sign_on(request: HttpRequest) -> HttpResponseBase:
    """Redirect to the single sign-on service to sign in once more, then to ``?next=``."""
    reauthentication.begin(request)
    return _go_to_single_sign_on(request, AuthProcess.REDIRECT, prompt="login", max_age="0")


@login_not_required
def back_to_sign_in(request: HttpRequest, **_kwargs: object) -> HttpResponse:
    """Redirect addresses of allauth that have no page here."""
    return redirect(settings.LOGIN_URL)


def _go_to_single_sign_on(request: HttpRequest, process: str, **parameters: str) -> HttpResponseBase:
    if not adapters.is_configured():
        raise Http404
    provider: Any = get_adapter(request).get_provider(request, adapters.PROVIDER)
    try:
        answer: HttpResponseBase = provider.redirect(
            request, process, next_url=_next_url(request), auth_params={**provider.get_auth_params(), **parameters}
        )
    except (RequestException, KeyError, ValueError):
        messages.error(request, _("The single sign-on service is not available. Try again in a moment."))
        return redirect(settings.LOGIN_URL)
    return answer


def _next_url(request: HttpRequest) -> str:
    """Return ``?next=`` when it leads to this site, else Home."""
    url = request.GET.get("next", "")
    fine = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if fine else "/"
