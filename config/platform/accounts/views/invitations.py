"""Invite users to choose a password: by mail, or by a link that the administrator hands over."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from config.platform.accounts import actions, links, resets
from config.platform.accounts.decorators import require_permission
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.accounts.policies import NotNow, check_can_invite
from config.platform.accounts.views import frames
from config.platform.notifications import mail
from config.platform.web.htmx import Request


def invite(request: Request, user: User) -> HttpResponse:
    """Let a worker mail the link; where no mail goes out, show it once."""
    by_mail = mail.is_configured() and bool(user.email)
    actions.note_invitation(user=user, by=request.user, mailed=by_mail)
    if by_mail:
        resets.invite(user, links.base_of(request), by=request.user)
        told = _("“%(name)s” is invited: a mail is on its way to %(email)s.")
        return frames.done(request, told % {"name": user, "email": user.email})
    context = {"person": user, "link": links.password_link(links.base_of(request), user)}
    return frames.pane(request, "accounts/invitation.html", context)


@require_permission(Permission.USER_MANAGE)
@require_http_methods(["GET", "POST"])
def invite_again(request: Request, user_id: int) -> HttpResponse:
    """Ask, then make a new link for a user who has not signed in yet."""
    person = get_object_or_404(User, pk=user_id)
    try:
        check_can_invite(person)
    except NotNow as refusal:
        return frames.pane(request, "accounts/invite_again.html", {"refusal": refusal.sentence}, 409)
    if request.method == "POST":
        return invite(request, person)
    return frames.pane(request, "accounts/invite_again.html", {"person": person})
