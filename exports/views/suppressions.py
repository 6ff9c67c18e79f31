"""Import a suppression list for the list of an export, and remove it."""

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from config.platform.web.formats import number
from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, render_pane
from exports import policies
from exports.actions import suppressions
from exports.feedback.suppression_list import ImportedSuppressions
from exports.forms.suppression_form import SuppressionForm
from exports.views.access import find_managed_export
from exports.views.confirm import Confirmation, confirm


@require_http_methods(["GET", "POST"])
def import_list(request: Request, export_id: int) -> HttpResponse:
    """Choose the file and, posted, import it."""
    export = find_managed_export(request, export_id)
    form = SuppressionForm(request.POST, request.FILES) if request.method == "POST" else SuppressionForm()
    back = reverse("exports:list_state", args=[export.pk])
    if form.is_bound and form.is_valid():
        file, replaces = form.cleaned_data["file"], form.cleaned_data["replaces"]
        try:
            done = suppressions.import_list(export, file.file, replaces=replaces, by=request.user)
        except policies.Refusal as refusal:
            form.add_error("file", refusal.sentence)
        else:
            return close_pane(request, back, _told(done))
    context = {
        "form": form,
        "export": export,
        "pane_encoding": "multipart/form-data",
        "pane_save": _("Import"),
        "active_nav": "exports",
    }
    return render_pane(request, "exports/suppressions.html", context, 422 if form.is_bound else 200, back=back)


@require_http_methods(["GET", "POST"])
def remove_imported(request: Request, export_id: int) -> HttpResponse:
    """Confirm that imported suppressions are removed."""
    export = find_managed_export(request, export_id)
    back = reverse("exports:list_state", args=[export.pk])

    def act() -> tuple[str, str]:
        suppressions.remove_imported(export, by=request.user)
        return back, _("The imported suppression list was removed.")

    asked = Confirmation(
        title=_("Remove the imported suppression list?"),
        sentence=_("The next run sends these contacts again, unless they have left the list."),
        confirm_label=_("Remove"),
        danger=True,
        act=act,
        back=back,
    )
    return confirm(request, asked)


def _told(done: ImportedSuppressions) -> str:
    added = ngettext("%(added)s address added.", "%(added)s addresses added.", done.added)
    told = added % {"added": number(done.added)}
    if skipped := done.rows_without_address:
        without = ngettext("%(rows)s row has no address.", "%(rows)s rows have no address.", skipped)
        told += " " + without % {"rows": number(skipped)}
    return told
