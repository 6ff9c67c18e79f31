"""Refresh all: ask, then refresh the whole system."""

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from config.console.refreshing import actions, workflow
from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, refused, render_dialog


@require_permission(Permission.SYSTEM_MANAGE)
@require_http_methods(["GET", "POST"])
def refresh_all(request: Request) -> HttpResponse:
    """The question says what it will do."""
    back = reverse("system:status")
    if request.method != "POST":
        context = {
            "active_nav": "system",
            "title": _("Refresh everything now?"),
            "counts": workflow.counts(),
            "confirm_label": _("Refresh all"),
        }
        return render_dialog(request, context, "system/refresh_all.html", back=back)
    try:
        actions.refresh_all(by=request.user)
    except actions.AlreadyUnderWay as refusal:
        return refused(str(refusal))
    return close_pane(request, back, _("The system refresh has started."))
