"""Confirm runs with special options, with the numbers beforehand: send contacts again, and remove contacts that a
guard holds."""

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from config.platform.accounts.models import User
from config.platform.web.formats import number
from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, render_dialog
from connections.destinations.values import BatchOperation
from exports import permissions, policies
from exports.actions import list_cleanup as actions_list_cleanup
from exports.actions import runs
from exports.models import Export, Run
from exports.preview import estimate
from exports.preview.estimate import Estimate
from exports.removal import list_cleanup
from exports.state.run_options import RunOptions
from exports.views.run_layout import find_run

_MOST_DIGITS = 12


class AgainForm(forms.Form):
    """Who is sent again."""

    everyone = forms.BooleanField(required=False, label=gettext_lazy("Run full resync"))
    resubscribe = forms.BooleanField(required=False)

    def clean(self) -> dict[str, object]:
        cleaned: dict[str, object] = super().clean() or self.cleaned_data
        if not any(cleaned.values()):
            raise forms.ValidationError(_("Choose at least one."))
        return cleaned


@require_http_methods(["GET", "POST"])
def send_again(request: Request, export_id: int) -> HttpResponse:
    """Confirm “Send again”: also contacts whose data have not changed and, where the connection allows it,
    suppressed ones."""
    export = get_object_or_404(Export.objects.select_related("connection"), pk=export_id)
    permissions.check_can_manage(request.user, export)
    back = reverse("exports:list")
    form = AgainForm(request.POST if request.method == "POST" else None, initial={"everyone": True})
    context: dict[str, object] = {
        "active_nav": "exports",
        "title": _("Resend all contacts of “%(name)s”?") % {"name": export},
        "confirm_label": _("Run full resync"),
        "form": form,
    }
    try:
        plan = _estimate_of_all(export)
        context |= {"outlook": plan, "may_resubscribe": policies.may_resubscribe(export)}
        if form.is_valid():
            options = RunOptions(**form.cleaned_data)
            if options.resubscribe and plan.figures.resubscribe > _number(request, "left"):
                raise policies.Refusal(_("The number of contacts has increased. Check it, then choose again."))
            run = runs.start_run(export, by=request.user, options=options)
            return close_pane(request, reverse("exports:run", args=[run.pk]))
    except policies.Refusal as refusal:
        return _refused(request, context, refusal, back, "exports/send_again.html")
    status = 422 if form.is_bound else 200
    return render_dialog(request, context, "exports/send_again.html", status, back=back)


@require_http_methods(["GET", "POST"])
def confirm_removals(request: Request, run_id: int) -> HttpResponse:
    """Ask with the number as it is now, then let a run remove that many."""
    run = find_run(run_id)
    permissions.check_can_confirm(request.user, run)
    back = reverse("exports:run", args=[run.pk])
    context: dict[str, object] = {"active_nav": "exports", "danger": True}
    try:
        policies.check_can_confirm(run)
        if request.method == "POST":
            new = _confirm(
                run, people=_number(request, "people"), how=request.POST.get("how", ""), by=request.user
            )
            return close_pane(request, reverse("exports:run", args=[new.pk]))
        context |= _question(run)
    except policies.Refusal as refusal:
        context["title"] = _("Confirm removals")
        return _refused(request, context, refusal, back, "exports/confirm_removals.html")
    return render_dialog(request, context, "exports/confirm_removals.html", back=back)


def _estimate_of_all(export: Export) -> Estimate:
    policies.check_can_run(export)
    return estimate.of(export, RunOptions(everyone=True, resubscribe=True))


def _confirm(run: Run, *, people: int, how: str, by: User) -> Run:
    if run.is_cleanup:
        return actions_list_cleanup.restart(run, people=people, by=by)
    return runs.confirm_removals(run, people=people, how=how, by=by)


def _people_now(run: Run) -> int:
    if run.is_cleanup:
        return list_cleanup.people_of(run.cleanup.delivered_set) or 0
    removals = estimate.of(run.export, RunOptions()).removals
    return removals.held or removals.to_remove


def _question(run: Run) -> dict[str, object]:
    people = _people_now(run)
    if not people:
        raise policies.Refusal(_("There are no contacts left to remove."))
    title = ngettext("Remove %(people)s contact?", "Remove %(people)s contacts?", people)
    how = run.options["removal"]["how"] if run.is_cleanup else run.export.removal
    return {
        "title": title % {"people": number(people)},
        "people": people,
        "how": how,
        "sentence": _sentence(BatchOperation(how)),
        "reaches_everywhere": policies.reaches_everywhere(run),
        "confirm_label": _("Confirm removals"),
        "people_url": f"{reverse('exports:people', args=[run.pk])}?kind=to_remove" if run.removals_held else "",
    }


def _sentence(operation: BatchOperation) -> str:
    if operation is BatchOperation.UNSUBSCRIBE:
        return _("They are unsubscribed. This cannot be undone here: only the subscribers can subscribe again.")
    if operation is BatchOperation.DELETE:
        return _("They are deleted from the list. They are added again when they rejoin the segments.")
    return _("They stay on the list with a field value. The value is cleared when they rejoin the segments.")


def _number(request: Request, name: str) -> int:
    """How many the person has seen in the question."""
    text = request.POST.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise policies.Refusal(_("Check the number of contacts first, then confirm."))
    return int(text)


def _refused(
    request: Request, context: dict[str, object], refusal: policies.Refusal, back: str, template: str
) -> HttpResponse:
    return render_dialog(request, context | {"refusal": refusal.sentence}, template, status=409, back=back)
