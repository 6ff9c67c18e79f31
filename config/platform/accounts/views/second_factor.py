"""Remove the second factor of a user who has lost the phone and the codes (Admin > Permissions)."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from config.platform.accounts import second_factor
from config.platform.accounts.decorators import require_permission
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.accounts.views import frames
from config.platform.web.htmx import Request


@require_permission(Permission.USER_MANAGE)
@require_http_methods(["GET", "POST"])
def reset(request: Request, user_id: int) -> HttpResponse:
    """Ask, then reset."""
    person = get_object_or_404(User, pk=user_id)
    if request.method == "POST":
        second_factor.reset(user=person, by=request.user)
        return frames.done(request, _("“%(name)s” signs in without a code now.") % {"name": person})
    question = {
        "title": _("Reset the second factor of “%(name)s”?") % {"name": person},
        "sentence": _(
            "The password alone lets them in until they set it up anew. Make sure that it is really them who ask."
        ),
        "confirm_label": _("Reset"),
        "danger": True,
    }
    return frames.dialog(request, question)
