"""Send one contact: choose it, send it, see the answer."""

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from config.platform.accounts.permissions import Permission
from config.platform.web.htmx import Request
from config.platform.web.panes import render_pane
from exports import policies
from exports.models import Export
from exports.permissions import check_can_manage
from exports.preview import send_test


class OnePersonForm(forms.Form):
    """Who is sent."""

    person = forms.CharField(
        label=_("Email address"),
        max_length=254,
        help_text=_("The email or the key of a member of the segments of this export."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autofocus": True}),
    )


@require_http_methods(["GET", "POST"])
@sensitive_variables()
def send_one(request: Request, export_id: int) -> HttpResponse:
    """The pane; by POST the person goes out. ``?person=`` fills in who."""
    export = get_object_or_404(Export.objects.select_related("connection"), pk=export_id)
    check_can_manage(request.user, export)
    posted = request.POST if request.method == "POST" else None
    form = OnePersonForm(posted, initial={"person": request.GET.get("person", "")})
    answer, status = None, 200
    if posted is not None and form.is_valid():
        try:
            answer = send_test.send_one(export, person=form.cleaned_data["person"], by=request.user)
        except policies.Refusal as refusal:
            form.add_error("person", refusal.sentence)
    if posted is not None and answer is None:
        status = 422
    context = {
        "form": form,
        "export": export,
        "answer": answer,
        "sees_data": request.user.may(Permission.PERSONAL_DATA_SEE),
        "active_nav": "exports",
        "pane_save": _("Send test contact"),
        "pane_action": reverse("exports:send_one", args=[export.pk]),
    }
    return render_pane(request, "exports/send_one.html", context, status, back=reverse("exports:list"))
