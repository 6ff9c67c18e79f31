"""Confirm that rejected contacts of a run are sent again."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from config.platform.accounts.models import User
from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, render_dialog
from exports import policies
from exports.actions import retry_rejected
from exports.models import Run
from exports.permissions import check_can_manage, user_can_manage
from exports.reporting import breakdown, next_steps
from exports.reporting.breakdown import PeopleKind


def button(run: Run, user: User) -> dict[str, object]:
    """The context of exports/ask_again.html."""
    if not run.rejected:
        return {}
    if not user_can_manage(user, run.export):
        return {"who_can": next_steps.names_of_administrators()}
    return {"may_ask_again": retry_rejected.can_ask_again(run)}


@require_http_methods(["GET", "POST"])
def ask_again(request: Request, run_id: int) -> HttpResponse:
    """Ask, then run; ``?code=`` asks for those alone who were rejected for one reason."""
    run = get_object_or_404(Run.objects.select_related("export__connection"), pk=run_id)
    check_can_manage(request.user, run.export)
    code = request.GET.get("code", "")
    context: dict[str, object] = {
        "active_nav": "exports",
        "title": _("Retry rejected contacts?"),
        "sentence": _(
            "A run starts now. It sends %(people)s rejected contacts again with the same data, and "
            "all other changes. Contacts rejected again for the same reason are not reported."
        )
        % {"people": _people(run, code)},
        "confirm_label": _("Retry contacts"),
    }
    back = f"{reverse('exports:people', args=[run.pk])}?kind={PeopleKind.REJECTED}"
    if request.method == "POST":
        try:
            started = retry_rejected.ask_again(run, code=code, by=request.user)
        except policies.Refusal as refusal:
            return render_dialog(request, context | {"refusal": refusal.sentence}, status=409, back=back)
        return close_pane(request, reverse("exports:run", args=[started.pk]))
    return render_dialog(request, context, back=back)


def _people(run: Run, code: str) -> int:
    groups = breakdown.groups_of(run, PeopleKind.REJECTED)
    return sum(group.people for group in groups if code in ("", group.code))
