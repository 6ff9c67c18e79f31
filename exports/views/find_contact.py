"""Looking a person up by address: what exports know of them, and how they stand on the lists now."""

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from config.platform.accounts.decorators import require_permission
from config.platform.accounts.permissions import Permission
from config.platform.web.htmx import Request
from connections import lookups
from connections.destinations.errors import DestinationError
from connections.vault import NotConnected
from exports.models import Export
from exports.reporting import person as reporting_person
from exports.views.access import find_managed_export


class LookUpForm(forms.Form):
    """An address, which comes by POST, so that it stands in no address bar and no log."""

    email = forms.CharField(
        label=gettext_lazy("Email"),
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "inputmode": "email"}),
    )


@require_permission(Permission.EXPORT_VIEW)
@require_permission(Permission.PERSONAL_DATA_SEE)
@require_http_methods(["GET", "POST"])
def find_contact(request: Request) -> HttpResponse:
    """The question and, posted to, the answer."""
    form = LookUpForm(request.POST if request.method == "POST" else None)
    found = reporting_person.look_up(form.cleaned_data["email"], by=request.user) if form.is_valid() else None
    return render(request, "exports/find_contact.html", {"form": form, "found": found, "active_nav": "exports"})


@require_permission(Permission.EXPORT_VIEW)
@require_permission(Permission.PERSONAL_DATA_SEE)
@require_POST
def current_status(request: Request, export_id: int) -> HttpResponse:
    """Look up the subscriber state of a person on the export's list. The destination is not asked about a
    person who was never sent there."""
    export = find_managed_export(request, export_id)
    form = LookUpForm(request.POST)
    context: dict[str, object] = {}
    if form.is_valid() and export.connection is not None:
        found = reporting_person.look_up(form.cleaned_data["email"], by=request.user)
        if any(each.may_ask for each in found.exports if each.export == export):
            context = _asked(export, found.email)
    return render(request, "exports/current_status.html", context)


def _asked(export: Export, email: str) -> dict[str, object]:
    connection = export.connection
    if connection is None:
        return {}
    try:
        return {"asked": True, "there": lookups.subscriber_state(connection, export.list_id, email)}
    except (DestinationError, NotConnected) as error:
        return {"error": getattr(error, "sentence", str(error))}
