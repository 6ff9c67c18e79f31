"""Run all: every export whose own switch is on."""

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from config.platform.accounts.decorators import require_permission
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, render_dialog
from exports import policies
from exports.actions import runs, schedule
from exports.models import Export
from exports.permissions import user_can_manage


@require_permission(Permission.EXPORT_MANAGE)
@require_http_methods(["GET", "POST"])
def run_all(request: Request) -> HttpResponse:
    """Ask, then run every export of the person's whose own switch is on."""
    switched_on = schedule.switched_on().exclude(connection=None).select_related("connection").order_by("name")
    exports = [export for export in switched_on if user_can_manage(request.user, export)]
    back = reverse("exports:list")
    if request.method == "POST":
        return close_pane(request, back, _run_each(exports, request.user))
    count = len(exports)
    context: dict[str, object] = {
        "active_nav": "exports",
        "title": ngettext("Run %(n)d export?", "Run all %(n)d exports?", count) % {"n": count},
        "sentence": _("Runs all exports with an active schedule. Only changes are sent."),
        "names": [str(export) for export in exports],
        "confirm_label": _("Run all"),
    }
    return render_dialog(request, context, "exports/together.html", back=back)


def _run_each(exports: list[Export], by: User) -> str:
    """Start what can start; say how many did, and what kept the first of the others."""
    refusals = []
    for export in exports:
        try:
            runs.start_run(export, by=by)
        except policies.Refusal as refusal:
            refusals.append(f"“{export}”: {refusal.sentence}")
    started = len(exports) - len(refusals)
    told = ngettext("%(n)d run has started.", "%(n)d runs have started.", started) % {"n": started}
    if not refusals:
        return told
    others = ngettext(
        "One run did not start: %(why)s", "%(n)d runs did not start, for example: %(why)s", len(refusals)
    )
    return f"{told} {others % {'n': len(refusals), 'why': refusals[0]}}"
