"""Panes of the list of exports: schedule, alert recipients, and the test contact."""

from functools import partial

from django import forms
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from config.platform.accounts.permissions import Permission
from config.platform.notifications import mail, recipients
from config.platform.schedules.pane import Subject, came_from_its_page, schedule_pane
from config.platform.web.htmx import Request
from config.platform.web.panes import close_pane, render_pane
from config.platform.web.versions import StaleEdit, version_from
from exports import policies
from exports.actions import manage
from exports.forms.alert_recipients import AlertRecipientsForm
from exports.models import Export
from exports.preview import send_test
from exports.views.access import find_managed_export, find_selected_exports


class TestContactForm(forms.Form):
    """Which contact is sent."""

    person = forms.CharField(
        label=gettext_lazy("Email address"),
        max_length=254,
        help_text=gettext_lazy("The email or the key of a member of the segments of this export."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autofocus": True}),
    )


@require_http_methods(["GET", "POST"])
def schedule(request: Request) -> HttpResponse:
    """Choose the schedule of the ``selected`` exports."""
    subjects = [_subject(export, request) for export in find_selected_exports(request)]
    back = reverse("exports:list")
    if came_from_its_page(request, subjects):
        back = reverse("exports:runs", args=[subjects[0].key])
    return schedule_pane(request, subjects, back=back, active_nav="exports")


def _subject(export: Export, request: Request) -> Subject:
    save = partial(manage.set_schedule, export, by=request.user)
    return Subject(export.pk, export.name, manage.schedule_of(export), save)


@require_http_methods(["GET", "POST"])
def alert_recipients(request: Request, export_id: int) -> HttpResponse:
    """Edit the addresses that get the alerts of an export beside the users who get all alerts."""
    export = find_managed_export(request, export_id)
    form = AlertRecipientsForm(request.POST or None, initial={"addresses": "\n".join(export.tell_also)})
    context: dict[str, object] = {
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
            manage.set_alert_recipients(export, addresses, version=version_from(request.POST), by=request.user)
        except StaleEdit as stale:
            context, status = context | {"stale": stale}, 409
        else:
            return close_pane(request, back, _("The alert recipients of “%(name)s” are saved.") % {"name": export})
    return render_pane(request, "exports/alert_recipients.html", context, status, back=back)


@require_http_methods(["GET", "POST"])
@sensitive_variables()
def test_contact(request: Request, export_id: int) -> HttpResponse:
    """Send one contact and show the response; ``?person=`` fills in which."""
    export = find_managed_export(request, export_id)
    form = TestContactForm(
        request.POST if request.method == "POST" else None, initial={"person": request.GET.get("person", "")}
    )
    answer = None
    if form.is_valid():
        try:
            answer = send_test.send_one(export, person=form.cleaned_data["person"], by=request.user)
        except policies.Refusal as refusal:
            form.add_error("person", refusal.sentence)
    context = {
        "form": form,
        "export": export,
        "answer": answer,
        "sees_data": request.user.may(Permission.PERSONAL_DATA_SEE),
        "active_nav": "exports",
        "pane_save": _("Send test contact"),
        "pane_action": reverse("exports:send_one", args=[export.pk]),
    }
    status = 422 if form.is_bound and answer is None else 200
    return render_pane(request, "exports/test_contact.html", context, status, back=reverse("exports:list"))
