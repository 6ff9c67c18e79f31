"""Admin > Permissions: who may sign in, and as what."""

from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Lower
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from config.platform.accounts import actions, second_factor
from config.platform.accounts.decorators import require_permission
from config.platform.accounts.forms import AccountForm, AddUserForm, PasswordForm
from config.platform.accounts.models import User
from config.platform.accounts.permissions import PERMISSION_LABELS, Permission
from config.platform.accounts.policies import NotNow
from config.platform.accounts.roles import ROLES, Role
from config.platform.accounts.take_over import StepInForm
from config.platform.accounts.views import frames
from config.platform.accounts.views.invitations import invite
from config.platform.web.htmx import Request
from config.platform.web.lists import Column, list_page
from config.platform.web.versions import StaleEdit, version_from

COLUMNS = (
    Column("name", gettext_lazy("Name"), order_by=(Lower("full_name"), Lower("username"))),
    Column("username", gettext_lazy("User name"), order_by=(Lower("username"),)),
    Column("email", gettext_lazy("Email"), order_by=(Lower("email"),)),
    Column("role", gettext_lazy("Role"), order_by=("role",)),
    Column("state", gettext_lazy("State"), order_by=("-is_active",)),
    Column("last_login", gettext_lazy("Last sign-in"), order_by=(F("last_login").asc(nulls_first=True),)),
    Column("second_factor", gettext_lazy("Second factor")),
)


@require_permission(Permission.USER_MANAGE)
def permissions(request: Request) -> HttpResponse:
    """List users, and what each role may do."""
    people = list_page(
        request, User.objects.all(), columns=COLUMNS, search=("full_name", "username", "email"), default="name"
    )
    context: dict[str, Any] = {
        "list": people,
        "active_nav": "permissions",
        "roles": _roles(),
        "actions": _actions(),
    }
    context["with_second_factor"] = second_factor.people_with_one()
    return render(request, "accounts/permissions.html", context)


@require_permission(Permission.USER_MANAGE)
def add_user(request: Request) -> HttpResponse:
    """The pane for a new account."""
    form = AddUserForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = actions.invite_user(by=request.user, **form.cleaned_data)
        return invite(request, user)
    return frames.pane(request, "accounts/add_user.html", {"form": form}, status=422 if form.is_bound else 200)


@require_permission(Permission.USER_MANAGE)
def edit_user(request: Request, user_id: int) -> HttpResponse:
    """The pane of an account."""
    person = get_object_or_404(User, pk=user_id)
    known = {"full_name": person.full_name, "email": person.email, "role": person.role}
    form = AccountForm(request.POST or None, initial=known)
    step_in = StepInForm(request, person=person)
    context: dict[str, Any] = {"form": form, "person": person, "step_in": step_in}
    if request.method != "POST":
        return frames.pane(request, "accounts/edit_user.html", context)
    if form.is_valid() and step_in.is_valid():
        try:
            with transaction.atomic():
                step_in.carry_out()
                version = version_from(request.POST)
                actions.edit_user(user=person, version=version, by=request.user, **form.cleaned_data)
        except StaleEdit as stale:
            return frames.pane(request, "accounts/edit_user.html", context | {"stale": stale}, status=409)
        except NotNow as refusal:
            form.add_error("role", refusal.sentence)
        else:
            return frames.done(request, _("“%(name)s” is saved.") % {"name": person})
    return frames.pane(request, "accounts/edit_user.html", context, status=422)


@require_permission(Permission.USER_MANAGE)
def set_password(request: Request, user_id: int) -> HttpResponse:
    """The pane for a new password."""
    person = get_object_or_404(User, pk=user_id)
    form = PasswordForm(request.POST or None, user=person)
    if request.method == "POST" and form.is_valid():
        actions.set_password(user=person, password=form.cleaned_data["password"], by=request.user)
        return frames.done(request, _("The password of “%(name)s” is changed.") % {"name": person})
    context = {"form": form, "person": person}
    return frames.pane(request, "accounts/set_password.html", context, status=422 if form.is_bound else 200)


@require_permission(Permission.USER_MANAGE)
@require_http_methods(["POST"])
def activate(request: Request, user_id: int) -> HttpResponse:
    """Let a user sign in again."""
    person = get_object_or_404(User, pk=user_id)
    actions.activate_user(user=person, by=request.user)
    return frames.done(request, _("“%(name)s” can sign in again.") % {"name": person})


def _roles() -> list[dict[str, object]]:
    return [{"label": label, "sentence": ROLES[role].sentence} for role, label in Role.choices]


def _actions() -> list[tuple[object, list[bool]]]:
    """Each thing there is to do, with a yes or no for every role."""
    return [
        (label, [permission in ROLES[role].permissions for role in Role.values])
        for permission, label in PERMISSION_LABELS.items()
    ]
