"""Admin > Permissions: list, invite, edit and activate users, set their passwords, and reset second factors."""

from typing import Any, Protocol

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Lower
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from config.platform.accounts import actions, password_links, second_factor
from config.platform.accounts.actions import NotNow, check_can_invite
from config.platform.accounts.decorators import require_permission
from config.platform.accounts.forms import AccountForm, AddUserForm, PasswordForm
from config.platform.accounts.models import User
from config.platform.accounts.ownership import TakeOverForm
from config.platform.accounts.permissions import PERMISSION_LABELS, ROLES, Permission, Role
from config.platform.notifications import mail
from config.platform.web.htmx import Request
from config.platform.web.lists import Column, list_page
from config.platform.web.panes import close_pane, render_dialog, render_pane
from config.platform.web.versions import StaleEdit, version_from


def list_url() -> str:
    """Return the address of the list of users."""
    return reverse("accounts:permissions")


def users_done(request: Request, message: str) -> HttpResponse:
    """Close the pane, go to the list of users, and show ``message`` there."""
    return close_pane(request, list_url(), message)


def users_dialog(request: Request, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """Render a question about a user, with what depends on them."""
    known = {"active_nav": "permissions"} | context
    return render_dialog(request, known, "accounts/deactivation.html", status, back=list_url())


def users_pane(request: Request, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """Render a pane beside the list of users."""
    return render_pane(request, template, context | {"active_nav": "permissions"}, status, back=list_url())


def invite(request: Request, user: User) -> HttpResponse:
    """Have an invitation mailed to ``user``; where no mail can be sent, show its link once."""
    by_mail = mail.is_configured() and bool(user.email)
    actions.note_invitation(user=user, by=request.user, mailed=by_mail)
    if by_mail:
        password_links.request_link(user.email, password_links.base_url_of(request), invited=user, by=request.user)
        message = _("“%(name)s” is invited. An email was sent to %(email)s.")
        return users_done(request, message % {"name": user, "email": user.email})
    context = {"person": user, "link": password_links.password_link(password_links.base_url_of(request), user)}
    return users_pane(request, "accounts/invitation.html", context)


@require_permission(Permission.USER_MANAGE)
@require_http_methods(["GET", "POST"])
def invite_again(request: Request, user_id: int) -> HttpResponse:
    """Ask, then make a new link for a user who has not signed in yet."""
    person = get_object_or_404(User, pk=user_id, is_service=False)
    try:
        check_can_invite(person)
    except NotNow as refusal:
        return users_pane(request, "accounts/invite_again.html", {"refusal": refusal.sentence}, 409)
    if request.method == "POST":
        return invite(request, person)
    return users_pane(request, "accounts/invite_again.html", {"person": person})


COLUMNS = (
    Column("name", gettext_lazy("Name"), order_by=(Lower("full_name"), Lower("username"))),
    Column("username", gettext_lazy("Username"), order_by=(Lower("username"),)),
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
        request,
        User.objects.filter(is_service=False),
        columns=COLUMNS,
        search=("full_name", "username", "email"),
        default="name",
    )
    context: dict[str, Any] = {
        "list": people,
        "active_nav": "permissions",
        "roles": _roles(),
        "actions": _actions(),
    }
    context["with_second_factor"] = second_factor.users_with_second_factor()
    return render(request, "accounts/permissions.html", context)


@require_permission(Permission.USER_MANAGE)
def add_user(request: Request) -> HttpResponse:
    """Show and take the pane for a new account."""
    form = AddUserForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user = actions.invite_user(by=request.user, **form.cleaned_data)
        return invite(request, user)
    return users_pane(request, "accounts/add_user.html", {"form": form}, status=422 if form.is_bound else 200)


@require_permission(Permission.USER_MANAGE)
def edit_user(request: Request, user_id: int) -> HttpResponse:
    """Show and take the pane of an account."""
    person = get_object_or_404(User, pk=user_id, is_service=False)
    known = {"full_name": person.full_name, "email": person.email, "role": person.role}
    form = AccountForm(request.POST or None, initial=known)
    take_over_form = TakeOverForm(request, person=person)
    context: dict[str, Any] = {"form": form, "person": person, "take_over_form": take_over_form}
    if request.method != "POST":
        return users_pane(request, "accounts/edit_user.html", context)
    if form.is_valid() and take_over_form.is_valid():
        try:
            with transaction.atomic():
                take_over_form.take_over()
                version = version_from(request.POST)
                actions.edit_user(user=person, version=version, by=request.user, **form.cleaned_data)
        except StaleEdit as stale:
            return users_pane(request, "accounts/edit_user.html", context | {"stale": stale}, status=409)
        except NotNow as refusal:
            form.add_error("role", refusal.sentence)
        else:
            return users_done(request, _("“%(name)s” is saved.") % {"name": person})
    return users_pane(request, "accounts/edit_user.html", context, status=422)


@require_permission(Permission.USER_MANAGE)
def set_password(request: Request, user_id: int) -> HttpResponse:
    """Show and take the pane for a new password."""
    person = get_object_or_404(User, pk=user_id, is_service=False)
    form = PasswordForm(request.POST or None, user=person)
    if request.method == "POST" and form.is_valid():
        actions.set_password(user=person, password=form.cleaned_data["password"], by=request.user)
        return users_done(request, _("The password of “%(name)s” is changed.") % {"name": person})
    context = {"form": form, "person": person}
    return users_pane(request, "accounts/set_password.html", context, status=422 if form.is_bound else 200)


@require_permission(Permission.USER_MANAGE)
@require_http_methods(["POST"])
def activate(request: Request, user_id: int) -> HttpResponse:
    """Let a user sign in again, or the tokens of a service account work again."""
    person = get_object_or_404(User, pk=user_id)
    actions.activate_user(user=person, by=request.user)
    message = _("“%(name)s” is activated.") if person.is_service else _("“%(name)s” can sign in again.")
    return users_done(request, message % {"name": person})


def _roles() -> list[dict[str, object]]:
    return [{"label": label, "sentence": ROLES[role].sentence} for role, label in Role.choices]


def _actions() -> list[tuple[object, list[bool]]]:
    """List the label of each permission with whether each role has it."""
    return [
        (label, [permission in ROLES[role].permissions for role in Role.values])
        for permission, label in PERMISSION_LABELS.items()
    ]


@require_permission(Permission.USER_MANAGE)
@require_http_methods(["GET", "POST"])
def reset_second_factor(request: Request, user_id: int) -> HttpResponse:
    """Ask, then reset."""
    person = get_object_or_404(User, pk=user_id, is_service=False)
    if request.method == "POST":
        second_factor.reset_second_factor(user=person, by=request.user)
        return users_done(request, _("“%(name)s” can now sign in without a code.") % {"name": person})
    question = {
        "title": _("Reset the second factor of “%(name)s”?") % {"name": person},
        "sentence": _(
            "The user can sign in with the password alone until they set up a second factor again. "
            "Verify that the request came from this user."
        ),
        "confirm_label": _("Reset"),
        "danger": True,
    }
    return users_dialog(request, question)


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
        "sentence": _("Its tokens stop working immediately, until the account is activated again.")
        if person.is_service
        else _("The user is signed out immediately and cannot sign in again. Their work is kept."),
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
    context = question | {"danger": True, "take_over_form": form}
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
