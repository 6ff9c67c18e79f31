"""Deactivate and remove users, after asking what depends on them."""

from typing import Any, Protocol

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from config.platform.accounts import actions
from config.platform.accounts.decorators import require_permission
from config.platform.accounts.models import User
from config.platform.accounts.ownership import TakeOverForm
from config.platform.accounts.permissions import Permission
from config.platform.accounts.policies import NotNow
from config.platform.accounts.views.permissions import users_dialog, users_done
from config.platform.web.htmx import Request


class AccountAction(Protocol):
    """An action on a user; raises NotNow."""

    def __call__(self, *, user: User, by: User) -> None: ...


@require_permission(Permission.USER_MANAGE)
@require_http_methods(["GET", "POST"])
def deactivate(request: Request, user_id: int) -> HttpResponse:
    """Ask, then deactivate."""
    person = get_object_or_404(User, pk=user_id)
    question = {
        "title": _("Deactivate “%(name)s”?") % {"name": person},
        "sentence": _("The user is signed out immediately and cannot sign in again. Their work is kept."),
        "confirm_label": _("Deactivate"),
    }
    message = _("“%(name)s” is deactivated.") % {"name": person}
    return _confirm_and_do(request, person, question, actions.deactivate_user, message)


@require_permission(Permission.USER_MANAGE)
@require_http_methods(["GET", "POST"])
def remove(request: Request, user_id: int) -> HttpResponse:
    """Ask, then remove."""
    person = get_object_or_404(User, pk=user_id)
    question = {
        "title": _("Remove “%(name)s”?") % {"name": person},
        "sentence": _(
            "The account is deleted. This cannot be undone. Their work and their audit log are kept. "
            "To keep the account, deactivate it instead."
        ),
        "confirm_label": _("Remove"),
    }
    message = _("“%(name)s” is removed.") % {"name": person}
    return _confirm_and_do(request, person, question, actions.remove_user, message)


def _confirm_and_do(
    request: Request, person: User, question: dict[str, Any], action: AccountAction, message: str
) -> HttpResponse:
    form = TakeOverForm(request, person=person)
    context = question | {"danger": True, "step_in": form}
    if request.method != "POST":
        return users_dialog(request, context)
    if form.is_bound and not form.is_valid():
        return users_dialog(request, context, status=422)
    try:
        with transaction.atomic():
            if form.is_bound:
                form.take_over()
            action(user=person, by=request.user)
    except NotNow as refusal:
        return users_dialog(request, context | {"refusal": refusal.sentence}, status=409)
    return users_done(request, message)
