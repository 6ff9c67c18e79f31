"""API tokens of the signed-in user, and service accounts with their tokens."""

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from config.platform.accounts import actions, api_tokens
from config.platform.accounts.decorators import require_permission
from config.platform.accounts.models import ApiToken, User
from config.platform.accounts.permissions import Permission
from config.platform.accounts.scopes import labels_of
from config.platform.accounts.token_forms import RoleForm, ServiceAccountForm, TokenForm
from config.platform.jobs import clock
from config.platform.web.htmx import Request
from config.platform.web.versions import StaleEdit, version_from


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
def my_tokens(request: Request) -> HttpResponse:
    """List the tokens of the signed-in user, and create one."""
    return _tokens(request, request.user)


@sensitive_post_parameters()
@never_cache
@require_permission(Permission.USER_MANAGE)
@require_http_methods(["GET", "POST"])
def service_account(request: Request, user_id: int) -> HttpResponse:
    """Show a service account with its tokens, and create one."""
    return _tokens(request, get_object_or_404(User, pk=user_id, is_service=True))


@require_permission(Permission.USER_MANAGE)
@require_http_methods(["GET", "POST"])
def service_account_role(request: Request, user_id: int) -> HttpResponse:
    """Show and take the role of a service account, which limits all of its tokens."""
    account = get_object_or_404(User, pk=user_id, is_service=True)
    form = RoleForm(request.POST if request.method == "POST" else None, initial={"role": account.role})
    context = {"form": form, "account": account, "active_nav": "permissions"}
    if request.method == "POST" and form.is_valid():
        try:
            actions.edit_user(
                user=account,
                version=version_from(request.POST),
                full_name=account.full_name,
                email="",
                role=form.cleaned_data["role"],
                by=request.user,
            )
        except StaleEdit as stale:
            return render(request, "accounts/service_account_role.html", context | {"stale": stale}, status=409)
        messages.success(request, _("“%(name)s” is saved.") % {"name": account})
        return redirect("accounts:service_account", account.pk)
    return render(request, "accounts/service_account_role.html", context, status=422 if form.is_bound else 200)


@require_permission(Permission.USER_MANAGE)
@require_http_methods(["GET", "POST"])
def service_accounts(request: Request) -> HttpResponse:
    """List the service accounts, and create one."""
    form = ServiceAccountForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        account = api_tokens.create_service_account(by=request.user, **form.cleaned_data)
        messages.success(request, _("“%(name)s” is created. Create a token for it now.") % {"name": account})
        return redirect("accounts:service_account", account.pk)
    accounts = User.objects.filter(is_service=True).order_by("username_key")
    lasting = Q(api_tokens__expires_at=None) | Q(api_tokens__expires_at__gt=clock.now())
    usable = Count("api_tokens", filter=Q(api_tokens__revoked_at=None) & lasting)
    context = {"form": form, "accounts": accounts.annotate(tokens=usable), "active_nav": "permissions"}
    return render(request, "accounts/service_accounts.html", context, status=422 if form.is_bound else 200)


@require_POST
def revoke_token(request: Request, token_id: int) -> HttpResponse:
    """Revoke a token of the signed-in user; administrators revoke those of all."""
    token = get_object_or_404(ApiToken.objects.select_related("user"), pk=token_id)
    if token.user_id != request.user.pk and not request.user.may(Permission.USER_MANAGE):
        raise Http404
    api_tokens.revoke_token(token=token, by=request.user)
    messages.success(request, _("The token “%(name)s” is revoked.") % {"name": token})
    if token.user.is_service:
        return redirect("accounts:service_account", token.user_id)
    return redirect("accounts:api_tokens")


def _tokens(request: Request, owner: User) -> HttpResponse:
    form, text = TokenForm(request, owner=owner), ""
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            status, text = 200, form.create()
    context = {
        "form": form,
        "owner": owner,
        "token_text": text,
        "tokens": [(each, labels_of(each.scopes)) for each in owner.api_tokens.filter(revoked_at=None)],
        "active_nav": "permissions" if owner.is_service else "",
    }
    return render(request, "accounts/api_tokens.html", context, status=status)
