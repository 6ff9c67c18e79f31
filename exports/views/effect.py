"""The effect of changes in the export pane before they are saved: what the next run would do before and after."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.web.htmx import Request
from exports import policies
from exports.actions.effects import effect_of_edit
from exports.forms.export_form import ExportForm
from exports.models import Export
from exports.removal import list_cleanup
from exports.views import edit, kept_changes
from exports.views.access import find_managed_export
from exports.views.pane import choices_for


@require_permission(Permission.EXPORT_MANAGE)
@require_http_methods(["GET", "POST"])
def effect(request: Request, export_id: int, key: str) -> HttpResponse:
    """Show the effect of kept changes; posted to, save them."""
    export = find_managed_export(request, export_id)
    data = kept_changes.find(request, export.pk, key)
    if data is None:
        messages.warning(request, _("These changes are no longer available. Enter them again."))
        return redirect("exports:edit", export.pk)
    choices = choices_for(request.user)
    if request.method == "POST":
        return edit.save(request, choices, export, data)
    form = edit.bound_form(data, choices, export)
    if not form.is_valid():
        return edit.show_pane(request, form, export, data=data)
    context = {
        "export": export,
        "edit_url": reverse("exports:edit", args=[export.pk]) + f"?change={key}",
        "notes": _notes(export, form),
        "active_nav": "exports",
    }
    try:
        context["effect"] = effect_of_edit(export, form.settings(), by=request.user)
    except policies.Refusal as refusal:
        context["refusal"] = refusal.sentence
    return render(request, "exports/effect.html", context)


def _notes(export: Export, form: ExportForm) -> list[str]:
    """Say how many contacts the export leaves on a list that it no longer sends to."""
    left = list_cleanup.left_by_moving(export, form.chosen, form.draft.list_id)
    if left is None:
        return []
    count = list_cleanup.count_known(left.delivered_set)
    sentence = ngettext(
        "The export leaves %(people)d contact that it added to “%(list)s”.",
        "The export leaves %(people)d contacts that it added to “%(list)s”.",
        count,
    )
    return [sentence % {"people": count, "list": left.delivered_set.title}]
