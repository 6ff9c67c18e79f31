"""Edit the addresses that an export notifies beside the users who are notified of everything."""

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from config.platform.notifications import mail, recipients
from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, render_pane
from config.platform.web.versions import StaleEdit, version_from
from exports.actions import manage
from exports.forms.alert_recipients import cleaned
from exports.models import Export
from exports.permissions import check_can_manage


class TellAlsoForm(forms.Form):
    """Addresses, one a line."""

    addresses = forms.CharField(
        label=gettext_lazy("Alert recipients"),
        help_text=gettext_lazy("One email address per line."),
        required=False,
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false", "autocomplete": "off"}),
    )

    def clean_addresses(self) -> list[str]:
        text: str = self.cleaned_data["addresses"]
        return cleaned(text.replace(",", " ").split())


@require_http_methods(["GET", "POST"])
def tell_also(request: Request, export_id: int) -> HttpResponse:
    """The pane."""
    export = get_object_or_404(Export.objects.select_related("connection"), pk=export_id)
    check_can_manage(request.user, export)
    form = TellAlsoForm(request.POST or None, initial={"addresses": "\n".join(export.tell_also)})
    context: dict[str, Any] = {
        "active_nav": "exports",
        "form": form,
        "export": export,
        "by_mail": mail.is_configured(),
        "people": recipients.users_with_kinds(),
    }
    back, status = reverse("exports:list"), 422 if form.is_bound else 200
    if form.is_bound and form.is_valid():
        addresses = form.cleaned_data["addresses"]
        try:
            manage.tell_also(export, addresses, version=version_from(request.POST), by=request.user)
        except StaleEdit as stale:
            context, status = context | {"stale": stale}, 409
        else:
            return close_pane(request, back, _("The alert recipients of “%(name)s” are saved.") % {"name": export})
    return render_pane(request, "exports/tell_also.html", context, status, back=back)
