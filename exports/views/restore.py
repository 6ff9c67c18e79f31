"""Confirm the restore of the subscribers that a run removed."""

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, render_dialog
from exports import permissions, policies
from exports.actions import runs
from exports.removal import restore as removal_restore
from exports.state.run_options import RunOptions
from exports.views.run_layout import find_run

_TEMPLATE = "exports/restore_removed.html"


@require_http_methods(["GET", "POST"])
def restore(request: Request, run_id: int) -> HttpResponse:
    """Say how many subscribers are restored, how many are not and why; then start the run that restores them."""
    run = find_run(run_id)
    permissions.check_can_manage(request.user, run.export)
    back = reverse("exports:run", args=[run.pk])
    context: dict[str, object] = {"active_nav": "exports", "title": _("Restore removed subscribers")}
    try:
        removal_restore.check(run)
        found = removal_restore.count(run)
        if not found.people:
            raise policies.Refusal(_("None of these subscribers can be restored any more."))
        if request.method == "POST":
            new = runs.start_run(run.export, by=request.user, options=RunOptions(restores=run.pk))
            return close_pane(request, reverse("exports:run", args=[new.pk]))
    except policies.Refusal as refusal:
        return render_dialog(request, context | {"refusal": refusal.sentence}, _TEMPLATE, status=409, back=back)
    asks = bool(run.frozen.get("confirmed_opt_in")) and found.people > found.marked
    context |= {"asks_to_confirm": asks}
    context |= {"found": found, "confirm_label": _("Restore subscribers")}
    return render_dialog(request, context, _TEMPLATE, back=back)
