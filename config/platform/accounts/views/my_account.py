"""My account: change the password, end sessions, and choose a password by a link."""

from typing import Any, cast

from allauth.mfa.base.views import IndexView
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from config.platform.accounts import actions, password_links, sessions
from config.platform.accounts.forms import ChangePasswordForm, ChoosePasswordForm, ForgottenForm
from config.platform.accounts.lockout import Locked, attempt
from config.platform.accounts.models import User
from config.platform.accounts.sign_ins import may_sign_in
from config.platform.audit.record import record
from config.platform.notifications import mail
from config.platform.web.htmx import Request
from config.platform.web.middleware import client_address
from config.platform.web.panes import close_pane, render_pane


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def change_password(request: Request) -> HttpResponse:
    """Show and take the pane for a new password of the signed-in user, who types the present one."""
    form = ChangePasswordForm(request.POST or None, user=request.user, address=client_address(request))
    if request.method == "POST" and form.is_valid():
        actions.set_password(
            user=request.user,
            password=form.cleaned_data["password"],
            by=request.user,
            action="password changed",
        )
        update_session_auth_hash(request, request.user)
        return close_pane(
            request, reverse("system:home"), _("Your password is changed. Other sessions are signed out.")
        )
    context = {"form": form}
    status = 422 if form.is_bound else 200
    return render_pane(request, "accounts/change_password.html", context, status, back=reverse("system:home"))


class Security(IndexView):  # type: ignore[misc]
    """Show the page of a person's password, second factor and sessions."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        user = cast(User, self.request.user)
        return context | {"sessions": sessions.sessions_of(self.request, user)}


@require_POST
def end_session(request: Request, session_id: int) -> HttpResponse:
    """End one other session of the signed-in user."""
    if not sessions.end_session(request.user, session_id):
        raise Http404
    record("session ended", request.user, by=request.user)
    messages.success(request, _("The session is signed out."))
    return redirect("mfa_index")


@require_POST
def end_other_sessions(request: Request) -> HttpResponse:
    """End all sessions of the signed-in user but this one."""
    record("other sessions ended", request.user, by=request.user)
    sessions.end_other_sessions(request, request.user)
    messages.success(request, _("You are signed out of all other sessions."))
    return redirect("mfa_index")


@login_not_required
@require_http_methods(["GET", "POST"])
def forgotten_password(request: Request) -> HttpResponse:
    """Ask for a link by mail. The answer is the same whether there is such an account or not."""
    form = ForgottenForm(request.POST or None)
    asked = request.method == "POST" and mail.is_configured() and form.is_valid()
    if asked:
        try:
            with attempt(f"reset {form.cleaned_data['email']}", client_address(request)):
                password_links.request_link(form.cleaned_data["email"], password_links.base_url_of(request))
        except Locked as refusal:
            form.add_error(None, refusal.sentence)
            asked = False
    context = {"form": form, "asked": asked, "by_mail": mail.is_configured()}
    return render(request, "accounts/forgotten.html", context)


@method_decorator(login_not_required, name="dispatch")
class ChoosePassword(PasswordResetConfirmView):
    """Let a user who came by a link choose a password."""

    template_name = "accounts/choose_password.html"
    form_class = ChoosePasswordForm  # type: ignore[assignment]
    success_url = reverse_lazy("accounts:sign_in")

    def dispatch(self, *args: Any, **kwargs: Any) -> Any:
        user = self.get_user(kwargs["uidb64"])
        if user is not None and not may_sign_in(user):
            return redirect("accounts:forgotten")
        return super().dispatch(*args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, _("Your password is set. Sign in with it."))
        return super().form_valid(form)
