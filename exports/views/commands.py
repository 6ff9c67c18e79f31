"""What is done to an export or a run with one click: run, duplicate, remove, cancel."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, refused, render_dialog
from exports import policies
from exports.actions import list_cleanup, manage, runs
from exports.forms import cleanup_form
from exports.forms.cleanup_form import CleanupForm
from exports.models import Export, Run
from exports.permissions import check_can_manage
from exports.removal.list_cleanup import CleanupSettings
from exports.views.pane_removal import is_counted_later


@require_POST
def start(request: Request, export_id: int) -> HttpResponse:
    """Run now. Posted with ``then=run`` it leads to the run's page, else back to the list."""
    export = _mine(request, export_id)
    try:
        run = runs.start_run(export, by=request.user)
    except policies.Refusal as refusal:
        return refused(refusal.sentence)
    if request.POST.get("then") == "run":
        return close_pane(request, reverse("exports:run", args=[run.pk]))
    told = _("Run %(number)s of “%(name)s” has started.") % {"number": run.number, "name": export}
    return close_pane(request, reverse("exports:list"), told)


@require_POST
def duplicate(request: Request, export_id: int) -> HttpResponse:
    """A copy under a free name."""
    copy = manage.duplicate(_mine(request, export_id), by=request.user)
    told = _("“%(name)s” is created. It has sent nothing yet.") % {"name": copy}
    return close_pane(request, reverse("exports:list"), told)


@require_http_methods(["GET", "POST"])
def remove(request: Request, export_id: int) -> HttpResponse:
    """Ask, then remove."""
    export = _mine(request, export_id)
    back = reverse("exports:list")
    context: dict[str, object] = {
        "active_nav": "exports",
        "title": _("Remove “%(name)s”?") % {"name": export},
        "confirm_label": _("Remove"),
        "danger": True,
    }
    asked = cleanup_form.of_removing(request.user, export, request.POST, waits=is_counted_later(request))
    if asked and "counted" in request.GET:
        return render(request, "exports/cleanup.html", {"cleanup": asked})
    context |= {"cleanup": asked, "sentence": _what_is_removed(export, asked)}
    template, status = "exports/remove.html", 200
    if request.method == "POST":
        try:
            policies.check_stays(export)
            if asked is None or asked.is_valid():
                return _removed(request, export, asked, back)
            status = 422
        except policies.Refusal as refusal:
            context["refusal"], status = refusal.sentence, 409
    return render_dialog(request, context, template, status, back=back)


def _removed(request: Request, export: Export, asked: CleanupForm | None, back: str) -> HttpResponse:
    """Answer a removal: the export is gone, or goes as soon as its contacts are off the list."""
    run = list_cleanup.remove(export, asked.cleanup() if asked else CleanupSettings(), by=request.user)
    if run is None:
        return close_pane(request, back, _("“%(name)s” is removed.") % {"name": export})
    told = _("“%(name)s” will be removed when its list cleanup ends.") % {"name": export}
    return close_pane(request, reverse("exports:run", args=[run.pk]), told)


def _what_is_removed(export: Export, asked: CleanupForm | None) -> str:
    if asked is not None:
        return _("The settings and runs of the export are removed.")
    sentence = _("The settings and runs of the export are removed. Contacts already sent stay in %(type)s.")
    return sentence % {"type": _type_of(export)}


@require_http_methods(["GET", "POST"])
def cancel(request: Request, run_id: int) -> HttpResponse:
    """Ask, then let the run stop."""
    run = get_object_or_404(Run.objects.select_related("export__connection"), pk=run_id)
    check_can_manage(request.user, run.export)
    back = reverse("exports:run", args=[run.pk])
    context = _cancel_question(run)
    if request.method == "POST":
        try:
            runs.cancel_run(run, by=request.user)
        except policies.Refusal as refusal:
            return render_dialog(request, context | {"refusal": refusal.sentence}, status=409, back=back)
        if run.next_try_at:
            return close_pane(request, back, _("The run is not retried automatically."))
        return close_pane(request, back, _("The run stops after the requests in progress get their responses."))
    return render_dialog(request, context, "exports/cancel.html", back=back)


def _cancel_question(run: Run) -> dict[str, object]:
    names = {"number": run.number, "name": run.export}
    question: dict[str, object] = {"active_nav": "exports", "danger": True}
    if run.is_cleanup:
        return question | _cleanup_question(run)
    if run.next_try_at:
        return question | {
            "title": _("Stop retrying run %(number)s of “%(name)s”?") % names,
            "sentence": _("Contacts already sent stay sent. The next manual run sends the rest."),
            "confirm_label": _("Stop retries"),
        }
    return question | {
        "title": _("Cancel run %(number)s of “%(name)s”?") % names,
        "sentence": _("Contacts already sent stay sent. The next run sends the rest."),
        "confirm_label": _("Cancel run"),
    }


def _cleanup_question(run: Run) -> dict[str, object]:
    names = {"number": run.number, "name": run.export}
    sentence = _("Contacts already removed stay removed. The others stay on the list.")
    if run.export.is_being_removed:
        sentence = f"{sentence} {_('The export is kept.')}"
    return {
        "title": _("Cancel run %(number)s of “%(name)s”?") % names,
        "sentence": sentence,
        "confirm_label": _("Cancel run"),
    }


def _mine(request: Request, export_id: int) -> Export:
    export = get_object_or_404(Export.objects.select_related("connection"), pk=export_id)
    check_can_manage(request.user, export)
    return export


def _type_of(export: Export) -> str:
    return str(export.connection.destination.label) if export.connection else _("the destination")
