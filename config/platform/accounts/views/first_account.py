"""The page where the first account of an installation is created."""

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from config.platform.accounts import actions, first_account
from config.platform.accounts.forms import FirstAccountForm
from config.platform.web.htmx import Request


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def create_first_account(request: Request, token: str) -> HttpResponse:
    """Show and take the form of the first account; later, the link leads to the sign-in."""
    if not first_account.is_needed():
        return redirect("accounts:sign_in")
    is_valid = first_account.is_valid(token)
    form = FirstAccountForm(request.POST or None) if is_valid else None
    if form is not None and request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            first_account.create(
                username=given["username"],
                full_name=given["full_name"],
                email=given["email"],
                password=given["password"],
            )
        except actions.NotNow as refusal:
            messages.warning(request, refusal.sentence)
        else:
            messages.success(request, _("The first account is created. Sign in with it."))
        return redirect("accounts:sign_in")
    status = 422 if form and form.errors else 200
    return render(request, "accounts/first_account.html", {"form": form}, status=status)
